package kafka

import (
	"slices"
	"strings"
	"time"
)

// Status is how reading goes at the moment.
type Status struct {
	Ready      bool      // brokers, topics and partitions are known and there are no Problems
	Problems   []Problem // in order of their places
	Partitions []PartitionStatus
	Brokers    []BrokerStatus // that lead them, in order of their addresses
	Reached    bool           // the brokers told of topics and leaders when they were asked last
	Counts     Counts
}

// BrokerStatus says whether a broker answers that leads partitions of ours.
type BrokerStatus struct {
	Address string // host:port
	Answers bool
}

// PartitionStatus is how reading goes in a partition that is ours.
type PartitionStatus struct {
	Partition   Partition
	Next        int64 // offset behind what was read; -1 while it is not known where to begin
	End, Stable int64 // where the partition ends, and behind the last record that read committed lets through; -1 unknown
	Leader      int32 // id of the broker that leads it, -1 none
	Waiting     int   // bytes that were read and not released
	Newest      int64 // greatest timestamp of a record that was read, ms; 0 none
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
		at := PartitionStatus{Partition: p.Partition, Next: -1, End: -1, Stable: -1, Leader: p.leader, Waiting: p.held, Newest: p.newest, Paused: p.paused}
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
	s.Brokers = r.brokersLocked()
	_, trouble := r.problems.all[theCluster]
	s.Reached = r.cluster != nil && !trouble
	return s
}

func (r *Reader) brokersLocked() (all []BrokerStatus) {
	for _, l := range r.leaders {
		_, trouble := r.problems.all[l.addr]
		all = append(all, BrokerStatus{l.addr, !trouble})
	}
	slices.SortFunc(all, func(a, b BrokerStatus) int { return strings.Compare(a.Address, b.Address) })
	return slices.Compact(all) // one that was given another id leads under both for a while
}
