package kafka

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/segmentio/kafka-go/protocol"
)

// conn is one connection to one broker, which has been greeted and logged in to. One goroutine asks it one thing after the
// other. After an error it is of no use: close it.
type conn struct {
	net      net.Conn
	r        *bufio.Reader
	addr     string
	clientID string
	timeout  time.Duration
	offers   map[protocol.ApiKey]versions
	id       int32 // of the last request
}

// versions is a range of versions of one kind of request.
type versions struct{ low, high int16 }

// largestAnswer bounds an answer to anything but a fetch: what is larger is not Kafka's protocol.
const largestAnswer = 64 << 20

// errNotKafka says that what came back is not what a broker says.
var errNotKafka = errors.New("the answer is not Kafka's")

// ask sends a message of the library and returns the answer.
func (c *conn) ask(ctx context.Context, m protocol.Message) (protocol.Message, error) {
	version, err := c.version(m.ApiKey(), m.ApiKey().MinVersion(), m.ApiKey().MaxVersion())
	if err != nil {
		return nil, err
	}
	if p, ok := m.(protocol.PreparedMessage); ok {
		p.Prepare(version)
	}
	var out bytes.Buffer
	c.id++
	if err := protocol.WriteRequest(&out, version, c.id, c.clientID, m); err != nil {
		return nil, fmt.Errorf("%s: %w", m.ApiKey(), err)
	}
	answer, err := c.exchange(ctx, out.Bytes(), nil, largestAnswer, c.timeout)
	if err != nil {
		return nil, err
	}
	return decode(answer, m.ApiKey(), version)
}

// decode reads an answer by the library, which panics on some that are damaged.
func decode(answer []byte, key protocol.ApiKey, version int16) (m protocol.Message, err error) {
	defer func() {
		if p := recover(); p != nil {
			m, err = nil, fmt.Errorf("%s: %w", key, errNotKafka)
		}
	}()
	whole := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(answer)), uint32(len(answer)))
	_, m, err = protocol.ReadResponse(bytes.NewReader(append(whole, answer...)), key, version)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return m, nil
}

// version returns the newest version of a request that both sides know.
func (c *conn) version(key protocol.ApiKey, low, high int16) (int16, error) {
	o, ok := c.offers[key]
	v := min(o.high, high)
	if !ok || v < o.low || v < low {
		return 0, &versionError{key, low, high, o}
	}
	return v, nil
}

// versionError says that the broker is too old or too new.
type versionError struct {
	key       protocol.ApiKey
	low, high int16
	broker    versions
}

func (e *versionError) Error() string {
	return fmt.Sprintf("it takes %s in versions %d to %d, and Kelpie speaks %d to %d: Kafka 2.3 or newer is needed", e.key, e.broker.low, e.broker.high, e.low, e.high)
}

// request begins a message that the library does not have.
func (c *conn) request(key protocol.ApiKey, version int16, flexible bool) []byte {
	c.id++
	b := make([]byte, 4, 256)
	b = binary.BigEndian.AppendUint16(b, uint16(key))
	b = binary.BigEndian.AppendUint16(b, uint16(version))
	b = binary.BigEndian.AppendUint32(b, uint32(c.id))
	b = appendText(b, c.clientID)
	if flexible {
		b = append(b, 0)
	}
	return b
}

// sized writes its length before a message.
func sized(b []byte) []byte {
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b
}

// exchange sends a request, whose id is c.id, and reads the answer into memory, which it makes larger if need be. The
// answer begins with the id.
func (c *conn) exchange(ctx context.Context, request, memory []byte, most int, wait time.Duration) (answer []byte, err error) {
	if err := c.net.SetDeadline(time.Now().Add(wait)); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.net.SetDeadline(time.Unix(1, 0)) })
	defer func() {
		if !stop() && ctx.Err() != nil {
			err = ctx.Err()
		}
	}()
	if _, err := c.net.Write(request); err != nil {
		return nil, err
	}
	return c.receive(memory, most)
}

// receive reads one answer.
func (c *conn) receive(memory []byte, most int) ([]byte, error) {
	var head [8]byte
	n, err := io.ReadFull(c.r, head[:])
	if n > 1 && head[0] == tlsAlert && head[1] == 3 { // an alert is shorter than any answer
		return nil, errSpeaksTLS
	}
	if err != nil {
		return nil, err
	}
	size := int64(binary.BigEndian.Uint32(head[:]))
	if size < 4 || size > int64(most) || binary.BigEndian.Uint32(head[4:]) != uint32(c.id) {
		return nil, errNotKafka
	}
	if int64(cap(memory)) < size {
		memory = make([]byte, size)
	}
	memory = memory[:size]
	copy(memory, head[4:])
	_, err = io.ReadFull(c.r, memory[4:])
	return memory, err
}

// tlsAlert is the first byte of what TLS says to one who does not speak it; the next one is 3.
const tlsAlert = 0x15

// errSpeaksTLS says that the broker speaks TLS and we did not.
var errSpeaksTLS = errors.New("the broker speaks TLS")

// close ends the connection.
func (c *conn) close() {
	if c != nil {
		_ = c.net.Close() // nothing of it is needed any more
	}
}
