package kafka

import (
	"slices"
	"time"
)

// partition is one that is ours. All of it is guarded by the Reader's mutex; who works on it without has a job.
type partition struct {
	Partition
	mark   Mark // behind all that was queued
	todo   todo // before it can be fetched
	verify bool // the last record that was read is fetched again, to see whether it is the same
	later  bool // it was added to a topic that had been read already

	id     TopicID // of its topic, as it is now
	leader int32   // -1: none
	epoch  int32   // of that leader

	held    int  // bytes of Batches that were not released
	paused  bool // by the caller
	turn    int  // grows when jobs that are under way count no more
	atLeast int32
	expands float64 // how large what came last became when it was unpacked, as a multiple; 0: not known
	last    int64   // number of the fetch that had records of it, so that others come first

	failures int
	retry    time.Time // not before

	end, stable int64     // of the partition when it was last fetched
	newest      int64     // greatest timestamp of what was queued, ms; 0 none
	fetched     bool      // it was fetched at least once
	asked       time.Time // when it was fetched last
}

// todo is what must be found out before a partition can be fetched.
type todo uint8

const (
	nothing   todo = iota
	findStart      // nothing was ever read: where to begin
	checkEnd       // whether what was read is still there, after the leader changed or we were away
	findRange      // the offset is not there: what is
	beginAnew      // the topic was made again: its first record
)

// job is a partition that a leader's goroutine works on.
type job struct {
	part   *partition
	turn   int
	mark   Mark
	todo   todo
	verify bool
	later  bool
	epoch  int32
	id     TopicID
	share  int   // bytes of its records that may wait
	most   int32 // bytes to fetch

	expands float64 // of the partition
}

// newPartition returns a partition as it is when it becomes ours.
func newPartition(p Partition, m Mark, known bool) *partition {
	part := &partition{Partition: p, mark: m, leader: -1, epoch: -1, todo: findStart, later: known}
	if m.Known {
		part.todo = checkEnd
		part.verify = m.Last >= 0
	}
	return part
}

// assign makes partitions ours.
func (r *Reader) assign(ps []Partition) {
	if len(ps) == 0 {
		return
	}
	var marks map[Partition]Mark
	if r.o.Marks != nil {
		marks = r.o.Marks()
	}
	read := map[string]bool{}
	for p := range marks {
		read[p.Topic] = true
	}
	r.mu.Lock()
	for _, p := range ps {
		later := read[p.Topic] || len(r.seen) > 0 && !r.seen[p] || len(marks) > 0 && !slices.Contains(r.topics.names, p.Topic)
		r.parts[p] = newPartition(p, marks[p], later)
	}
	for _, p := range ps {
		r.seen[p] = true
	}
	r.placeLocked()
	r.mu.Unlock()
	r.log.Info("kafka: partitions are read", "partitions", len(ps), "first", ps[0].String())
	if r.o.Assigned != nil {
		r.o.Assigned(ps)
	}
}

// revoke gives partitions up.
func (r *Reader) revoke(ps []Partition) {
	if len(ps) == 0 {
		return
	}
	r.mu.Lock()
	for _, p := range ps {
		if part := r.parts[p]; part != nil {
			part.turn++
			delete(r.parts, p)
			r.problems.clear(p.String())
		}
	}
	r.queue = slices.DeleteFunc(r.queue, func(b *Batch) bool {
		if r.parts[b.Partition] == b.part {
			return false
		}
		r.freeLocked(b)
		return true
	})
	r.placeLocked()
	r.mu.Unlock()
	r.log.Info("kafka: partitions are given up", "partitions", len(ps), "first", ps[0].String())
	if r.o.Revoked != nil {
		r.o.Revoked(ps)
	}
}

// share is how many bytes of one partition may wait: two fetches of each fit into the buffer.
func (r *Reader) shareLocked() int {
	n := max(1, len(r.parts))
	return int(min(r.spec.Fetch.Partition, max(r.spec.Fetch.Buffer/int64(2*n), 16<<10)))
}

// leastFetched is what is asked for of a partition at least, bytes, however much that may become.
const leastFetched = 64 << 10

// unknownExpansion is what is believed of a partition of which nothing was read yet.
const unknownExpansion = 8

// packedShare returns how many bytes to ask for, so that they are about a share when they are unpacked.
func (p *partition) packedShare(share int) int32 {
	expands := p.expands
	if expands == 0 {
		expands = unknownExpansion
	}
	return int32(max(float64(share)/max(expands, 1), min(leastFetched, float64(share))))
}

// jobsLocked returns what a leader is to do now, those first that had nothing for the longest time; and when there will
// be more to do without anybody saying so.
func (r *Reader) jobsLocked(leader int32, now time.Time) (jobs []job, wait time.Duration, held bool) {
	wait = time.Hour
	share := r.shareLocked()
	for _, p := range r.parts {
		switch {
		case p.leader != leader:
			continue
		case now.Before(p.retry):
			wait = min(wait, p.retry.Sub(now))
			held = true
			continue
		case p.todo == nothing && (p.paused || p.held > share):
			held = true
			continue
		}
		jobs = append(jobs, job{part: p, turn: p.turn, mark: p.mark, todo: p.todo, verify: p.verify, later: p.later, epoch: p.epoch, id: p.id, share: share, most: max(p.packedShare(share), p.atLeast), expands: p.expands})
	}
	slices.SortFunc(jobs, func(a, b job) int {
		if a.part.last != b.part.last {
			return int(a.part.last - b.part.last)
		}
		return a.part.Compare(b.part.Partition)
	})
	return jobs, wait, held
}

// settle changes a partition after a job, if that counts still.
func (r *Reader) settle(j job, f func(p *partition)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if j.part.turn == j.turn {
		f(j.part)
	}
}
