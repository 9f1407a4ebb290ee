package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"

	"kelpie/engine"
	"kelpie/event"
)

// lives writes the alerts' lives, one object a line in the order of opening. How an alert ends is known long after its
// line has its place, so each line is first written to a spool file with room for the end, which is filled in when it
// comes; closing copies the lines, without the room that was not needed. Memory is taken only by alerts that are open.
type lives struct {
	name  string
	out   *output
	spool *os.File
	buf   []byte           // not in the spool yet
	size  int64            // of the spool, without buf
	ends  map[string]int64 // where the room of an open alert is, by its id
	line  []byte
}

// room is what an end takes, as spaces until it is known.
const room = `,"resolved":"2006-01-02T15:04:05.000Z"`

const livesBuffer = 64 << 10

// newLives creates the file.
func newLives(name string) (*lives, error) {
	out, err := createOutput(name)
	if err != nil {
		return nil, err
	}
	spool, err := os.CreateTemp("", "kelpie-alerts-*")
	if err != nil {
		out.Close()
		return nil, err
	}
	os.Remove(spool.Name()) // it lives as long as it is open, where the system allows that; else Close removes it
	return &lives{name: name, out: out, spool: spool, ends: map[string]int64{}}, nil
}

// take notes what happened to alerts.
func (l *lives) take(changes []engine.Change) error {
	for i := range changes {
		c := &changes[i]
		var err error
		switch c.Kind {
		case engine.Opened:
			err = l.open(c)
		case engine.Resolved:
			err = l.resolve(c)
		}
		if err != nil {
			return fmt.Errorf("alerts: %w", err)
		}
	}
	return nil
}

func (l *lives) open(c *engine.Change) error {
	l.line = appendLife(l.line[:0], c)
	l.ends[c.ID] = l.size + int64(len(l.buf)+len(l.line)-1)
	l.buf = append(l.buf, l.line[:len(l.line)-1]...)
	for range len(room) {
		l.buf = append(l.buf, ' ')
	}
	l.buf = append(l.buf, "}\n"...)
	if len(l.buf) < livesBuffer {
		return nil
	}
	return l.flush()
}

func (l *lives) flush() error {
	n, err := l.spool.Write(l.buf)
	l.size += int64(n)
	l.buf = l.buf[:0]
	return err
}

func (l *lives) resolve(c *engine.Change) error {
	at, ok := l.ends[c.ID]
	if !ok {
		return nil // it was open before the stream began
	}
	delete(l.ends, c.ID)
	end := append(l.line[:0], `,"resolved":"`...)
	end = append(event.AppendTime(end, c.At), '"')
	l.line = end
	if at >= l.size {
		copy(l.buf[at-l.size:], end)
		return nil
	}
	_, err := l.spool.WriteAt(end, at)
	return err
}

// appendLife appends the line of an alert that has just opened, without the newline.
func appendLife(b []byte, c *engine.Change) []byte {
	text := func(s string) { b = event.AppendJSON(b, event.StringValue(s)) }
	b = append(b, `{"rule":`...)
	text(c.Rule.Name)
	b = append(b, `,"key":`...)
	b = engine.AppendKeyJSON(b, c.Key)
	b = append(b, `,"opened":"`...)
	b = append(event.AppendTime(b, c.Opened), '"')
	if c.Window != nil {
		b = append(b, `,"window":{"start":"`...)
		b = event.AppendTime(b, c.Window.Start)
		b = append(b, `","end":"`...)
		b = append(event.AppendTime(b, c.Window.End), `"}`...)
		return append(b, '}')
	}
	if c.EventID != "" {
		b = append(b, `,"id":`...)
		text(c.EventID)
	}
	b = append(b, `,"position":`...)
	text(c.Position)
	return append(b, '}')
}

// Close writes the file and removes the spool. Alerts that are open then have no end.
func (l *lives) Close() error {
	defer os.Remove(l.spool.Name())
	defer l.spool.Close()
	err := l.flush()
	if err == nil {
		_, err = l.spool.Seek(0, io.SeekStart)
	}
	if err == nil {
		err = l.copy()
	}
	if e := l.out.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("alerts: %s: %w", l.name, err)
	}
	return nil
}

// copy copies the lines without the spaces before the closing brace.
func (l *lives) copy() error {
	r := bufio.NewReaderSize(l.spool, livesBuffer)
	var long []byte
	for {
		line, err := r.ReadSlice('\n')
		switch err {
		case nil:
		case bufio.ErrBufferFull:
			long = append(long, line...)
			continue
		case io.EOF:
			return nil
		default:
			return err
		}
		if long != nil {
			line = append(long, line...)
			long = nil
		}
		body := bytes.TrimRight(line[:len(line)-2], " ")
		l.out.Write(body)
		if _, err := l.out.WriteString("}\n"); err != nil {
			return err
		}
	}
}
