package state

import (
	"encoding/json"
	"fmt"
	"math"
)

// Names of the single values of kind "m".
const (
	metaFormat     = "format"     // u32
	metaRouter     = "router"     // u64 twice
	metaSeed       = "seed"       // u64
	metaCheckpoint = "checkpoint" // JSON
	metaCounters   = "counters"   // JSON
)

// NoTime stands for the time of what has not happened: a watermark before the first event.
const NoTime = math.MinInt64

// Checkpoint says up to where the log has been folded into the state. It is committed in the same batch as what the
// fold did.
type Checkpoint struct {
	Version    int         `json:"version"`            // of this struct; set by SetCheckpoint
	Partitions []Partition `json:"partitions"`         // in the engine's order
	Watermark  int64       `json:"watermark"`          // of the stream, ms; never moves back
	Newest     int64       `json:"newest"`             // greatest event time folded, ms
	Events     uint64      `json:"events"`             // folded since the state is there
	Frontier   *Frontier   `json:"frontier,omitempty"` // with order: time; nil otherwise
	Rules      string      `json:"rules"`              // fingerprint of the rule set
	// Extra is the engine's own.
	Extra json.RawMessage `json:"extra,omitempty"`
}

// Partition is how far one partition has been read.
type Partition struct {
	Stream    string `json:"stream"`
	Partition int32  `json:"partition"`
	Next      int64  `json:"next"`   // offset to read from after a restart
	Read      int64  `json:"read"`   // offsets below it had been read at the commit: with order: time, those from Next on may have been folded
	Newest    int64  `json:"newest"` // greatest event time seen in it, ms; NoTime if none
	Idle      bool   `json:"idle,omitempty"`
	Mark      []byte `json:"mark,omitempty"`  // of a partition elsewhere: where reading goes on, as its stream writes it
	Since     int64  `json:"since,omitempty"` // the same: from which offset of our log on it is the partition of that name
}

// Frontier is the last event that was folded with order: time. Events below a partition's Read that are not after
// it, by (time, stream, partition, offset), have been folded.
type Frontier struct {
	Time      int64  `json:"time"`
	Stream    string `json:"stream"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
}

const checkpointVersion = 1

// SetCheckpoint puts the checkpoint into the batch, in place of an earlier one.
func (b *Batch) SetCheckpoint(c Checkpoint) {
	c.Version = checkpointVersion
	v, err := json.Marshal(c)
	if err != nil {
		b.note(err)
		return
	}
	b.setMeta(kindMeta, metaCheckpoint, v)
}

// Checkpoint returns the committed checkpoint; ok is false in a state that nothing has been folded into.
func (s *Store) Checkpoint() (c Checkpoint, ok bool, err error) {
	v, err := s.get(appendNamed(nil, kindMeta, metaCheckpoint), nil)
	if err != nil || v == nil {
		return c, false, err
	}
	c, err = decodeCheckpoint(v)
	return c, err == nil, err
}

func decodeCheckpoint(v []byte) (c Checkpoint, err error) {
	if err := json.Unmarshal(v, &c); err != nil {
		return c, fatal("read checkpoint", err)
	}
	if c.Version > checkpointVersion {
		return c, fmt.Errorf("state: read checkpoint: %w (%d)", ErrNewer, c.Version)
	}
	return c, nil
}
