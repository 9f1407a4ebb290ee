package topics

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"

	"kelpie/engine"
	"kelpie/mask"
	"kelpie/source/kafka"
	"kelpie/state"
)

// Rejected returns a Copier of refused events, at rejected.kafka.
func Rejected(o Options) (*Copier, error) { return open(o, &refusedList{o.Store, o.Mask}) }

// refusedList is the state's list of refused events.
type refusedList struct {
	store *state.Store
	mask  *mask.Fields
}

func (*refusedList) name() string                { return "refused events" }
func (*refusedList) setting() string             { return "rejected.kafka" }
func (l *refusedList) ready() <-chan struct{}    { return l.store.RejectedReady() }
func (*refusedList) copied(*state.Batch, uint64) {} // they stay in the list

func (l *refusedList) read(from uint64, f func(uint64, kafka.Message) bool) error {
	return l.store.Rejected(from, func(r state.Rejected) (bool, error) { return f(r.Sequence, refusedMessage(r, l.mask)), nil })
}

func (l *refusedList) start() (uint64, error) {
	first := l.store.RejectedCounts().Total
	return first, l.store.Rejected(1, func(r state.Rejected) (bool, error) {
		first = r.Sequence - 1
		return false, nil
	})
}

func (*refusedList) missing(before, number uint64) uint64 { return number - before - 1 }

// excess is nothing: the list has its own bounds.
func (*refusedList) excess(uint64) (last uint64, n int64, err error) { return 0, 0, nil }

func (l *refusedList) waiting(upTo uint64) int64 {
	return max(0, int64(l.store.RejectedCounts().Total-upTo))
}

// The headers of a record.
const (
	headerID       = "kelpie-id"       // the same whenever this entry is copied again
	headerPosition = "kelpie-position" // where it was read
	headerReason   = "kelpie-reason"   // a word: not-json, missing-time, …
	headerDetail   = "kelpie-detail"   // in words
	headerOffset   = "kelpie-offset"   // bytes into the event: where the mistake is
	headerSize     = "kelpie-size"     // of the event, bytes; more than the value if that was cut
)

// longestValue is how much of an event is copied, bytes: with its headers below what topics take where nobody says
// otherwise, 1 MiB.
const longestValue = 960 << 10

// refusedMessage makes the record of a refused event, of the event alone. Records of what was read in one place, one after
// the other, have one key, so that they stay in order.
func refusedMessage(r state.Rejected, m *mask.Fields) kafka.Message {
	x := (&engine.Rejection{Position: r.Position, Reason: r.Reason, Offset: r.Offset, Detail: r.Detail, Raw: r.Raw}).Masked(m)
	value := append([]byte{}, x.Raw[:min(len(x.Raw), longestValue)]...) // empty, not nil: it is no tombstone
	position := r.Position.String()
	return kafka.Message{
		Key: fmt.Appendf(nil, "%s/%d", r.Position.Stream, r.Position.Partition), Value: value,
		Headers: []kafka.Header{
			header(headerID, idOf("rej_", position, string(r.Reason), string(x.Raw))), header(headerPosition, position), header(headerReason, string(r.Reason)),
			header(headerDetail, x.Detail), header(headerOffset, strconv.Itoa(x.Offset)), header(headerSize, strconv.Itoa(r.Size)),
		},
	}
}

func header(name, value string) kafka.Header { return kafka.Header{Name: name, Value: []byte(value)} }

// idOf makes an id of texts.
func idOf(prefix string, texts ...string) string {
	sum := sha256.New()
	for _, t := range texts {
		fmt.Fprintf(sum, "%d:%s", len(t), t)
	}
	return prefix + hex.EncodeToString(sum.Sum(nil)[:16])
}
