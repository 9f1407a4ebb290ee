package topics

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/event"
	"kelpie/mask"
	"kelpie/source/kafka"
	"kelpie/state"
)

// topic is a Sender that a test steers, and the clock by which it is tried again.
type topic struct {
	begun   chan struct{} // gets a value when a Send begins
	answers chan error    // of each Send, which waits for it
	sent    [][]kafka.Message
	pauses  chan time.Duration
	over    chan time.Time
}

func newTopic() *topic {
	return &topic{begun: make(chan struct{}, 100), answers: make(chan error), pauses: make(chan time.Duration), over: make(chan time.Time)}
}

func (p *topic) Send(ctx context.Context, ms []kafka.Message) error {
	p.begun <- struct{}{}
	select {
	case err := <-p.answers:
		p.sent = append(p.sent, ms)
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *topic) Now() time.Time { return time.UnixMilli(1_767_607_200_000) }

func (p *topic) After(d time.Duration) <-chan time.Time {
	p.pauses <- d
	return p.over
}

// values returns what one Send was given.
func (p *topic) values(send int) (all []string) {
	for _, m := range p.sent[send] {
		all = append(all, string(m.Value))
	}
	return all
}

func openStore(t *testing.T, kept int) *state.Store {
	t.Helper()
	s, err := state.Open("state", state.Options{FS: vfs.NewMem(), Seed: 1, Rejected: state.RejectBounds{Events: kept}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func refuse(t *testing.T, s *state.Store, from, n int) {
	t.Helper()
	b := s.NewBatch()
	defer b.Close()
	for i := from; i < from+n; i++ {
		b.Reject(state.Rejected{
			Position: event.Position{Stream: "orders", Partition: 3, Offset: int64(i), Kind: event.KafkaPosition},
			Reason:   event.NotJSON, Detail: "no value", Offset: 2, Raw: fmt.Appendf(nil, "r%d", i),
		})
	}
	if err := s.Commit(b, false); err != nil {
		t.Fatal(err)
	}
}

// running is a Copier that runs.
type running struct {
	*Copier
	stop func()
}

func start(t *testing.T, s *state.Store, p *topic) running {
	t.Helper()
	c, err := Rejected(Options{Store: s, Sender: p, Topic: "refused", Clock: p})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- c.Run(ctx) }()
	return running{c, func() {
		t.Helper()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}}
}

func few(reason error, refused bool, which ...int) error {
	e := &kafka.SendError{}
	for _, i := range which {
		e.Failed = append(e.Failed, kafka.Failure{Index: i, Permanent: refused, Refused: refused, Reason: reason})
	}
	return e
}

// TestCopies wants each refused event to be sent until it is acknowledged or refused, also by one who starts anew, and
// none again that is done.
func TestCopies(t *testing.T) {
	s, p := openStore(t, 100), newTopic()
	refuse(t, s, 1, 3)
	c := start(t, s, p)
	down := errors.New("nobody listens")
	p.answers <- down // nobody knows of which
	if d := <-p.pauses; d != time.Second {
		t.Errorf("the first pause is %s", d)
	}
	if got := c.Remarks(); len(got) != 1 || !strings.Contains(got[0], "3 wait") {
		t.Errorf("remarks %q", got)
	}
	p.over <- time.Time{}
	p.answers <- few(down, false, 1, 2)
	if d := <-p.pauses; d != 2*time.Second {
		t.Errorf("the second pause is %s", d)
	}
	p.over <- time.Time{}
	p.answers <- few(errors.New("too large"), true, 0)
	refuse(t, s, 4, 1)
	p.answers <- nil
	c.stop()
	if got := c.Stats(); got != (Stats{Copied: 3, GivenUp: 1, Failures: 2}) {
		t.Errorf("stats %+v", got)
	}
	c = start(t, s, p)
	refuse(t, s, 5, 1)
	p.answers <- nil
	c.stop()
	want := [][]string{{"r1", "r2", "r3"}, {"r1", "r2", "r3"}, {"r2", "r3"}, {"r4"}, {"r5"}}
	for i := range p.sent {
		if got := p.values(i); i >= len(want) || !slices.Equal(got, want[i]) {
			t.Errorf("send %d: %q", i, got)
		}
	}
	if len(p.sent) != len(want) {
		t.Errorf("%d sends", len(p.sent))
	}
}

// TestEnd has events that are refused before the end: one who ends copies what is there, and one whose topic says nothing
// ends all the same, and leaves the rest to the next one.
func TestEnd(t *testing.T) {
	s, p := openStore(t, 100), newTopic()
	c, err := Rejected(Options{Store: s, Sender: p, Topic: "refused", Clock: p})
	if err != nil {
		t.Fatal(err)
	}
	refuse(t, s, 1, mostAtOnce+1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ended := make(chan error)
	go func() { ended <- c.Run(ctx) }()
	p.answers <- errors.New("down")
	if err := <-ended; err != nil || len(p.values(0)) != 100 {
		t.Errorf("%v after %d events", err, len(p.values(0)))
	}
	next := start(t, s, p)
	p.answers <- nil
	next.stop()
	if got := p.values(1); !slices.Equal(got, p.values(0)) {
		t.Errorf("the next one begins with %q", got[:1])
	}
	<-p.begun
	<-p.begun
	refuse(t, s, mostAtOnce+2, 1)
	third, cancel := context.WithCancel(t.Context())
	go func() { ended <- next.Run(third) }()
	<-p.begun
	cancel()
	p.answers <- nil
	if err := <-ended; err != nil || len(p.begun) > 0 {
		t.Errorf("%v; what was on its way at the end was sent %d times more", err, len(p.begun))
	}
	if got := next.Stats(); got.Waiting != 0 || got.Missed != mostAtOnce+1-100 {
		t.Errorf("stats %+v", got)
	}
}

// TestMissed has a list that has no room while the topic is down, and a topic that begins when much has been refused.
func TestMissed(t *testing.T) {
	s, p := openStore(t, 3), newTopic()
	refuse(t, s, 1, 10)
	c := start(t, s, p)
	p.answers <- errors.New("down")
	<-p.pauses
	refuse(t, s, 11, 7)
	p.over <- time.Time{}
	p.answers <- nil
	p.answers <- nil
	c.stop()
	if got := c.Stats(); got != (Stats{Copied: 6, Missed: 4, Failures: 1}) {
		t.Errorf("stats %+v", got)
	}
	if a, b := p.values(1), p.values(2); !slices.Equal(a, []string{"r8", "r9", "r10"}) || !slices.Equal(b, []string{"r15", "r16", "r17"}) {
		t.Errorf("sent %q and %q", a, b)
	}
	if got := c.Remarks(); len(got) != 1 || !strings.HasPrefix(got[0], "4 refused events are not in their topic") {
		t.Errorf("remarks %q", got)
	}
}

// TestMessage wants a record that says all about a refused event, the same each time, and nothing that is masked.
func TestMessage(t *testing.T) {
	m := mask.New([]mask.Field{{Path: "email"}}, []byte(strings.Repeat("k", 32)))
	r := state.Rejected{
		Position: event.Position{Stream: "log", Offset: 42, Kind: event.LogPosition}, Reason: event.MissingTime, Detail: "there is no time", Offset: 1, Size: 40,
		Raw: []byte(`{"email": "ann@example.org"}`),
	}
	got := refusedMessage(r, m)
	text := fmt.Sprintf("%s %s", got.Key, got.Value)
	for _, h := range got.Headers {
		text += fmt.Sprintf(" %s=%s", h.Name, h.Value)
	}
	if strings.Contains(text, "ann@") || !strings.HasPrefix(text, "log/0 {") || !strings.HasSuffix(text, " kelpie-position=log@42 kelpie-reason="+string(event.MissingTime)+" kelpie-detail=there is no time kelpie-offset=1 kelpie-size=40") {
		t.Errorf("record %s", text)
	}
	id := func(r state.Rejected) string { return string(refusedMessage(r, nil).Headers[0].Value) }
	other := r
	other.Position.Offset++
	if again := r; id(r) != id(again) || id(r) == id(other) || !strings.HasPrefix(id(r), "rej_") {
		t.Errorf("ids %s and %s", id(r), id(other))
	}
	r.Raw = make([]byte, 2*longestValue)
	if n := len(refusedMessage(r, nil).Value); n != longestValue {
		t.Errorf("a value of %d bytes", n)
	}
	r.Raw = nil
	if refusedMessage(r, nil).Value == nil {
		t.Error("an event without bytes is a tombstone")
	}
}
