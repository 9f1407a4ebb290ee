package kafka_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"kelpie/source/kafka"
	"kelpie/source/kafka/kafkatest"
)

// state is what members of a group have committed, as if it moved with the partitions.
type state struct {
	mu    sync.Mutex
	marks map[kafka.Partition]kafka.Mark
	got   map[kafka.Partition][]string
	owner map[kafka.Partition]string
	wrong []string
	more  chan struct{}
}

func newState() *state {
	return &state{marks: map[kafka.Partition]kafka.Mark{}, got: map[kafka.Partition][]string{}, owner: map[kafka.Partition]string{}, more: make(chan struct{}, 1)}
}

func (s *state) signal() {
	select {
	case s.more <- struct{}{}:
	default:
	}
}

// member reads in a group until it is closed.
type member struct {
	name string
	s    *state
	r    *kafka.Reader
	mu   sync.Mutex
	done chan struct{}
}

func newMember(t *testing.T, name string, spec kafka.Spec, s *state) *member {
	t.Helper()
	m := &member{name: name, s: s, done: make(chan struct{})}
	r, err := kafka.Open(spec, kafka.Options{
		Marks: func() map[kafka.Partition]kafka.Mark {
			s.mu.Lock()
			defer s.mu.Unlock()
			return maps.Clone(s.marks)
		},
		Assigned: func(ps []kafka.Partition) { m.own(ps, true) },
		Revoked:  func(ps []kafka.Partition) { m.own(ps, false) },
	})
	if err != nil {
		t.Fatal(err)
	}
	m.mu.Lock()
	m.r = r
	m.mu.Unlock()
	go m.run()
	return m
}

// own takes partitions that nobody else may have, or gives them up.
func (m *member) own(ps []kafka.Partition, on bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	for _, p := range ps {
		if other := m.s.owner[p]; on && other != "" {
			m.s.wrong = append(m.s.wrong, fmt.Sprintf("%s gets %s, which %s has", m.name, p, other))
		}
		if m.s.owner[p] = ""; on {
			m.s.owner[p] = m.name
		}
	}
	m.s.signal()
}

func (m *member) run() {
	defer close(m.done)
	for {
		b, err := m.r.Next(context.Background())
		if err != nil {
			return
		}
		m.mu.Lock()
		if m.r.Owns(b) {
			m.s.fold(b)
			m.r.Committed(b.Partition, b.Next.Offset)
		}
		m.r.Release(b)
		m.mu.Unlock()
	}
}

func (s *state) fold(b *kafka.Batch) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if b.Gap != nil {
		s.wrong = append(s.wrong, b.Gap.Text(b.Partition))
	}
	for i := range b.Len() {
		s.got[b.Partition] = append(s.got[b.Partition], fmt.Sprintf("%d %s", b.Lines[i].Offset, b.Value(i)))
	}
	s.marks[b.Partition] = b.Next
	s.signal()
}

func (m *member) close(t *testing.T) {
	t.Helper()
	if err := m.r.Close(); err != nil {
		t.Error(err)
	}
	<-m.done
}

// until waits until f is true of the state.
func (s *state) until(t *testing.T, f func() bool) {
	t.Helper()
	late := time.After(patience)
	for {
		s.mu.Lock()
		ok := f()
		s.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-s.more:
		case <-late:
			t.Fatalf("owners %v, wrong %q", s.owner, s.wrong)
		}
	}
}

// TestGroup has members that come and go while records are written and a partition is added: each partition has one
// owner at a time, each record is folded once, and the group's offsets say how far.
func TestGroup(t *testing.T) {
	real(t, func(t *testing.T, c *kafkatest.Cluster) {
		a := c.Admin(t)
		const partitions = 4
		a.Create("shared", partitions)
		s := spec(c, "shared")
		s.Group = "sharers"
		state := newState()
		n := 0
		more := func(partitions int) {
			for p := range partitions {
				a.Write("shared", p, kafkatest.Batch{Records: records(n, 20)})
				n += 20
			}
		}
		all := func() bool {
			total := 0
			for _, got := range state.got {
				total += len(got)
			}
			return total == n
		}
		owned := func(want map[string]int) func() bool {
			return func() bool {
				got := map[string]int{}
				for _, who := range state.owner {
					got[who]++
				}
				delete(got, "")
				return maps.Equal(got, want)
			}
		}
		one := newMember(t, "one", s, state)
		state.until(t, owned(map[string]int{"one": 4}))
		more(partitions)
		two := newMember(t, "two", s, state)
		state.until(t, owned(map[string]int{"one": 2, "two": 2}))
		more(partitions)
		state.until(t, all)
		a.AddPartitions("shared", partitions+2)
		state.until(t, owned(map[string]int{"one": 3, "two": 3}))
		more(partitions + 2)
		one.close(t)
		more(partitions + 2)
		state.until(t, owned(map[string]int{"two": 6}))
		state.until(t, all)
		two.close(t)
		if len(state.wrong) > 0 {
			t.Errorf("%q", state.wrong)
		}
		for p, got := range state.got {
			if i := slices.IndexFunc(got, func(line string) bool { return line[0] == '-' }); i >= 0 || len(got) < 40 {
				t.Errorf("%s: %q", p, got)
			}
			for i, line := range got {
				var offset int
				var value string
				if _, err := fmt.Sscan(line, &offset, &value); err != nil || offset != i {
					t.Fatalf("%s: record %d is %q", p, i, line)
				}
			}
			if committed := a.Committed("sharers", p.Topic, int(p.ID)); committed != int64(len(got)) {
				t.Errorf("%s: the group's offset is %d, want %d", p, committed, len(got))
			}
		}
	})
}
