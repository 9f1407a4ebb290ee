package kafka

import (
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/apiversions"
	"github.com/segmentio/kafka-go/protocol/metadata"
	"github.com/segmentio/kafka-go/protocol/produce"
	"github.com/segmentio/kafka-go/protocol/saslauthenticate"
	"github.com/segmentio/kafka-go/protocol/saslhandshake"

	"kelpie/alert/alerttest"
)

// imitation is a broker with one topic of one partition, which answers as a test wants.
type imitation struct {
	listener net.Listener
	reached  chan struct{} // gets a value when records have reached a broker that hangs

	mu     sync.Mutex
	answer alerttest.Answer
	values []string
	open   []net.Conn
	serves sync.WaitGroup
}

func newImitation(t *testing.T) *imitation {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &imitation{listener: l, reached: make(chan struct{}, 1000)}
	b.serves.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			b.mu.Lock()
			b.open = append(b.open, c)
			b.mu.Unlock()
			b.serves.Go(func() { b.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		b.mu.Lock()
		for _, c := range b.open {
			_ = c.Close()
		}
		b.mu.Unlock()
		b.serves.Wait()
	})
	return b
}

// serve answers one connection, until it is closed or nothing can be made of it.
func (b *imitation) serve(c net.Conn) {
	defer c.Close()
	for {
		version, id, _, request, err := protocol.ReadRequest(c)
		if err != nil {
			return
		}
		answer := b.say(request)
		if answer == nil && b.now() == alerttest.Hang {
			b.reached <- struct{}{}
			_, _ = io.Copy(io.Discard, c) // until the other side hangs up
		}
		if answer == nil || protocol.WriteResponse(c, version, id, answer) != nil {
			return
		}
	}
}

func (b *imitation) now() alerttest.Answer {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.answer
}

// set says how it answers from now on.
func (b *imitation) set(a alerttest.Answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = a
}

// taken returns the values of the records that it has, in order.
func (b *imitation) taken() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.values)
}

// say returns the answer to a request; nil if there is none.
func (b *imitation) say(request protocol.Message) protocol.Message {
	switch r := request.(type) {
	case *apiversions.Request:
		var all []apiversions.ApiKeyResponse
		for _, k := range []protocol.ApiKey{protocol.ApiVersions, protocol.Metadata, protocol.Produce, protocol.SaslHandshake, protocol.SaslAuthenticate} {
			all = append(all, apiversions.ApiKeyResponse{ApiKey: int16(k), MinVersion: k.MinVersion(), MaxVersion: k.MaxVersion()})
		}
		return &apiversions.Response{ApiKeys: all}
	case *saslhandshake.Request:
		return &saslhandshake.Response{Mechanisms: []string{r.Mechanism}}
	case *saslauthenticate.Request:
		return &saslauthenticate.Response{AuthBytes: []byte{}}
	case *metadata.Request:
		host, port, _ := net.SplitHostPort(b.listener.Addr().String())
		number, _ := strconv.Atoi(port)
		return &metadata.Response{
			Brokers: []metadata.ResponseBroker{{Host: host, Port: int32(number)}},
			Topics:  []metadata.ResponseTopic{{Name: "alerts", Partitions: []metadata.ResponsePartition{{}}}},
		}
	case *produce.Request:
		return b.take(r)
	}
	return nil
}

// take takes records, or does what the test wants.
func (b *imitation) take(r *produce.Request) protocol.Message {
	p := produce.ResponsePartition{}
	switch b.now() {
	case alerttest.Busy:
		p.ErrorCode = int16(kafkago.NotEnoughReplicas)
	case alerttest.Broken, alerttest.Hang:
		return nil
	case alerttest.Refuse:
		p.ErrorCode = int16(kafkago.MessageSizeTooLarge)
	default:
		b.keep(r.Topics[0].Partitions[0].RecordSet.Records)
	}
	return &produce.Response{Topics: []produce.ResponseTopic{{Topic: "alerts", Partitions: []produce.ResponsePartition{p}}}}
}

func (b *imitation) keep(records protocol.RecordReader) {
	for {
		r, err := records.ReadRecord()
		if err != nil {
			return
		}
		value, _ := io.ReadAll(r.Value)
		b.mu.Lock()
		b.values = append(b.values, string(value))
		b.mu.Unlock()
	}
}
