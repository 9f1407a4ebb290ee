package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

// How a member of a group lives. A member that was not heard of for so long is out, and its partitions are others'.
const (
	session        = 30 * time.Second
	heartbeat      = time.Second
	rejoin         = time.Second     // after a failure
	commitEvery    = 2 * time.Second // offsets, which are a hint only
	goodbye        = 5 * time.Second // that leaving may take when the Reader is closed
	theGroup       = "group"         // where problems are that concern it
	rebalanceLimit = 30 * time.Second
)

// membership is what a Reader knows as a member of its group. The Reader's mutex guards it.
type membership struct {
	existing []Partition         // what there is to be shared out, as it was last seen
	subject  []string            // topics of it
	changed  chan struct{}       // a token: existing is not what it was
	done     map[Partition]int64 // offsets that are to be committed
	member   string              // who we were in the group last; "" if we have left it, or were never in it
}

// Committed says that everything before an offset has been committed with us. The group is told in the background: its
// offsets are a hint for those who watch the lag, and nobody reads on from them.
func (r *Reader) Committed(p Partition, next int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.spec.Group != "" && r.parts[p] != nil {
		r.group.done[p] = next
	}
}

// sharedLocked takes in which partitions the group shares out.
func (r *Reader) sharedLocked(all []Partition) {
	if slices.Equal(all, r.group.existing) {
		return
	}
	topics := map[string]bool{}
	for _, p := range all {
		topics[p.Topic] = true
	}
	r.group.existing, r.group.subject = all, slices.Sorted(maps.Keys(topics))
	token(r.group.changed)
}

// join is a member of the group until the Reader is closed.
func (r *Reader) join() {
	r.bury()
	for r.ctx.Err() == nil {
		select {
		case <-r.group.changed: // the subscription, which is read now, is what it was about
		default:
		}
		topics := r.subscription()
		if len(topics) == 0 { // to name one that is not there would make it, on some brokers
			select {
			case <-r.group.changed:
				token(r.group.changed)
			case <-r.ctx.Done():
			}
			continue
		}
		if err := r.joinAnew(topics); err != nil && r.ctx.Err() == nil {
			r.problem(theGroup, fmt.Sprintf("group %s: %s", r.spec.Group, groupWords(err)))
			sleep(r.ctx, jitter(rejoin))
		}
	}
}

// joinAnew is member, behind a goodbye for who we were if we had to leave without one: else the group waits for that member
// until its session ends.
func (r *Reader) joinAnew(topics []string) error {
	r.mu.Lock()
	was := r.group.member
	r.mu.Unlock()
	if was != "" {
		if err := r.leaveFor(was); err != nil {
			return err
		}
	}
	r.setMember("")
	return r.member(topics)
}

// setMember notes who we are in the group.
func (r *Reader) setMember(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.group.member = id
}

func (r *Reader) subscription() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.group.subject
}

// member is in the group with a subscription, until the topics are others.
func (r *Reader) member(topics []string) error {
	line := &lines{open: map[net.Conn]bool{}, d: r.client.d}
	defer line.cut()
	g, err := kafkago.NewConsumerGroup(kafkago.ConsumerGroupConfig{
		ID: r.spec.Group, Brokers: r.client.addresses(), Topics: topics,
		Dialer: &kafkago.Dialer{
			ClientID: r.client.d.clientID, Timeout: r.client.d.timeout, DialFunc: line.dial, TLS: r.client.d.tls, SASLMechanism: r.client.d.sasl,
		},
		GroupBalancers:    []kafkago.GroupBalancer{kafkago.RangeGroupBalancer{}},
		HeartbeatInterval: heartbeat, SessionTimeout: session, RebalanceTimeout: rebalanceLimit, JoinGroupBackoff: rejoin, Timeout: r.client.d.timeout,
	})
	if err != nil {
		return err
	}
	defer func() {
		hurry := time.AfterFunc(goodbye, line.cut)
		defer hurry.Stop()
		_ = g.Close() // it has no errors
	}()
	for failures := 0; ; {
		generation, err := g.Next(r.ctx)
		if err != nil {
			var code kafkago.Error
			if failures++; failures < 5 && errors.As(err, &code) && (code.Temporary() || code == kafkago.RebalanceInProgress || code == kafkago.NotCoordinatorForGroup) {
				continue // the library tries again by itself
			}
			return err
		}
		failures = 0
		if !r.serve(generation) || !slices.Equal(topics, r.subscription()) {
			return nil
		}
	}
}

// serve reads what one generation of the group gives us, until it ends. It returns false when the Reader is closed.
func (r *Reader) serve(g *kafkago.Generation) bool {
	var ours []Partition
	for topic, ps := range g.Assignments {
		for _, p := range ps {
			ours = append(ours, Partition{topic, int32(p.ID)})
		}
	}
	slices.SortFunc(ours, Partition.Compare)
	over := make(chan struct{})
	g.Start(func(ctx context.Context) {
		defer close(over)
		r.noteMember(g.MemberID)
		r.setMember(g.MemberID)
		r.begin(ours)
		r.tend(ctx, g)
		r.revoke(ours)
		r.commit(g) // what Revoked has committed; a generation that others have ended already says no, which is right
	})
	<-over
	return r.ctx.Err() == nil
}

// begin makes the partitions of a generation ours.
func (r *Reader) begin(ours []Partition) {
	r.mu.Lock()
	r.counts.Rebalances++
	r.problems.clear(theGroup)
	clear(r.group.done)
	missing := slices.ContainsFunc(ours, func(p Partition) bool { return !slices.Contains(r.group.existing, p) })
	r.mu.Unlock()
	if missing {
		token(r.look)
	}
	r.assign(ours)
}

// tend commits offsets until the generation ends, or must end because there are other partitions.
func (r *Reader) tend(ctx context.Context, g *kafkago.Generation) {
	tick := time.NewTicker(commitEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.ctx.Done():
			return
		case <-r.group.changed:
			return
		case <-tick.C:
			if err := r.commit(g); fenced(err) {
				return
			}
		}
	}
}

// commit tells the group how far we are.
func (r *Reader) commit(g *kafkago.Generation) error {
	r.mu.Lock()
	offsets := map[string]map[int]int64{}
	for p, next := range r.group.done {
		if offsets[p.Topic] == nil {
			offsets[p.Topic] = map[int]int64{}
		}
		offsets[p.Topic][int(p.ID)] = next
	}
	clear(r.group.done)
	r.mu.Unlock()
	if len(offsets) == 0 {
		return nil
	}
	err := g.CommitOffsets(offsets)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.counts.Commits++
	} else {
		r.counts.Failures++ // later ones say more
	}
	return err
}

// fenced reports whether the group goes on without us.
func fenced(err error) bool {
	return errors.Is(err, kafkago.IllegalGeneration) || errors.Is(err, kafkago.UnknownMemberId) || errors.Is(err, kafkago.RebalanceInProgress)
}

// groupWords says what the library means.
func groupWords(err error) string {
	var code kafkago.Error
	if errors.As(err, &code) {
		return describe(code)
	}
	return err.Error()
}

// lines are the connections of a member, so that they can be cut: the library waits for answers without end.
type lines struct {
	d    *dialer
	mu   sync.Mutex
	open map[net.Conn]bool
	off  bool
}

func (l *lines) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := l.d.connect(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.off {
		_ = c.Close() // nobody wants it any more
		return nil, net.ErrClosed
	}
	l.open[c] = true
	return &line{c, l}, nil
}

func (l *lines) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.off = true
	for c := range l.open {
		_ = c.Close() // it is of no use any more
	}
}

// line is one connection of a member.
type line struct {
	net.Conn
	l *lines
}

// Close implements net.Conn.
func (c *line) Close() error {
	c.l.mu.Lock()
	delete(c.l.open, c.Conn)
	c.l.mu.Unlock()
	return c.Conn.Close()
}
