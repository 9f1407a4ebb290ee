package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"kelpie/alert"
	"kelpie/state"
)

func (s *Server) streamRoutes() []*Route {
	return []*Route{{Method: http.MethodGet, Path: "/v1/stream", Scope: Read, Free: true, Handler: s.getStream}}
}

const (
	streamsMost   = 64               // that are open at once
	streamBeat    = 15 * time.Second // after which a silent stream says that it is there
	streamWrite   = 10 * time.Second // how long a reader may take to take what is written; a slower one is cut off
	streamChunk   = 256              // messages that are read at once
	streamRetryMS = 2000             // after which a client that was cut off is to come again
)

// getStream tells of what becomes of alerts for as long as the caller listens: server-sent events, one for each message
// of the outbox, in order. The id of an event is the message's sequence number, from which a client that was cut off goes
// on.
func (s *Server) getStream(w http.ResponseWriter, r *http.Request) {
	x := paramsOf(r)
	after := x.text("after")
	p := x.end()
	if last := r.Header.Get("Last-Event-ID"); last != "" {
		after = last
	}
	upTo, _ := s.o.Store.Released()
	next := upTo + 1
	if after != "" && p == nil {
		n, err := strconv.ParseUint(after, 10, 63)
		if err != nil {
			p = problem(http.StatusBadRequest, "query", "The query is wrong", "after: %q is not the id of an event of this stream", after)
		}
		next = n + 1
	}
	if p == nil && s.streams.Add(1) > streamsMost {
		p = problem(http.StatusTooManyRequests, "too-many-streams", "Too many streams", "%d are open", streamsMost).after(10 * time.Second)
		s.streams.Add(-1)
	}
	if p != nil {
		p.write(w)
		return
	}
	defer s.streams.Add(-1)
	w.Header().Set("Content-Type", "text/event-stream")
	t := &stream{s: s, w: w, rc: http.NewResponseController(w), next: next}
	t.buf.WriteString("retry: " + strconv.Itoa(streamRetryMS) + "\n\n")
	t.run(r)
}

// stream is one that is open.
type stream struct {
	s    *Server
	w    http.ResponseWriter
	rc   *http.ResponseController
	next uint64 // the message that is to come
	buf  bytes.Buffer
}

// run writes until the caller has gone, is too slow, or the server ends.
func (t *stream) run(r *http.Request) {
	beat := time.NewTicker(streamBeat)
	defer beat.Stop()
	for {
		upTo, more := t.s.o.Store.Released()
		if err := t.read(upTo); err != nil {
			t.s.o.Logger.Error("kelpie: the API could not read", "error", err)
			return
		}
		behind := t.next <= upTo
		if t.buf.Len() > 0 && t.flush() != nil {
			return
		}
		if behind {
			continue
		}
		select {
		case <-more:
		case <-beat.C:
			t.buf.WriteString(":\n\n")
		case <-r.Context().Done():
			return
		case <-t.s.Stopping():
			return
		}
	}
}

// read takes in the next messages. Where some are not kept any more, or never were, it says so: the caller has to look
// for itself how alerts stand.
func (t *stream) read(upTo uint64) error {
	if t.next > upTo+1 {
		t.gap(upTo)
	}
	n := 0
	err := t.s.o.Store.Outbox(t.next, func(m state.Message) (bool, error) {
		if m.Sequence > t.next {
			t.gap(m.Sequence - 1)
		}
		var a alert.Alert
		if err := json.Unmarshal(m.Payload, &a); err != nil {
			return false, err
		}
		doc, err := a.Masked(t.s.o.Mask).AppendJSON(nil)
		if err != nil {
			return false, err
		}
		fmt.Fprintf(&t.buf, "id: %d\nevent: %s\ndata: {\"kind\":%q,\"alert\":%s}\n\n", m.Sequence, m.Kind, m.Kind, doc)
		t.next = m.Sequence + 1
		n++
		return n < streamChunk, nil
	})
	if err == nil && n < streamChunk && t.next <= upTo { // all of them have gone
		t.gap(upTo)
	}
	return err
}

// gap says that messages up to one are not to be had.
func (t *stream) gap(upTo uint64) {
	fmt.Fprintf(&t.buf, "id: %d\nevent: gap\ndata: {\"kind\":\"gap\"}\n\n", upTo)
	t.next = upTo + 1
}

func (t *stream) flush() error {
	_ = t.rc.SetWriteDeadline(t.s.o.Now().Add(streamWrite)) // where there are no deadlines there is no network
	_, err := t.w.Write(t.buf.Bytes())
	t.buf.Reset()
	if err != nil {
		return err
	}
	_ = t.rc.SetWriteDeadline(t.s.o.Now().Add(streamWrite)) // the first Write has set that of answers
	return t.rc.Flush()
}
