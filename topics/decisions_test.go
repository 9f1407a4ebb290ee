package topics

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"kelpie/event"
	"kelpie/mask"
	"kelpie/source/kafka"
	"kelpie/state"
)

func decide(t *testing.T, s *state.Store, offsets ...int64) {
	t.Helper()
	b := s.NewBatch()
	defer b.Close()
	for _, offset := range offsets {
		b.KeepMade(offset, fmt.Appendf(nil, `{"n":%d}`, offset))
	}
	if err := s.Commit(b, false); err != nil {
		t.Fatal(err)
	}
}

// TestDecisions wants each decision to be copied in the order of the log, and to be forgotten then, also if the log is read
// again from before it.
func TestDecisions(t *testing.T) {
	s, p := openStore(t, 100), newTopic()
	c, err := Decisions(Options{Store: s, Sender: p, Topic: "decided", Clock: p}, DecisionTarget{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- c.Run(ctx) }()
	decide(t, s, 0, 7)
	p.answers <- nil
	<-p.begun
	decide(t, s, 0, 7, 9)
	p.answers <- nil
	<-p.begun
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if a, b := p.values(0), p.values(1); !slices.Equal(a, []string{`{"n":0}`, `{"n":7}`}) || !slices.Equal(b, []string{`{"n":9}`}) || len(p.sent) != 2 {
		t.Errorf("sent %q and %q", a, b)
	}
	if got := c.Stats(); got != (Stats{Copied: 3}) {
		t.Errorf("stats %+v", got)
	}
	err = s.Made(0, func(offset int64, _ []byte) (bool, error) {
		t.Errorf("the decision at %d is kept", offset)
		return true, nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestDecisionsTooMany gives up the oldest decisions when more wait than may, says so, and copies the others.
func TestDecisionsTooMany(t *testing.T) {
	s, p := openStore(t, 100), newTopic()
	decide(t, s, 2, 3, 5, 8, 13, 21, 34)
	for _, most := range []int{7, 3} {
		c, err := Decisions(Options{Store: s, Sender: p, Topic: "decided", Clock: p}, DecisionTarget{Max: most})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Stats(); got.Waiting != 7 {
			t.Errorf("stats %+v", got)
		}
		var answer error
		if most == 7 {
			answer = errors.New("nobody there")
		}
		done := make(chan error)
		go func() { _, err := c.round(t.Context()); done <- err }()
		p.answers <- answer
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		want := Stats{Waiting: 7, Failures: 1, Failing: true}
		if most == 3 {
			want = Stats{Copied: 3, Missed: 4}
		}
		if got := c.Stats(); got != want {
			t.Errorf("at most %d: stats %+v, want %+v", most, got, want)
		}
	}
	if got := p.values(1); !slices.Equal(got, []string{`{"n":13}`, `{"n":21}`, `{"n":34}`}) {
		t.Errorf("sent %q", got)
	}
}

// TestDecisionMessage makes records, with keys of every kind, and with what is masked.
func TestDecisionMessage(t *testing.T) {
	m := mask.New([]mask.Field{{Path: "customer.email"}}, []byte(strings.Repeat("k", 32)))
	made := []byte(`{"type":"DecisionMade","n":12,"none":null,"customer":{"id":"c 1","email":"ann@example.org"},"decision":{"answer":"block","of":"Order","rules":["a","b"],"position":"log@7"}}`)
	record := func(path string) kafka.Message {
		p, err := DecisionTarget{Key: path}.path()
		if err != nil {
			t.Fatal(err)
		}
		return decisionMessage(made, m, p)
	}
	f := func(path, want string) {
		t.Helper()
		if got := record(path); string(got.Key) != want || (got.Key == nil) != (want == "") {
			t.Errorf("key of %s: %q, want %q", path, got.Key, want)
		}
	}
	f("", "")
	f("customer.id", "c 1")
	f("n", "12")
	f("none", "")
	f("n.x", "")
	f("nobody", "")
	email, err := event.ParsePath("customer.email")
	if err != nil {
		t.Fatal(err)
	}
	value, _ := m.Event(made)
	f("customer.email", string(member(value, email)))
	got, text := record("customer.email"), ""
	for _, h := range got.Headers {
		text += fmt.Sprintf(" %s=%s", h.Name, h.Value)
	}
	if strings.Contains(string(got.Key)+string(got.Value), "ann@") || !strings.HasPrefix(text, " kelpie-id=dec_") ||
		!strings.HasSuffix(text, " kelpie-position=log@7 kelpie-decision=block kelpie-rules=a,b content-type=application/json") {
		t.Errorf("%s %s, headers%s", got.Key, got.Value, text)
	}
}
