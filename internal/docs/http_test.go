package docs

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/alert"
	"kelpie/engine"
	"kelpie/journal"
	"kelpie/rules"
	"kelpie/server"
	"kelpie/source"
	"kelpie/state"
)

// TestRequests sends each page's requests to a new service, one after the other, and compares what is answered.
func TestRequests(t *testing.T) {
	shown := 0
	for _, page := range pages(t) {
		var s *service
		var got *http.Response
		for _, f := range fences(t, page) {
			switch f.kind {
			case "http request":
				if s == nil {
					s = newService(t)
				}
				got = s.send(t, f)
			case "http answer":
				if shown++; got == nil {
					t.Fatalf("%s:%d: there is no request to this answer", f.file, f.line)
				}
				compareAnswer(t, f, got)
				got = nil
			}
		}
	}
	if shown < 3 {
		t.Errorf("%d answers are shown", shown)
	}
}

// compareAnswer compares status and JSON.
func compareAnswer(t *testing.T, f fence, got *http.Response) {
	t.Helper()
	defer got.Body.Close()
	status, body, _ := strings.Cut(f.text, "\n")
	text, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	var is, want any
	if err := errors.Join(json.Unmarshal(text, &is), json.Unmarshal([]byte(body), &want)); err != nil {
		t.Fatalf("%s:%d: %v: %s", f.file, f.line, err, text)
	}
	if strconv.Itoa(got.StatusCode) != status || !reflect.DeepEqual(is, want) {
		t.Errorf("%s:%d: the answer is\n%d\n%s", f.file, f.line, got.StatusCode, text)
	}
}

// service is a service with its API, in memory but for the network.
type service struct{ url string }

// send sends a request: method and path, headers, and behind a blank line the body.
func (s *service) send(t *testing.T, f fence) *http.Response {
	t.Helper()
	head, body, _ := strings.Cut(f.text, "\n\n")
	lines := bufio.NewScanner(strings.NewReader(head))
	lines.Scan()
	method, path, _ := strings.Cut(lines.Text(), " ")
	r, err := http.NewRequest(method, s.url+path, strings.NewReader(strings.TrimSuffix(body, "\n")))
	if err != nil {
		t.Fatalf("%s:%d: %v", f.file, f.line, err)
	}
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), ": ")
		r.Header.Set(name, value)
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// newService starts a service that ends with the test, and waits until it is ready.
func newService(t *testing.T) *service {
	t.Helper()
	fs := vfs.NewMem()
	log, err := journal.Open("log", journal.Options{FS: fs})
	check(t, err)
	store, err := state.Open("state", state.Options{FS: fs, Cache: 1 << 20, MemTable: 1 << 20})
	check(t, err)
	d, err := alert.NewDispatcher(store, nil, alert.Options{})
	check(t, err)
	set, err := rules.LoadBytes("rules.yml", []byte("rules: {large: {event: OrderCreated, when: amount > 100}}"), rules.Options{})
	check(t, err)
	posts := source.NewPush(source.PushOptions{Name: server.Input})
	e := engine.NewService(engine.ServiceOptions{
		Log: log, Store: store, Dispatcher: d, Rules: set, Shards: 1, Memory: 1 << 20, Clock: clock{},
		Time: engine.TimeSpec{Disorder: 2000, Idle: 30_000, Future: 300_000},
		Inputs: []engine.Input{{Name: server.Input, Live: true, Open: func(func(string) (journal.Progress, bool)) (source.Source, error) {
			return posts, nil
		}}},
	})
	spec := server.DefaultSpec()
	spec.Listen = "127.0.0.1:0"
	api, err := server.New(server.Options{Spec: spec, Service: e, Posts: posts, Log: log, Future: 5 * time.Minute})
	check(t, err)
	check(t, api.Listen())
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- e.Run(ctx) }()
	go func() { ended <- api.Serve(ctx) }()
	t.Cleanup(func() {
		cancel()
		check(t, errors.Join(<-ended, <-ended, store.Close(), log.Close()))
	})
	for tick := time.NewTicker(time.Millisecond); ; <-tick.C {
		if problems, _ := api.Problems(); len(problems) == 0 {
			tick.Stop()
			return &service{"http://" + api.Address().String()}
		}
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// clock is the machine's.
type clock struct{}

func (clock) Now() time.Time                         { return time.Now() }
func (clock) After(d time.Duration) <-chan time.Time { return time.After(d) }
