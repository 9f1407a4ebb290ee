package alert

import "time"

// unsteady is by how much the clock may go back unnoticed: nothing is late then by more than that.
const unsteady = time.Second

// sawAt notes that the clock has shown a time, ms.
func (r *router) sawAt(ms int64) { r.seen = later(r.seen, time.UnixMilli(ms)) }

// rewind takes notice of the clock having gone back: since it was looked at last, or while the service was down. All that
// is to be done some time after something that has happened is then done so long after it as if no time had passed
// meanwhile; otherwise a page that waits for ten seconds would wait for those and for the hour. What people have said of
// times, silences and maintenance, stands as they have said it. When the clock goes forward, what is due then is due.
func (r *router) rewind(now time.Time) error {
	back := r.seen.Sub(now)
	r.seen = now
	if back <= unsteady {
		return nil
	}
	r.d.options.Log.Warn("alert: the clock has gone back, what waits is told so much sooner by it", "by", back)
	b := r.store.NewBatch()
	defer b.Close()
	for _, l := range r.sortedLanes() {
		l.rest = l.rest.Add(-back)
		for i := range l.recent {
			l.recent[i] = l.recent[i].Add(-back)
		}
		for _, p := range l.queue {
			p.Next -= back.Milliseconds()
			if err := p.write(b); err != nil {
				return err
			}
		}
	}
	for _, g := range r.groups {
		g.rewind(back.Milliseconds())
		r.touch(g)
	}
	r.swept = r.swept.Add(-back)
	r.suppress.next = now // what was over may hold again
	return r.commit(b, false)
}

// rewind puts what has happened so much earlier, ms.
func (g *group) rewind(back int64) {
	g.row.Born, g.changed = g.row.Born-back, true
	if g.row.Flushed != 0 {
		g.row.Flushed -= back
	}
	for _, m := range g.members {
		m.Joined, m.changed = m.Joined-back, true
	}
}
