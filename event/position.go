package event

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Position says where one record was read: stream, partition and offset. Positions of one
// stream are ordered by (stream, partition, offset), see Compare.
//
//	Kafka "orders/3@42", embedded log "log@42", file "events.jsonl:17" (its line, from 1)
type Position struct {
	Stream    string // topic, "log", or the file's name as given
	Partition int32
	Offset    int64 // for a file: the line, from 1
	Kind      PositionKind
}

// PositionKind says how a Position is written.
type PositionKind uint8

// The kinds of positions.
const (
	FilePosition PositionKind = iota
	LogPosition
	KafkaPosition
)

// String writes the position as rows and messages show it.
func (p Position) String() string {
	var room [128]byte
	b := append(room[:0], p.Stream...)
	switch p.Kind {
	case KafkaPosition:
		b = append(b, '/')
		b = strconv.AppendInt(b, int64(p.Partition), 10)
		b = append(b, '@')
	case LogPosition:
		b = append(b, '@')
	default:
		b = append(b, ':')
	}
	return string(strconv.AppendInt(b, p.Offset, 10))
}

// ParsePosition reads what String writes.
func ParsePosition(s string) (Position, error) {
	if head, offset, ok := cutNumber(s, '@'); ok {
		if stream, part, ok := cutNumber(head, '/'); ok && stream != "" && part <= math.MaxInt32 {
			return Position{Stream: stream, Partition: int32(part), Offset: offset, Kind: KafkaPosition}, nil
		}
		if head != "" {
			return Position{Stream: head, Offset: offset, Kind: LogPosition}, nil
		}
	}
	if head, line, ok := cutNumber(s, ':'); ok && head != "" {
		return Position{Stream: head, Offset: line, Kind: FilePosition}, nil
	}
	return Position{}, fmt.Errorf("%q is no position: write log@42, orders/3@42 or events.jsonl:17", s)
}

// cutNumber cuts a text that ends with a mark and a number.
func cutNumber(s string, mark byte) (head string, n int64, ok bool) {
	i := strings.LastIndexByte(s, mark)
	if i < 0 || i+1 == len(s) || s[i+1] < '0' || s[i+1] > '9' {
		return s, 0, false
	}
	n, err := strconv.ParseInt(s[i+1:], 10, 64)
	return s[:i], n, err == nil
}

// Compare orders positions by stream, partition and offset: negative if p comes before q, 0 if they are
// the same, positive if p comes after q.
func (p Position) Compare(q Position) int {
	return cmp.Or(
		strings.Compare(p.Stream, q.Stream),
		cmp.Compare(p.Partition, q.Partition),
		cmp.Compare(p.Offset, q.Offset),
	)
}
