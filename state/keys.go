package state

import "encoding/binary"

// The keys, in the order in which they are stored. The first byte is the kind of row; numbers are big endian, so that
// byte order is number order, and times are milliseconds with the sign bit flipped. What follows the last
// fixed-size part needs no escaping, because nothing follows it; the one place where something does carries a length.
//
//	"a" id                                     id of an alert -> opened time
//	"A" opened i64 | id                        the alert
//	"O" opened i64 | id                        nothing: the alert is open
//	"c" dim u16 | hash u64 | keylen u32 | key | chunk u64   a page of a large block of a row
//	"e" offset u64                             what was decided about an event of the log
//	"g" id                                     a group of alerts that a receiver is told of together
//	"h" alert id | 0 | group id                an alert in a group
//	"i" length u32 | source | number u64       ids of events of a source, from that number on
//	"j" sequence u64                           a refused event
//	"m" name                                   single values: format, seed, checkpoint, counters, router
//	"n" name                                   single values of the engine's own
//	"o" sequence u64                           a message to be sent
//	"d" sequence u64 | receiver                its delivery to a receiver
//	"p" alert id | 0 | sequence u64            nothing: finds an alert's messages
//	"q" receiver                               up to where a receiver is done with the outbox
//	"r" dim u16 | hash u64 | key               a row of a key dimension
//	"s" name                                   where a source stands
//	"t" sequence u64                           a notification
//	"u" alert id | 0 | sequence u64            nothing: finds the notifications about an alert
//	"v" fingerprint                            a rule version's text
//	"w" offset u64                             a DecisionMade of the log that is to be copied
//	"y" sequence u64                           what became of a notification
//	"z" id                                     a silence
const (
	kindAlertID        = 'a'
	kindAlert          = 'A'
	kindOpen           = 'O'
	kindChunk          = 'c'
	kindDelivery       = 'd'
	kindDecision       = 'e'
	kindGroup          = 'g'
	kindMember         = 'h'
	kindIDs            = 'i'
	kindRejected       = 'j'
	kindMeta           = 'm'
	kindNote           = 'n'
	kindOutbox         = 'o'
	kindOutboxOf       = 'p'
	kindReceiver       = 'q'
	kindRow            = 'r'
	kindSource         = 's'
	kindNotification   = 't'
	kindNotificationOf = 'u'
	kindRules          = 'v'
	kindMade           = 'w'
	kindOutcome        = 'y'
	kindSilence        = 'z'

	seqKeySize    = 1 + 8
	rowKeyPrefix  = 1 + 2 + 8
	chunkKeyExtra = 4 + 8
)

var be = binary.BigEndian

// orderedTime maps a time to a number whose unsigned order is the time's order.
func orderedTime(ms int64) uint64 { return uint64(ms) ^ 1<<63 }

// unorderedTime undoes orderedTime.
func unorderedTime(u uint64) int64 { return int64(u ^ 1<<63) }

// appendNamed appends a key of a kind that is followed by a name alone.
func appendNamed(dst []byte, kind byte, name string) []byte {
	return append(append(dst, kind), name...)
}

// appendSeq appends a key of a kind that is followed by a sequence number alone.
func appendSeq(dst []byte, kind byte, seq uint64) []byte {
	return be.AppendUint64(append(dst, kind), seq)
}

// parseSeq reads a key that appendSeq made.
func parseSeq(key []byte) (seq uint64, ok bool) {
	if len(key) != seqKeySize {
		return 0, false
	}
	return be.Uint64(key[1:]), true
}

// appendTimed appends a key of a kind that is followed by a time and an id.
func appendTimed(dst []byte, kind byte, ms int64, id string) []byte {
	return append(be.AppendUint64(append(dst, kind), orderedTime(ms)), id...)
}

// parseTimed reads a key that appendTimed made.
func parseTimed(key []byte) (ms int64, id string, ok bool) {
	if len(key) < 1+8 {
		return 0, "", false
	}
	return unorderedTime(be.Uint64(key[1:])), string(key[1+8:]), true
}

// appendHashed appends the common start of the keys of rows and of chunks.
func appendHashed(dst []byte, kind byte, dim uint16, hash uint64) []byte {
	dst = be.AppendUint16(append(dst, kind), dim)
	return be.AppendUint64(dst, hash)
}

// putRowKey writes the key of a row into dst, which has rowKeyPrefix+len(key) bytes.
func putRowKey(dst []byte, dim uint16, hash uint64, key []byte) {
	dst[0] = kindRow
	be.PutUint16(dst[1:], dim)
	be.PutUint64(dst[3:], hash)
	copy(dst[rowKeyPrefix:], key)
}

// parseRowKey reads the key of a row; key points into k.
func parseRowKey(k []byte) (dim uint16, hash uint64, key []byte, ok bool) {
	if len(k) < rowKeyPrefix || k[0] != kindRow {
		return 0, 0, nil, false
	}
	return be.Uint16(k[1:]), be.Uint64(k[3:]), k[rowKeyPrefix:], true
}

// appendChunks appends the common start of the keys of all chunks of one row. Since the length stands before the
// row's key, no other row's chunks lie between them.
func appendChunks(dst []byte, dim uint16, hash uint64, key []byte) []byte {
	dst = appendHashed(dst, kindChunk, dim, hash)
	dst = be.AppendUint32(dst, uint32(len(key)))
	return append(dst, key...)
}

// parseChunkKey reads the key of a chunk; key points into k.
func parseChunkKey(k []byte) (dim uint16, hash uint64, key []byte, chunk uint64, ok bool) {
	const fixed = rowKeyPrefix + chunkKeyExtra
	if len(k) < fixed || k[0] != kindChunk || uint64(be.Uint32(k[rowKeyPrefix:])) != uint64(len(k)-fixed) {
		return 0, 0, nil, 0, false
	}
	key = k[rowKeyPrefix+4 : len(k)-8]
	return be.Uint16(k[1:]), be.Uint64(k[3:]), key, be.Uint64(k[len(k)-8:]), true
}

// appendIDsOf appends the common start of the keys of the ids of a source's events. Since the length stands before the
// name, no other source's ids lie between them.
func appendIDsOf(dst []byte, source string) []byte {
	dst = be.AppendUint32(append(dst, kindIDs), uint32(len(source)))
	return append(dst, source...)
}

// appendIDs appends the key of ids from a number on.
func appendIDs(dst []byte, source string, first uint64) []byte {
	return be.AppendUint64(appendIDsOf(dst, source), first)
}

// appendOutboxOf appends the key under which an alert's message is found.
func appendOutboxOf(dst []byte, alert string, seq uint64) []byte {
	return appendAlertSeq(dst, kindOutboxOf, alert, seq)
}

// appendAlertSeq appends a key of a kind that is followed by an alert's id and a sequence number.
func appendAlertSeq(dst []byte, kind byte, alert string, seq uint64) []byte {
	return be.AppendUint64(append(appendNamed(dst, kind, alert), 0), seq)
}

// appendMember appends the key of an alert in a group.
func appendMember(dst []byte, alert, group string) []byte {
	return append(append(appendNamed(dst, kindMember, alert), 0), group...)
}

// after returns the first key behind all keys that begin with prefix, in place; nil if there is none.
func after(prefix []byte) []byte {
	for i := len(prefix) - 1; i >= 0; i-- {
		if prefix[i]++; prefix[i] != 0 {
			return prefix[:i+1]
		}
	}
	return nil
}
