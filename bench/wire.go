package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
)

// wire is a connection to a server, by a client that does no more than it must: one request after the other, answered by
// 200 and a body whose length is announced.
type wire struct {
	conn    net.Conn
	in      *bufio.Reader
	address string
	head    []byte
	answer  []byte
}

func dial(address string) (*wire, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &wire{conn: c, in: bufio.NewReader(c), address: address}, nil
}

func (w *wire) close() error { return w.conn.Close() }

// post posts a body and returns the answer, which stays until the next one.
func (w *wire) post(path, kind string, body []byte) ([]byte, error) {
	w.head = fmt.Appendf(w.head[:0], "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", path, w.address, kind, len(body))
	if _, err := (&net.Buffers{w.head, body}).WriteTo(w.conn); err != nil {
		return nil, err
	}
	return w.read()
}

// read reads an answer.
func (w *wire) read() ([]byte, error) {
	line, err := w.in.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	bad := ""
	if !bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")) {
		bad = string(bytes.TrimSpace(line))
	}
	length := -1
	for {
		if line, err = w.in.ReadSlice('\n'); err != nil {
			return nil, err
		}
		if len(line) == len("\r\n") {
			break
		}
		if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(v))); err != nil {
				return nil, err
			}
		}
	}
	if length < 0 {
		return nil, errors.New("an answer without Content-Length")
	}
	w.answer = slices.Grow(w.answer[:0], length)[:length]
	if _, err := io.ReadFull(w.in, w.answer); err != nil {
		return nil, err
	}
	if bad != "" {
		return nil, fmt.Errorf("%s: %.300s", bad, w.answer)
	}
	return w.answer, nil
}
