package alert

import (
	"container/heap"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"kelpie/state"
)

// router puts the messages of the outbox into groups, and tells the lanes of groups. All that it knows is in the state;
// what is in memory is a copy of it. One goroutine owns it; each lane has one more, which calls the notifier.
//
// It commits messages that were put into groups with the place in the outbox up to which that is done, notifications that
// were made of groups, and what became of them: what a round has brought about in one batch, which is synced before
// notifications of it are sent, so that one that is sent again says the same. So a crash loses none, and repeats only what
// was on its way.
type router struct {
	d          *Dispatcher
	store      *state.Store
	tree       *tree
	suppress   *suppressor
	lanes      map[string]*lane // by name
	byReceiver map[string][]*lane

	groups   map[string]*group   // by id
	subjects map[string]*subject // by alert
	wakes    wakeHeap
	touched  map[*group]bool // something about it has changed in this round
	upTo     uint64          // messages up to this one are in groups
	stored   uint64          // the same, as it was committed
	ended    []*parcel       // of which an attempt has ended since the last commit
	sequence uint64          // of the newest notification
	swept    time.Time       // when old notifications were deleted last
	seen     time.Time       // the latest time that the clock has shown
	strange  map[string]bool // actions that name no receiver
	unrouted int64           // alerts that no route took

	woken   chan struct{}
	results chan result
	calls   chan func()
	finish  atomic.Bool // groups do not wait any more
	figures atomic.Pointer[routerFigures]
}

func newRouter(d *Dispatcher, receivers []GroupReceiver, spec Spec) (*router, error) {
	r := &router{
		d: d, store: d.store, lanes: map[string]*lane{}, byReceiver: map[string][]*lane{}, groups: map[string]*group{},
		subjects: map[string]*subject{}, touched: map[*group]bool{}, strange: map[string]bool{"stdout": true, "file": true},
		woken: make(chan struct{}, 1), calls: make(chan func()),
	}
	var names []string
	for _, rc := range receivers {
		names = append(names, rc.Name)
		r.byReceiver[rc.Name] = nil
		for _, n := range rc.Notifiers {
			l := newLane(r, rc, n)
			r.lanes[l.name] = l
			r.byReceiver[rc.Name] = append(r.byReceiver[rc.Name], l)
		}
	}
	r.results = make(chan result, len(r.lanes))
	var err error
	if r.tree, err = newTree(spec, names); err != nil {
		return nil, err
	}
	if r.suppress, err = newSuppressor(spec, r.tree); err != nil {
		return nil, err
	}
	if err := r.load(); err != nil {
		return nil, err
	}
	r.publish()
	return r, nil
}

// wake says that there may be something new.
func (r *router) wake() {
	select {
	case r.woken <- struct{}{}:
	default: // it has been said already
	}
}

// run routes and tells until ctx is done; an error is one of the state.
func (r *router) run(ctx context.Context) error {
	var sending sync.WaitGroup
	for _, l := range r.lanes {
		sending.Go(func() { l.run(ctx) })
	}
	err := r.rounds(ctx)
	for _, l := range r.lanes {
		close(l.jobs)
	}
	sending.Wait()
	close(r.results)
	for x := range r.results {
		if x.err == nil {
			r.delivered(x) // it came through while all was being stopped
		}
	}
	if err == nil {
		err = r.save()
	}
	return err
}

func (r *router) rounds(ctx context.Context) error {
	for ctx.Err() == nil {
		due, err := r.round(r.d.now())
		if err != nil {
			return err
		}
		r.publish()
		r.d.progressed()
		r.await(ctx, due)
	}
	return nil
}

// glance is how often the router looks at the clock, which may have been set.
const glance = time.Minute

// await waits for one thing to happen, or until due, which is never zero, but no longer than a glance.
func (r *router) await(ctx context.Context, due time.Time) {
	timer := time.NewTimer(min(due.Sub(r.d.now()), glance))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-r.woken:
	case <-timer.C:
	case call := <-r.calls:
		call()
	case x := <-r.results:
		r.took(ctx, x)
	}
}

// round does what is to be done now and returns when it is to be called again if nothing happens.
func (r *router) round(now time.Time) (due time.Time, err error) {
	if err := r.rewind(now); err != nil {
		return due, err
	}
	if err := r.give(now); err != nil { // what may be sent already need not wait for what is committed here
		return due, err
	}
	if err := r.take(now); err != nil {
		return due, err
	}
	changed, err := r.suppress.refresh(r.store, now)
	if err != nil {
		return due, err
	}
	if changed {
		if err := r.review(now); err != nil {
			return due, err
		}
	}
	if err := r.flush(now); err != nil {
		return due, err
	}
	if err := r.sweep(now); err != nil {
		return due, err
	}
	if err := r.give(now); err != nil {
		return due, err
	}
	if err := r.save(); err != nil {
		return due, err
	}
	due = earliest(r.suppress.next, r.swept.Add(sweepEvery))
	for _, l := range r.lanes {
		due = earliest(due, l.next(now))
	}
	if len(r.wakes) > 0 {
		due = earliest(due, r.wakes[0].wake)
	}
	return due, nil
}

// give gives each notifier that is idle what is to be sent next.
func (r *router) give(now time.Time) error {
	for _, l := range r.sortedLanes() {
		if err := l.give(now); err != nil {
			return err
		}
	}
	return nil
}

// touch notes that something about a group has changed.
func (r *router) touch(g *group) { r.touched[g] = true }

// settle writes what has changed into a batch, lets go of what is over, and sets when groups are looked at next.
func (r *router) settle(b *state.Batch) error {
	for _, g := range slices.SortedFunc(maps.Keys(r.touched), compareGroups) {
		for _, m := range g.sorted() {
			if m.over() {
				r.drop(b, m)
				continue
			}
			if err := m.write(b); err != nil {
				return err
			}
		}
		if len(g.members) == 0 && g.row.Open == 0 {
			r.end(b, g)
			continue
		}
		if err := g.write(b); err != nil {
			return err
		}
		if !g.waiting {
			r.setWake(g, g.next())
		}
	}
	clear(r.touched)
	return nil
}

func compareGroups(a, b *group) int {
	switch {
	case a.id < b.id:
		return -1
	case a.id > b.id:
		return 1
	}
	return 0
}

// over reports whether there is nothing more to be said of an alert.
func (m *member) over() bool {
	if m.Now != resolved || m.Telling != unknown {
		return false
	}
	return m.Told == resolved || m.Told != unknown && !m.group.lane.sendResolved || m.Told == unknown && m.Held != ""
}

func (m *member) write(b *state.Batch) error {
	if !m.changed {
		return nil
	}
	m.changed = false
	v, err := marshal(m.memberRow)
	if err != nil {
		return fmt.Errorf("alert: write member %s: %w", m.subject.id, err)
	}
	b.SetMember(m.subject.id, m.group.id, v)
	return nil
}

func (g *group) write(b *state.Batch) error {
	if !g.changed {
		return nil
	}
	g.changed = false
	v, err := marshal(g.row)
	if err != nil {
		return fmt.Errorf("alert: write group %s: %w", g.id, err)
	}
	b.SetGroup(g.id, v)
	return nil
}

// drop takes an alert out of its group.
func (r *router) drop(b *state.Batch, m *member) {
	b.DeleteMember(m.subject.id, m.group.id)
	delete(m.group.members, m.subject.id)
	s := m.subject
	s.members = slices.DeleteFunc(s.members, func(other *member) bool { return other == m })
	if len(s.members) == 0 {
		delete(r.subjects, s.id)
	}
}

// end forgets a group.
func (r *router) end(b *state.Batch, g *group) {
	b.DeleteGroup(g.id)
	delete(r.groups, g.id)
	r.setWake(g, time.Time{})
	g.lane.groups--
	g.lane.waiting = slices.DeleteFunc(g.lane.waiting, func(other *group) bool { return other == g })
}

// setWake sets when a group is looked at next.
func (r *router) setWake(g *group, at time.Time) {
	g.wake = at
	switch {
	case at.IsZero() && g.index >= 0:
		heap.Remove(&r.wakes, g.index)
	case at.IsZero():
	case g.index >= 0:
		heap.Fix(&r.wakes, g.index)
	default:
		heap.Push(&r.wakes, g)
	}
}

// wakeHeap is a heap of groups by the time at which they are to be looked at.
type wakeHeap []*group

func (h wakeHeap) Len() int { return len(h) }

func (h wakeHeap) Less(i, j int) bool {
	if !h[i].wake.Equal(h[j].wake) {
		return h[i].wake.Before(h[j].wake)
	}
	return h[i].id < h[j].id
}

func (h wakeHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push implements heap.Interface.
func (h *wakeHeap) Push(x any) {
	g := x.(*group)
	g.index = len(*h)
	*h = append(*h, g)
}

// Pop implements heap.Interface.
func (h *wakeHeap) Pop() any {
	old := *h
	g := old[len(old)-1]
	old[len(old)-1] = nil
	*h, g.index = old[:len(old)-1], -1
	return g
}
