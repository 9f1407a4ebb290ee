package kafka

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// fetchVersion is the version of fetches: the newest whose answers have no compact fields. Kafka 2.3 was the first to
// know it.
const fetchVersion = 11

// fetchSpec is what all fetches have in common.
type fetchSpec struct {
	wait      time.Duration // for a first record to come
	most      int32         // bytes of an answer
	committed bool
}

// wanted is one partition of a fetch.
type wanted struct {
	Partition
	epoch  int32 // of the leader that we believe in, -1 unknown
	offset int64
	most   int32 // bytes
}

// fetched is what came of one partition.
type fetched struct {
	Partition
	err         kafkago.Error // 0: none
	end, stable int64         // high watermark, and last stable offset
	start       int64         // of the log
	aborted     []abortedTransaction
	records     []byte // batches, the last one perhaps cut short

	expands float64 // how large what came before of the partition became when it was unpacked, as a multiple; 0: not known
}

// abortedTransaction is one that was aborted, with records from first on.
type abortedTransaction struct {
	producer, first int64
}

// fetch asks for records. The answer is read into memory, or new memory if that is too small; what is in it stays there.
func (c *conn) fetch(ctx context.Context, f fetchSpec, want []wanted, memory []byte) (answer []byte, all []fetched, err error) {
	if _, err := c.version(protocol.Fetch, fetchVersion, fetchVersion); err != nil {
		return memory, nil, err
	}
	answer, err = c.exchange(ctx, sized(c.fetchRequest(f, want)), memory, largestFetch, f.wait+c.timeout)
	if err != nil {
		return memory, nil, err
	}
	all, err = parseFetch(answer)
	return answer, all, err
}

// largestFetch bounds an answer: one batch may be larger than what was asked for.
const largestFetch = 1 << 30

func (c *conn) fetchRequest(f fetchSpec, want []wanted) []byte {
	b := c.request(protocol.Fetch, fetchVersion, false)
	b = binary.BigEndian.AppendUint32(b, 1<<32-1) // no replica
	b = binary.BigEndian.AppendUint32(b, uint32(f.wait.Milliseconds()))
	b = binary.BigEndian.AppendUint32(b, 1) // byte at least
	b = binary.BigEndian.AppendUint32(b, uint32(f.most))
	if f.committed {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	b = binary.BigEndian.AppendUint32(b, 0)       // no session
	b = binary.BigEndian.AppendUint32(b, 1<<32-1) // and none to come
	topics := 0
	topicsAt := len(b)
	b = binary.BigEndian.AppendUint32(b, 0)
	for i := 0; i < len(want); topics++ { // neighbours of one topic together, their order is kept
		n := i + 1
		for n < len(want) && want[n].Topic == want[i].Topic {
			n++
		}
		b = appendText(b, want[i].Topic)
		b = binary.BigEndian.AppendUint32(b, uint32(n-i))
		for ; i < n; i++ {
			w := want[i]
			b = binary.BigEndian.AppendUint32(b, uint32(w.ID))
			b = binary.BigEndian.AppendUint32(b, uint32(w.epoch))
			b = binary.BigEndian.AppendUint64(b, uint64(w.offset))
			b = binary.BigEndian.AppendUint64(b, 1<<64-1) // we have no log of our own
			b = binary.BigEndian.AppendUint32(b, uint32(w.most))
		}
	}
	binary.BigEndian.PutUint32(b[topicsAt:], uint32(topics))
	b = binary.BigEndian.AppendUint32(b, 0) // nothing to forget
	return appendText(b, "")                // no rack
}

// parseFetch reads the answer to a fetch.
func parseFetch(answer []byte) (all []fetched, err error) {
	r := bytesReader{b: answer}
	r.int32() // the id
	r.int32() // throttled
	if code := r.int16(); code != 0 {
		return nil, kafkago.Error(code)
	}
	r.int32() // session
	for range r.count(6) {
		topic := r.text()
		for range r.count(42) {
			f := fetched{Partition: Partition{Topic: topic, ID: r.int32()}}
			f.err = kafkago.Error(r.int16())
			f.end, f.stable, f.start = r.int64(), r.int64(), r.int64()
			for range r.count(16) {
				f.aborted = append(f.aborted, abortedTransaction{producer: r.int64(), first: r.int64()})
			}
			r.int32() // a replica to be asked in place of the leader
			if n := r.int32(); n > 0 {
				f.records = r.take(int(n))
			}
			all = append(all, f)
		}
	}
	if r.bad {
		return nil, errNotKafka
	}
	return all, nil
}

// abortFilter says which batches of one answer belong to aborted transactions.
type abortFilter struct {
	todo    []abortedTransaction // by first offset
	aborted map[int64]bool       // producers whose current transaction was aborted
}

func newAbortFilter(list []abortedTransaction) *abortFilter {
	if len(list) == 0 {
		return &abortFilter{}
	}
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b abortedTransaction) int { return cmp.Compare(a.first, b.first) })
	return &abortFilter{todo: list, aborted: map[int64]bool{}}
}

// drops reports whether the records of a batch are not to be delivered. It must see all batches in order.
func (f *abortFilter) drops(h *batchHeader) bool {
	for len(f.todo) > 0 && f.todo[0].first <= h.last {
		f.aborted[f.todo[0].producer] = true
		f.todo = f.todo[1:]
	}
	if h.control() {
		if controlMarker(h) == abort {
			delete(f.aborted, h.producer)
		}
		return true
	}
	return h.transaction() && f.aborted[h.producer]
}
