package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/alert"
	"kelpie/alert/post"
	"kelpie/secret"
	"kelpie/state"
)

// station is a receiver that can be taken off the network, and comes back under its address.
type station struct {
	t       *testing.T
	address string
	server  *http.Server
	heard   chan string // of each notification: the alert and how it stands
}

func (s *station) open() {
	s.t.Helper()
	l, err := net.Listen("tcp", s.address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.address, s.server = l.Addr().String(), &http.Server{Handler: s}
	go func() { _ = s.server.Serve(l) }()
}

// ServeHTTP implements http.Handler.
func (s *station) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	var d struct {
		Data struct {
			Alerts []struct{ Alert struct{ ID, State string } }
		}
	}
	err := json.NewDecoder(r.Body).Decode(&d)
	text := fmt.Sprint(err)
	for _, a := range d.Data.Alerts {
		text = a.Alert.ID + " " + a.Alert.State
	}
	s.heard <- text
}

// TestNetworkGone takes a receiver off the network while alerts open and resolve: when it is back it is told of all of them,
// of each in order.
func TestNetworkGone(t *testing.T) {
	s := &station{t: t, address: "127.0.0.1:0", heard: make(chan string, 100)}
	s.open()
	n, err := New(Spec{URL: secret.New("http://" + s.address), Spec: post.Spec{Proxy: secret.New("none")}}, post.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	store, err := state.Open("state", state.Options{FS: vfs.NewMem(), Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	atOnce, unlimited, spec := time.Duration(0), 0, alert.DefaultSpec()
	spec.GroupInterval = time.Nanosecond
	spec.Routes = []alert.RouteSpec{{Receiver: "hook", GroupBy: []string{"..."}, GroupWait: &atOnce}}
	d, err := alert.NewDispatcher(store, nil, alert.Options{
		MinBackoff: time.Microsecond, MaxBackoff: time.Millisecond, Routing: spec,
		Groups: []alert.GroupReceiver{{ReceiverSpec: alert.ReceiverSpec{Name: "hook", Limit: &unlimited}, Notifiers: []alert.NamedNotifier{{Kind: "webhook", Notifier: n}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	defer func() {
		cancel()
		if err := errors.Join(<-ended, store.Close(), s.server.Close()); err != nil {
			t.Error(err)
		}
	}()

	book := alert.NewBook(store)
	commit := func() {
		t.Helper()
		b := store.NewBatch()
		defer b.Close()
		epoch, err := book.Flush(b)
		if err = errors.Join(err, store.Commit(b, true)); err != nil {
			t.Fatal(err)
		}
		book.Committed(epoch)
	}
	book.Open(alert.Alert{ID: "a0", Mode: "alert", Rule: "r"})
	commit()
	if got := <-s.heard; got != "a0 firing" {
		t.Errorf("heard %q", got)
	}
	if err := s.server.Close(); err != nil {
		t.Fatal(err)
	}
	var want []string
	for i := range 5 {
		if i > 0 {
			book.Open(alert.Alert{ID: fmt.Sprint("a", i), Mode: "alert", Rule: "r"})
			want = append(want, fmt.Sprintf("a%d firing", i))
		}
		commit()
	}
	for tick := time.NewTicker(time.Millisecond); d.RouterStats().Receivers[0].Failures < 10; {
		<-tick.C
	}
	if err := book.Resolve("a0", 1, alert.Left); err != nil {
		t.Fatal(err)
	}
	commit()
	s.open()
	var got []string
	for range 5 {
		got = append(got, <-s.heard)
	}
	slices.Sort(got)
	if want = append([]string{"a0 resolved"}, want...); !slices.Equal(got, want) {
		t.Errorf("heard %q, want %q", got, want)
	}
	if err := book.Resolve("a1", 2, alert.Left); err != nil {
		t.Fatal(err)
	}
	commit()
	if got := <-s.heard; got != "a1 resolved" {
		t.Errorf("heard %q", got)
	}
}
