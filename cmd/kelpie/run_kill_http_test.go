package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"kelpie/event"
	"kelpie/journal"
)

// TestKilledWhilePosted posts events from several clients to a service that is killed twenty times. A client that gets no
// answer, or is told to come again, sends the same events again. In the end each is in the log once, where its client was
// told; the alerts are those of a fold of the log; and each has been delivered at least once, under its id.
func TestKilledWhilePosted(t *testing.T) {
	for _, order := range []string{"arrival", "time"} {
		t.Run(order, func(t *testing.T) {
			s := newPosting(t, order)
			for i := range kills {
				s.runAndKill(i)
			}
			s.runToEnd()
			s.compare()
		})
	}
}

// posting is a service that dies often, and its clients.
type posting struct {
	*killed
	url     string
	bodies  [][]string // what is posted at once, in order
	given   int        // bodies that clients have been given
	work    chan []string
	clients sync.WaitGroup
	client  http.Client

	mu      sync.Mutex
	taken   int               // bodies that were answered
	at      map[string]string // position by id, as answered
	again   int               // events that were known already
	retries int
}

func newPosting(t *testing.T, order string) *posting {
	s := &posting{killed: newKilled(t, order), at: map[string]string{}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.url = "http://" + l.Addr().String() + "/v1/events"
	s.write("kelpie.yml", fmt.Sprintf("rules: rules.yml\ntime: {order: %s}\nhttp: {listen: %q}\n"+
		"alerts: {file: alerts.jsonl, stdout: \"off\"}\nmetrics: {listen: \"off\"}\n", order, l.Addr()))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for from := 0; from < len(s.lines); {
		to := min(from+1+s.rand.IntN(1+s.rand.IntN(60)), len(s.lines))
		var body []string
		for _, line := range s.lines[from:to] {
			body = append(body, strings.TrimSpace(string(line)))
		}
		s.bodies = append(s.bodies, body)
		from = to
	}
	s.work = make(chan []string, len(s.bodies))
	for i := range 6 {
		s.clients.Go(func() { s.post(rand.New(rand.NewPCG(uint64(i), 2))) })
	}
	return s
}

// give gives the clients the next n bodies.
func (s *posting) give(n int) {
	for ; n > 0 && s.given < len(s.bodies); n-- {
		s.work <- s.bodies[s.given]
		s.given++
	}
}

// post is a client: it sends each body until it is told where all of its events are.
func (s *posting) post(r *rand.Rand) {
	for body := range s.work {
		tick := time.NewTicker(2 * time.Millisecond)
		over := time.After(patience)
		for !s.send(body, r) {
			select {
			case <-tick.C:
			case <-over:
				s.t.Errorf("%d events are never taken", len(body))
				return
			}
		}
		tick.Stop()
	}
}

// send sends a body once, in some form; done says that it was taken.
func (s *posting) send(body []string, r *rand.Rand) (done bool) {
	text, kind := []byte("["+strings.Join(body, ",")+"]"), "application/json"
	if r.IntN(2) == 0 {
		text, kind = []byte(strings.Join(body, "\n")), "application/x-ndjson"
	}
	packed := r.IntN(2) == 0
	if packed {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(text) // into memory
		_ = z.Close()
		text = b.Bytes()
	}
	q, err := http.NewRequest(http.MethodPost, s.url, bytes.NewReader(text))
	if err != nil {
		s.t.Error(err)
		return true
	}
	q.Header.Set("Content-Type", kind)
	if packed {
		q.Header.Set("Content-Encoding", "gzip")
	}
	a, err := s.client.Do(q)
	if err != nil {
		s.retried()
		return false
	}
	defer a.Body.Close()
	answer, err := io.ReadAll(a.Body)
	if err != nil || a.StatusCode == http.StatusServiceUnavailable {
		s.retried()
		return false
	}
	s.learn(body, a.StatusCode, answer)
	return true
}

func (s *posting) retried() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.retries++
}

func (s *posting) answered() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken
}

// learn remembers where the events of a body are.
func (s *posting) learn(body []string, status int, answer []byte) {
	var a struct {
		Duplicates int
		Events     []struct{ Status, Position string }
	}
	if err := json.Unmarshal(answer, &a); err != nil || status != http.StatusOK || len(a.Events) != len(body) {
		s.t.Errorf("%d %v: %.300s", status, err, answer)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken++
	s.again += a.Duplicates
	for i, e := range a.Events {
		s.at[idOf(s.t, body[i])] = e.Position
	}
}

func idOf(t *testing.T, line string) string {
	var x struct{ ID string }
	if err := json.Unmarshal([]byte(line), &x); err != nil || x.ID == "" {
		t.Errorf("%v: %s", err, line)
	}
	return x.ID
}

// runAndKill starts the service, gives the clients something to post, and kills it at some moment.
func (s *posting) runAndKill(i int) {
	c := s.start()
	before := s.answered()
	n := 1 + s.rand.IntN(len(s.bodies)/kills)
	s.give(n / 2)
	if i%4 > 0 { // one that there was to post is answered
		s.await("posting", func() bool { taken := s.answered(); return taken > before || taken == s.given })
	}
	s.give(n - n/2)
	<-time.After(time.Duration(s.rand.IntN(60)) * time.Millisecond)
	if err := c.Process.Kill(); err != nil {
		s.t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := c.Wait(); !errors.As(err, &exit) || exit.Exited() {
		s.t.Fatalf("the service ended by itself: %v\n%s", err, s.said.String())
	}
}

// runToEnd lets the clients post the rest, and stops the service.
func (s *posting) runToEnd() {
	c := s.start()
	s.give(len(s.bodies))
	close(s.work)
	s.clients.Wait()
	s.client.CloseIdleConnections()
	if err := c.Process.Signal(os.Interrupt); err != nil {
		s.t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		s.t.Fatalf("the last stop: %v\n%s", err, s.said.String())
	}
}

// compare holds the log against what was posted and what was answered, then state and deliveries against the log.
func (s *posting) compare() {
	records := s.records()
	var got, want []string
	for i := range records {
		r := &records[i]
		if r.Kind != journal.Event {
			continue
		}
		got = append(got, string(r.Payload))
		at := event.Position{Stream: "log", Kind: event.LogPosition, Offset: r.Offset}.String()
		if id := idOf(s.t, got[len(got)-1]); s.at[id] != at {
			s.t.Errorf("%s is at %s, and its client was told %s", id, at, s.at[id])
		}
	}
	for _, body := range s.bodies {
		want = append(want, body...)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		s.t.Fatalf("the log holds %d events, and not the %d that were posted", len(got), len(want))
	}
	s.t.Logf("%d bodies, %d of them sent again, %d events known already", len(s.bodies), s.retries, s.again)
	s.agree(s.fold(records))
}
