package source

import (
	"cmp"
	"slices"
)

// StreamStatus is how reading of a Stream goes at the moment.
type StreamStatus struct {
	Partitions []PartitionStatus // that are ours, in order
	Brokers    []BrokerStatus    // who have them, in order of their addresses

	// Cluster says that topics, partitions and who has them could be asked for the last time this was tried.
	Cluster bool

	// Since the Stream was opened.
	Fetched    int64 // bytes that came, as they came: packed, with what surrounds the records
	Fetches    int64
	Failures   int64 // of requests, whatever the reason
	Rebalances int64 // generations of the group that gave us partitions
	Waiting    int64 // bytes of records that are in memory now
}

// PartitionStatus is how reading of one partition goes.
type PartitionStatus struct {
	Partition
	Folded int64 // offset behind what was folded; where reading begins, if nothing was; -1: not known
	End    int64 // behind the last record that may be read; -1: not known
	Newest int64 // the newest time that a record of it says, of those that were read; ms, 0: none was
}

// Lag returns how many offsets are not folded yet. Where records were removed from between others there are fewer of them.
// It is not known until the partition has been asked for once.
func (p *PartitionStatus) Lag() (n int64, known bool) {
	if p.Folded < 0 || p.End < 0 {
		return 0, false
	}
	return max(0, p.End-p.Folded), true
}

// BrokerStatus says whether somebody who has partitions of ours answers.
type BrokerStatus struct {
	Address string
	Answers bool
}

// TopicStatus is how reading of the partitions of one topic goes that are ours.
type TopicStatus struct {
	Topic      string // "" of all topics beyond the most that are told apart
	Partitions []PartitionStatus
	Lag        int64     // of all partitions whose lag is known
	Most       int64     // of one of them
	Worst      Partition // which that is
	Known      bool      // the lag of one at least is
	Newest     int64     // as of a partition
}

// Topics sums up by topic, in order. Of more than so many the last ones are one, without a name.
func (s *StreamStatus) Topics(most int) (all []TopicStatus) {
	for i := range s.Partitions {
		p := &s.Partitions[i]
		if n := len(all); n == 0 || all[n-1].Topic != p.Stream && (n < most || all[n-1].Topic != "") {
			name := p.Stream
			if n >= most {
				name = ""
			}
			all = append(all, TopicStatus{Topic: name})
		}
		all[len(all)-1].add(p)
	}
	return all
}

func (t *TopicStatus) add(p *PartitionStatus) {
	t.Partitions = append(t.Partitions, *p)
	t.Newest = max(t.Newest, p.Newest)
	lag, known := p.Lag()
	if !known {
		return
	}
	if !t.Known || lag > t.Most {
		t.Most, t.Worst = lag, p.Partition
	}
	t.Known = true
	t.Lag += lag
}

// Behind returns the partitions that are furthest behind, at most so many, the worst first; those of which it is not known
// come last.
func (t *TopicStatus) Behind(most int) []PartitionStatus {
	all := slices.Clone(t.Partitions)
	slices.SortStableFunc(all, func(a, b PartitionStatus) int {
		x, known := a.Lag()
		y, too := b.Lag()
		if known != too {
			return map[bool]int{true: -1, false: 1}[known]
		}
		return cmp.Compare(y, x)
	})
	return all[:min(most, len(all))]
}
