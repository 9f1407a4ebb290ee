package deadletter

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

// The headers of a record.
const (
	headerID       = "kelpie-id"       // the same whenever this refused event is copied again
	headerPosition = "kelpie-position" // where it was read
	headerReason   = "kelpie-reason"   // a word: not-json, missing-time, …
	headerDetail   = "kelpie-detail"   // in words
	headerOffset   = "kelpie-offset"   // bytes into the event: where the mistake is
	headerSize     = "kelpie-size"     // of the event, bytes; more than the value if that was cut
)

// longestValue is how much of an event is copied, bytes: with its headers below what topics take where nobody says
// otherwise, 1 MiB.
const longestValue = 960 << 10

// message makes the record of a refused event. All of it but its time is made of the event alone. Records of what was read
// in one place, one after the other, have one key, so that they stay in order.
func message(r state.Rejected, m *mask.Fields, now int64) kafka.Message {
	x := (&engine.Rejection{Position: r.Position, Reason: r.Reason, Offset: r.Offset, Detail: r.Detail, Raw: r.Raw}).Masked(m)
	value := append([]byte{}, x.Raw[:min(len(x.Raw), longestValue)]...) // empty, not nil: it is no tombstone
	position := r.Position.String()
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\n%s\n", position, r.Reason)
	sum.Write(x.Raw)
	header := func(name, v string) kafka.Header { return kafka.Header{Name: name, Value: []byte(v)} }
	return kafka.Message{
		Key: fmt.Appendf(nil, "%s/%d", r.Position.Stream, r.Position.Partition), Value: value, Time: now,
		Headers: []kafka.Header{
			header(headerID, "rej_"+hex.EncodeToString(sum.Sum(nil)[:16])), header(headerPosition, position), header(headerReason, string(r.Reason)),
			header(headerDetail, x.Detail), header(headerOffset, strconv.Itoa(x.Offset)), header(headerSize, strconv.Itoa(r.Size)),
		},
	}
}
