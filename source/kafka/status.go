package kafka

import (
	"slices"
	"time"
)

// Status is how reading goes at the moment.
type Status struct {
	Ready      bool      // brokers, topics and partitions are known and there are no Problems
	Problems   []Problem // in order of their places
	Partitions []PartitionStatus
	Counts     Counts
}

// PartitionStatus is how reading goes in a partition that is ours.
type PartitionStatus struct {
	Partition   Partition
	Next        int64 // offset behind what was read; -1 while it is not known where to begin
	End, Stable int64 // where the partition ends, and behind the last record that read committed lets through; -1 unknown
	Leader      int32 // id of the broker that leads it, -1 none
	Waiting     int   // bytes that were read and not released
	Paused      bool
}

// Counts are what has been counted since Open.
type Counts struct {
	Fetches    int64 // answers of brokers
	Bytes      int64 // of those answers
	Records    int64 // that were returned
	Failures   int64 // of requests, whatever the reason
	Gaps       int64
	Rebalances int64 // generations of the group that this member was in
	Commits    int64 // of offsets to the group
}

// quiet reports whether a partition has been read to its end, as far as is known: its leader has said so lately.
func (r *Reader) quiet(at Partition) (since time.Time, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.parts[at]
	if p == nil || !p.fetched || p.todo != nothing || p.held > 0 || p.mark.Offset < p.stable {
		return since, false
	}
	return since, time.Since(p.asked) < r.spec.Fetch.Wait+r.spec.Timeout
}

// Status returns how reading goes.
func (r *Reader) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Status{Problems: r.problems.list(), Counts: r.counts, Ready: r.cluster != nil && len(r.problems.all) == 0}
	for _, p := range r.parts {
		at := PartitionStatus{Partition: p.Partition, Next: -1, End: -1, Stable: -1, Leader: p.leader, Waiting: p.held, Paused: p.paused}
		if p.mark.Known {
			at.Next = p.mark.Offset
		}
		if p.fetched {
			at.End, at.Stable = p.end, p.stable
		} else {
			s.Ready = false
		}
		s.Partitions = append(s.Partitions, at)
	}
	slices.SortFunc(s.Partitions, func(a, b PartitionStatus) int { return a.Partition.Compare(b.Partition) })
	return s
}
