package server_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// listener reads a stream.
type listener struct {
	t     *testing.T
	lines *bufio.Scanner
	stop  func()
}

// streamed is one event of a stream.
type streamed struct {
	id, event string
	data      struct {
		Kind  string
		Alert alertDoc
	}
}

// listen opens the stream behind an event, or what comes from now on.
func (h *house) listen(t *testing.T, last string) *listener {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", h.url+"/v1/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	if last != "" {
		r.Header.Set("Last-Event-ID", last)
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if a.StatusCode != 200 || a.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%d %v", a.StatusCode, a.Header)
	}
	hold(t, http.MethodGet, "/v1/stream", reply{status: a.StatusCode, header: a.Header})
	l := &listener{t, bufio.NewScanner(a.Body), func() { cancel(); a.Body.Close() }}
	l.lines.Buffer(nil, 1<<20)
	t.Cleanup(l.stop)
	if l.lines.Scan(); l.lines.Text() != "retry: 2000" {
		t.Fatalf("the stream begins with %q", l.lines.Text())
	}
	l.lines.Scan()
	return l
}

// next returns the next event.
func (l *listener) next() (e streamed) {
	l.t.Helper()
	for l.lines.Scan() {
		name, value, _ := strings.Cut(l.lines.Text(), ": ")
		switch name {
		case "id":
			e.id = value
		case "event":
			e.event = value
		case "data":
			if err := json.Unmarshal([]byte(value), &e.data); err != nil {
				l.t.Fatal(err)
			}
			if d, err := described(); err != nil {
				l.t.Fatal(err)
			} else {
				d.validate(l.t, "/components/schemas/Message", value)
			}
		case "":
			if e.event != "" {
				return e
			}
		}
	}
	l.t.Fatalf("the stream ends: %v", l.lines.Err())
	return e
}

// TestStream listens to what becomes of alerts, and goes on where it was cut off.
func TestStream(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	h.open()
	l := h.listen(t, "")
	h.bursts("c1")
	opened := l.next()
	if opened.event != "opened" || opened.id != "1" || opened.data.Kind != "opened" || opened.data.Alert.Key != "c1" {
		t.Errorf("%+v", opened)
	}
	l.stop()
	id := opened.data.Alert.ID
	h.ask("POST", "/v1/alerts/"+id+"/acknowledge", `{"by":"ann"}`, nil)
	h.ask("POST", "/v1/alerts/"+id+"/resolve", `{"by":"ann"}`, nil)
	h.bursts("c2")

	l = h.listen(t, opened.id)
	for i, want := range []string{"acknowledged", "resolved", "opened"} {
		if e := l.next(); e.event != want || e.id != string(rune('2'+i)) || (e.data.Alert.ID == id) != (i < 2) {
			t.Errorf("%s comes in place of %s: %+v", e.event, want, e)
		}
	}
	if e := h.listen(t, "99").next(); e.event != "gap" || e.id != "4" {
		t.Errorf("of an event that never was: %+v", e)
	}
	for _, query := range []string{"after=x", "after=-1", "from=1"} {
		if x := h.ask("GET", "/v1/stream?"+query, "", nil); x.status != 400 {
			t.Errorf("%s: %d %s", query, x.status, x.body)
		}
	}
}

// TestStreamEndsWithTheServer closes a server whose streams are open.
func TestStreamEndsWithTheServer(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	h.open()
	l := h.listen(t, "")
	if err := h.close(); err != nil {
		t.Error(err)
	}
	if l.lines.Scan() {
		t.Errorf("it goes on with %q", l.lines.Text())
	}
}

// TestStreamsAreBounded opens as many streams as there may be, and one more.
func TestStreamsAreBounded(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	h.open()
	for range 63 {
		h.listen(t, "")
	}
	last := h.listen(t, "")
	if x := h.ask("GET", "/v1/stream", "", nil); x.status != http.StatusTooManyRequests || x.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", x.status, x.body)
	}
	last.stop()
	h.until("taken again", func() bool {
		r, err := http.Get(h.url + "/v1/stream")
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		return r.StatusCode == 200
	})
}
