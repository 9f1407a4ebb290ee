package engine

import (
	"encoding/json"
	"fmt"
	"strings"

	"kelpie/event"
	"kelpie/journal"
	"kelpie/source"
)

// stretch is a run of records of the log that have one kind and one source, in order and without gaps.
type stretch struct {
	kind     journal.Kind
	origin   journal.Source
	input    string // the source's name in metrics
	appended int64  // ms
	buf      []byte
	lines    []journal.Line
	requests []*request // who waits for the lines, if anybody

	// With RecordsRead: the run, the offset of the record in our log that notes it, and what is known of the lines' times.
	run    *source.Run
	of     string // the input that had read it, of one that is read again
	logged int64
	stamps []source.Stamp
	beside func() ([]byte, []source.Line)
}

// first returns the offset of the stretch in our log.
func (x *stretch) first() int64 {
	if x.run != nil {
		return x.logged
	}
	return x.lines[0].Offset
}

// next returns the offset behind the stretch.
func (x *stretch) next() int64 {
	if x.run != nil {
		return x.logged + 1
	}
	return x.lines[len(x.lines)-1].Offset + 1
}

// from leaves out what stands before an offset.
func (x stretch) from(offset int64) stretch {
	x.lines = x.lines[min(max(0, offset-x.lines[0].Offset), int64(len(x.lines))):]
	return x
}

// live reports whether the append time says something about the event times.
func (x *stretch) live() bool { return strings.HasPrefix(x.origin.Ident, liveMark) }

// payload returns the i-th record.
func (x *stretch) payload(i int) []byte { return x.buf[x.lines[i].Start:x.lines[i].End] }

// eventLines appends where the events of the log stand.
func (x *stretch) eventLines(dst []Line) []Line {
	live := int64(0)
	if x.live() {
		live = x.appended
	}
	for _, r := range x.lines {
		dst = append(dst, Line{Start: r.Start, End: r.End, Offset: r.Offset, Appended: live})
	}
	return dst
}

// runLines appends where the records of a run stand, each with its own times.
func (x *stretch) runLines(dst []Line) []Line {
	for i, r := range x.lines {
		n := Line{Start: r.Start, End: r.End, Offset: r.Offset, Appended: x.appended}
		if x.stamps != nil {
			n.Created = x.stamps[i].Created
			if at := x.stamps[i].Appended; at != 0 {
				n.Appended = at
			}
		}
		dst = append(dst, n)
	}
	return dst
}

// cutLines refuses lines of which only the beginning was kept; most is how many bytes are taken.
func (x *stretch) cutLines(most int) (all []Rejection) {
	for i, line := range x.lines {
		at := logPosition(0)
		at.Offset = line.Offset
		all = append(all, Rejection{
			Position: at, Reason: event.TooLong, Offset: most, Raw: append([]byte(nil), x.payload(i)...),
			Detail: fmt.Sprintf("more than the %d bytes that are taken; only the beginning is kept", most),
		})
	}
	return all
}

// liveMark stands before the ident of a source whose events come as they happen, as the log keeps it: then the append
// time says something about the event's time, also in a replay.
const liveMark = "live "

// commonPart stands for the common partition where partitions are named.
const commonPart = "*"

// timeRecord is the payload of a journal.TimeAdvanced record. One of its members is set.
type timeRecord struct {
	Watermark *int64 `json:"watermark,omitempty"` // ms: the sources were silent, the watermark moved to it
	Idle      string `json:"idle,omitempty"`      // the watermark does not wait for the partition of this name, until its next event
	End       bool   `json:"end,omitempty"`       // the input ended: what waited was folded, and the watermark moved to the newest event
}

// batch returns the record as what a source would give.
func (r timeRecord) batch() *source.Batch {
	b, _ := json.Marshal(r) // cannot fail
	return &source.Batch{Kind: journal.TimeAdvanced, Buf: b, Lines: []source.Line{{Start: 0, End: len(b)}}}
}

func parseTimeRecord(payload []byte) (r timeRecord, err error) {
	if err := json.Unmarshal(payload, &r); err != nil {
		return r, fmt.Errorf("%q is no TimeAdvanced record: %w", payload, err)
	}
	if (r == timeRecord{}) {
		return r, fmt.Errorf("%q is a TimeAdvanced record of a newer Kelpie", payload)
	}
	return r, nil
}
