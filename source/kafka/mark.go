package kafka

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Partition names one partition of a topic.
type Partition struct {
	Topic string
	ID    int32
}

// String returns "orders/3".
func (p Partition) String() string { return p.Topic + "/" + strconv.Itoa(int(p.ID)) }

// Compare orders by topic and number.
func (p Partition) Compare(q Partition) int {
	return cmp.Or(strings.Compare(p.Topic, q.Topic), cmp.Compare(p.ID, q.ID))
}

// TopicID tells topics of one name apart: one that was deleted and made again has another. Zero where brokers are older
// than Kafka 3.1 and do not say.
type TopicID [16]byte

// Mark is how far a partition has been read. It is kept with what the records did. The zero Mark says that nothing was
// ever read.
//
// Besides the offset it holds what the topic was like, so that one that was deleted and made again, or a log that lost
// its end, is recognised when reading goes on.
type Mark struct {
	Known   bool    // without it nothing else counts
	Offset  int64   // of the next record
	TopicID TopicID // of the topic that was read
	Epoch   int32   // under whose leader the last record was written, -1 if none was read
	Last    int64   // offset of the last record that was returned, -1 if none was
	Sum     uint64  // checksum of that record
}

const (
	markFormat = 1
	markSize   = 1 + 8 + 16 + 4 + 8 + 8
)

// Append adds the Mark's bytes to b: a format byte, then offset, topic id, epoch, last and sum, all big-endian. The
// zero Mark has no bytes.
func (m Mark) Append(b []byte) []byte {
	if !m.Known {
		return b
	}
	b = append(b, markFormat)
	b = binary.BigEndian.AppendUint64(b, uint64(m.Offset))
	b = append(b, m.TopicID[:]...)
	b = binary.BigEndian.AppendUint32(b, uint32(m.Epoch))
	b = binary.BigEndian.AppendUint64(b, uint64(m.Last))
	return binary.BigEndian.AppendUint64(b, m.Sum)
}

// ParseMark reads what Append wrote.
func ParseMark(b []byte) (m Mark, err error) {
	switch {
	case len(b) == 0:
		return Mark{}, nil
	case b[0] != markFormat:
		return Mark{}, fmt.Errorf("kafka: a mark of format %d, which a newer version wrote", b[0])
	case len(b) != markSize:
		return Mark{}, errors.New("kafka: a mark is damaged")
	}
	m.Known = true
	m.Offset = int64(binary.BigEndian.Uint64(b[1:]))
	copy(m.TopicID[:], b[9:])
	m.Epoch = int32(binary.BigEndian.Uint32(b[25:]))
	m.Last = int64(binary.BigEndian.Uint64(b[29:]))
	m.Sum = binary.BigEndian.Uint64(b[37:])
	return m, nil
}

// Gap is a range of records that are not to be had any more: From up to, and without, To.
type Gap struct {
	From, To int64
	Why      GapReason
}

// GapReason says why records are gone.
type GapReason uint8

const (
	// Retention removed the records before they were read. Reading goes on at To.
	Retention GapReason = iota
	// Truncated: the brokers lost the end of their log (a replica that was behind became leader). From up to To were read,
	// and others may stand there now. Reading goes on at From.
	Truncated
	// Recreated: the topic was deleted and made again. From and To are the place up to which the old one was read; how many
	// records stood behind it nobody knows any more. Reading begins at the new one's first record.
	Recreated
)

// String returns retention, truncated or recreated.
func (r GapReason) String() string {
	return [...]string{"retention", "truncated", "recreated"}[r]
}

// Text says in a sentence what happened to a partition.
func (g Gap) Text(p Partition) string {
	switch g.Why {
	case Truncated:
		return fmt.Sprintf("the brokers lost the end of %s: its records %d to %d, which had been read, are others now or not there; reading goes on at %d", p, g.From, g.To-1, g.From)
	case Recreated:
		return fmt.Sprintf("the topic of %s was deleted and made again; what stood at offset %d of the old one and behind it, and was not read, is lost; reading begins at the first record of the new one", p, g.From)
	}
	return fmt.Sprintf("%d records of %s were removed before they were read, %d to %d: the topic keeps less than we are behind", g.To-g.From, p, g.From, g.To-1)
}
