package server

import (
	"maps"
	"slices"

	"kelpie/engine"
	"kelpie/event"
	"kelpie/source"
)

// SourceStatus says what came from one source. Counts are since the service started.
type SourceStatus struct {
	Source  string        `json:"source"` // (log): what was folded again from the log at the start
	Folded  int64         `json:"folded"`
	Refused int64         `json:"refused"`
	Bytes   int64         `json:"bytes"`
	Gaps    int64         `json:"gaps"` // in which records were lost
	Topics  *TopicsStatus `json:"topics,omitempty"`
	Dedupe  *SourceDedupe `json:"dedupe,omitempty"`
}

// SourceDedupe says how far back the ids of a source's events are known, and what came again.
type SourceDedupe struct {
	IDs      int     `json:"ids"`
	Span     float64 `json:"span_seconds"`      // of event time: as wanted, or less if so many ids came that the oldest had to go
	Wanted   float64 `json:"wanted_seconds"`    // the source's dedupe
	Repeated int64   `json:"repeated"`          // events that were not folded again
	Unnamed  int64   `json:"unnamed"`           // events without an id
	Last     string  `json:"last,omitempty"`    // where the newest event that came again stands
	LastOf   string  `json:"last_of,omitempty"` // where the one stands that was folded
}

// TopicsStatus says how reading of topics goes.
type TopicsStatus struct {
	Cluster    bool           `json:"cluster"` // the brokers tell of topics and leaders
	Lag        int64          `json:"lag"`     // offsets that are not folded yet, where that is known
	Waiting    int64          `json:"waiting_bytes"`
	Fetched    int64          `json:"fetched_bytes"`
	Failures   int64          `json:"failures"`
	Rebalances int64          `json:"rebalances"`
	Brokers    []BrokerStatus `json:"brokers"`
	Topics     []TopicStatus  `json:"topics"`
}

// BrokerStatus says whether a broker answers that has partitions of ours.
type BrokerStatus struct {
	Broker  string `json:"broker"`
	Answers bool   `json:"answers"`
}

// TopicStatus says how reading of one topic goes: of the partitions that are ours.
type TopicStatus struct {
	Topic      string            `json:"topic"` // "" of all others, where there are many
	Partitions int               `json:"partitions"`
	Lag        int64             `json:"lag"`
	Most       int64             `json:"lag_most"`         // of one partition
	Newest     string            `json:"newest,omitempty"` // time of a record that was read
	Behind     []PartitionStatus `json:"behind"`           // those that are furthest behind
}

// PartitionStatus says how reading of one partition goes.
type PartitionStatus struct {
	Partition string `json:"partition"` // orders/3
	Folded    int64  `json:"folded"`    // offset behind what was folded; -1: it is not known where to begin
	End       int64  `json:"end"`       // behind the last record that may be read; -1: not known
	Lag       int64  `json:"lag"`       // -1: not known
}

// CopiesStatus says how copies for a topic stand.
type CopiesStatus struct {
	Setting  string `json:"setting"` // rejected.kafka or decisions.kafka
	Topic    string `json:"topic"`
	Waiting  int64  `json:"waiting"`
	Copied   int64  `json:"copied"`
	Failures int64  `json:"failures"` // attempts that failed and are repeated
	GivenUp  int64  `json:"given_up"`
	Missed   int64  `json:"missed"` // that had to go before they could be copied, since too many waited
}

// What is told apart at most: topics of a source, and the partitions of one that are furthest behind.
const (
	mostTopics = 100
	mostBehind = 10
)

// sourcesStatus lists what came from each source, in order of their names.
func (s *Server) sourcesStatus(f *engine.Figures) []SourceStatus {
	streams := map[string]*source.StreamStatus{}
	names := map[string]bool{}
	for name := range f.Inputs {
		names[name] = true
	}
	for _, x := range s.o.Service.Streams() {
		streams[x.Input], names[x.Input] = &x.StreamStatus, true
	}
	dedupes := map[string]*engine.DedupeFigures{}
	for i := range f.Dedupe {
		dedupes[f.Dedupe[i].Name], names[f.Dedupe[i].Name] = &f.Dedupe[i], true
	}
	all := []SourceStatus{}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		in := f.Inputs[name]
		x := SourceStatus{Source: name, Folded: in.Folded, Refused: in.Refused, Bytes: in.Bytes, Gaps: in.Lost}
		if stream := streams[name]; stream != nil {
			x.Topics = topicsStatus(stream)
		}
		if d := dedupes[name]; d != nil {
			x.Dedupe = &SourceDedupe{d.Known, float64(d.Reach) / 1000, float64(d.Span) / 1000, d.Repeated, d.Unnamed, d.Last, d.LastOf}
		}
		all = append(all, x)
	}
	return all
}

func topicsStatus(s *source.StreamStatus) *TopicsStatus {
	x := &TopicsStatus{
		Cluster: s.Cluster, Waiting: s.Waiting, Fetched: s.Fetched, Failures: s.Failures, Rebalances: s.Rebalances,
		Brokers: []BrokerStatus{}, Topics: []TopicStatus{},
	}
	for _, b := range s.Brokers {
		x.Brokers = append(x.Brokers, BrokerStatus{b.Address, b.Answers})
	}
	for _, t := range s.Topics(mostTopics) {
		y := TopicStatus{Topic: t.Topic, Partitions: len(t.Partitions), Lag: t.Lag, Most: t.Most, Behind: []PartitionStatus{}}
		if t.Newest > 0 {
			y.Newest = event.FormatTime(t.Newest)
		}
		for _, p := range t.Behind(mostBehind) {
			at := PartitionStatus{p.String(), p.Folded, p.End, -1}
			if lag, known := p.Lag(); known {
				at.Lag = lag
			}
			y.Behind = append(y.Behind, at)
		}
		x.Lag += t.Lag
		x.Topics = append(x.Topics, y)
	}
	return x
}
