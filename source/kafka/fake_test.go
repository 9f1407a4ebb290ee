package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// fake is a cluster in memory that does what a real one cannot be made to do at a given moment. It runs in a bubble of
// testing/synctest.
type fake struct {
	mu      sync.Mutex
	rng     *rand.Rand
	faults  float64 // share of requests that go wrong
	brokers int32
	logs    map[Partition]*fakeLog
	ids     map[string]TopicID
	open    []net.Conn
	wg      sync.WaitGroup
	asked   map[protocol.ApiKey]int
	dead    map[int32]bool // brokers at which nobody listens
	oldest  bool           // the brokers know no topic ids
	says    string         // what simple records say
}

// fakeLog is one partition.
type fakeLog struct {
	leader, epoch int32
	batches       []fakeBatch
	start         int64
	stable        int64 // 0: the end
	aborted       []fakeAborted
	epochs        []int64 // where the records of each epoch end, but for the last one
}

type fakeBatch struct {
	base, last int64
	bytes      []byte
}

type fakeAborted struct {
	abortedTransaction
	marker int64
}

func (l *fakeLog) end() int64 {
	if n := len(l.batches); n > 0 {
		return l.batches[n-1].last + 1
	}
	return l.start
}

func newFake(seed uint64) *fake {
	return &fake{
		rng: rand.New(rand.NewPCG(seed, 1)), brokers: 1, logs: map[Partition]*fakeLog{}, ids: map[string]TopicID{},
		asked: map[protocol.ApiKey]int{}, dead: map[int32]bool{},
	}
}

// addr is the address of a broker.
func (*fake) addr(id int32) string { return net.JoinHostPort("broker", strconv.Itoa(int(id))) }

// reader opens a Reader of the fake.
func (f *fake) reader(s Spec, o Options) *Reader {
	s.Brokers = nil
	for id := range f.brokers {
		s.Brokers = append(s.Brokers, f.addr(id))
	}
	s = s.WithDefaults()
	c, err := newClient(s.Connection)
	if err != nil {
		panic(err)
	}
	c.d.connect = f.connect
	named, err := newTopics(s.Topics)
	if err != nil {
		panic(err)
	}
	return open(s, o, named, c)
}

// close ends all connections.
func (f *fake) close() {
	f.mu.Lock()
	for _, c := range f.open {
		_ = c.Close()
	}
	f.mu.Unlock()
	f.wg.Wait()
}

func (f *fake) connect(_ context.Context, _, addr string) (net.Conn, error) {
	_, port, _ := net.SplitHostPort(addr)
	id, _ := strconv.Atoi(port)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.dead[int32(id)] {
		return nil, errors.New("nobody listens there")
	}
	ours, theirs := net.Pipe()
	f.open = append(f.open, theirs)
	f.wg.Go(func() { f.serve(int32(id), theirs) })
	return ours, nil
}

// serve answers one connection.
func (f *fake) serve(id int32, c net.Conn) {
	defer c.Close()
	for {
		var size [4]byte
		if _, err := io.ReadFull(c, size[:]); err != nil {
			return
		}
		request := make([]byte, binary.BigEndian.Uint32(size[:]))
		if _, err := io.ReadFull(c, request); err != nil {
			return
		}
		answer, wait := f.answer(id, request)
		sleep(context.Background(), wait)
		switch f.fault() {
		case hangUp:
			return
		case saysNothing:
			_, _ = io.Copy(io.Discard, c) // until we hang up
			return
		case halfAnAnswer:
			answer = answer[:len(answer)/2]
			_, _ = c.Write(answer)
			return
		}
		if _, err := c.Write(answer); err != nil {
			return
		}
	}
}

// What goes wrong with a whole answer.
const (
	nothingWrong = iota
	hangUp
	saysNothing
	halfAnAnswer
)

func (f *fake) fault() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.rng.Float64() >= f.faults {
		return nothingWrong
	}
	return 1 + f.rng.IntN(halfAnAnswer)
}

// answer answers one request, after a time.
func (f *fake) answer(id int32, request []byte) (answer []byte, wait time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r := &bytesReader{b: request}
	key := protocol.ApiKey(r.int16())
	version := r.int16()
	f.asked[key]++
	b := make([]byte, 4, 1024)
	b = binary.BigEndian.AppendUint32(b, uint32(r.int32()))
	r.text() // the client's id
	switch key {
	case protocol.ApiVersions:
		b = f.apiVersions(b)
	case protocol.Metadata:
		b = f.metadata(b, version)
	case protocol.ListOffsets:
		b = f.listOffsets(b, r, id)
	case protocol.OffsetForLeaderEpoch:
		b = f.endOfEpoch(b, r, id)
	case protocol.Fetch:
		b, wait = f.fetch(b, r, id)
	default:
		panic(key)
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)-4))
	return b, wait
}

func (f *fake) apiVersions(b []byte) []byte {
	all := []struct {
		key       protocol.ApiKey
		low, high int16
	}{{protocol.Fetch, 4, 11}, {protocol.ListOffsets, 1, 5}, {protocol.Metadata, 0, 12}, {protocol.OffsetForLeaderEpoch, 2, 3}, {protocol.ApiVersions, 0, 3}}
	if f.oldest {
		all[2].high = 8
	}
	b = append(b, 0, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(len(all)))
	for _, v := range all {
		b = binary.BigEndian.AppendUint16(b, uint16(v.key))
		b = binary.BigEndian.AppendUint16(b, uint16(v.low))
		b = binary.BigEndian.AppendUint16(b, uint16(v.high))
	}
	return b
}

// topics returns the partitions of each topic, in order.
func (f *fake) topics() (names []string, all map[string][]Partition) {
	all = map[string][]Partition{}
	for p := range f.logs {
		all[p.Topic] = append(all[p.Topic], p)
	}
	for name, ps := range all {
		names = append(names, name)
		slices.SortFunc(ps, Partition.Compare)
	}
	slices.Sort(names)
	return names, all
}

func (f *fake) metadata(b []byte, version int16) []byte {
	names, topics := f.topics()
	if version < metadataWithIDs {
		return f.oldMetadata(b, names, topics)
	}
	b = append(b, 0)          // tags
	b = append(b, 0, 0, 0, 0) // throttled
	b = binary.AppendUvarint(b, uint64(f.brokers)+1)
	for id := range f.brokers {
		b = binary.BigEndian.AppendUint32(b, uint32(id))
		b = appendCompactText(b, "broker")
		b = binary.BigEndian.AppendUint32(b, uint32(id))
		b = append(b, 0, 0)
	}
	b = appendCompactText(b, "fake")
	b = append(b, 0, 0, 0, 0)
	b = binary.AppendUvarint(b, uint64(len(names))+1)
	for _, name := range names {
		id := f.ids[name]
		b = appendCompactText(append(b, 0, 0), name)
		b = append(append(b, id[:]...), 0)
		b = binary.AppendUvarint(b, uint64(len(topics[name]))+1)
		for _, p := range topics[name] {
			l := f.logs[p]
			b = append(b, 0, 0)
			for _, n := range []int32{p.ID, l.leader, l.epoch} {
				b = binary.BigEndian.AppendUint32(b, uint32(n))
			}
			b = append(b, 1, 1, 1, 0)
		}
		b = append(b, 0x80, 0, 0, 0, 0)
	}
	return append(b, 0)
}

func (f *fake) oldMetadata(b []byte, names []string, topics map[string][]Partition) []byte {
	number := func(n int) { b = binary.BigEndian.AppendUint32(b, uint32(n)) }
	number(0)
	number(int(f.brokers))
	for id := range f.brokers {
		number(int(id))
		b = appendText(b, "broker")
		number(int(id))
		b = append(b, 0xff, 0xff)
	}
	b = appendText(b, "fake")
	number(0)
	number(len(names))
	for _, name := range names {
		b = append(appendText(append(b, 0, 0), name), 0)
		number(len(topics[name]))
		for _, p := range topics[name] {
			b = append(b, 0, 0)
			number(int(p.ID))
			number(int(f.logs[p].leader))
			number(int(f.logs[p].epoch))
			number(0)
			number(0)
			number(0)
		}
		number(0)
	}
	number(0)
	return b
}

// each reads the partitions of a request and lets one answer each.
func (f *fake) each(b []byte, r *bytesReader, one func(b []byte, p Partition) []byte) []byte {
	topics := r.int32()
	b = binary.BigEndian.AppendUint32(b, uint32(topics))
	for range topics {
		name := r.text()
		b = appendText(b, name)
		n := r.int32()
		b = binary.BigEndian.AppendUint32(b, uint32(n))
		for range n {
			b = one(b, Partition{name, r.int32()})
		}
	}
	return b
}

// refuse returns why a broker does not answer for a partition.
func (f *fake) refuse(p Partition, id, epoch int32) kafkago.Error {
	l := f.logs[p]
	switch {
	case l == nil:
		return kafkago.UnknownTopicOrPartition
	case l.leader != id:
		return kafkago.NotLeaderForPartition
	case epoch >= 0 && epoch < l.epoch:
		return kafkago.FencedLeaderEpoch
	case epoch > l.epoch:
		return kafkago.UnknownLeaderEpoch
	case f.rng.Float64() < f.faults:
		all := []kafkago.Error{kafkago.NotLeaderForPartition, kafkago.LeaderNotAvailable, kafkago.UnknownTopicOrPartition, kafkago.Unknown, kafkago.KafkaStorageError, kafkago.OffsetNotAvailable}
		return all[f.rng.IntN(len(all))]
	}
	return 0
}

func (f *fake) listOffsets(b []byte, r *bytesReader, id int32) []byte {
	r.int32()
	committed := r.int8() == 1
	b = append(b, 0, 0, 0, 0)
	return f.each(b, r, func(b []byte, p Partition) []byte {
		epoch, timestamp := r.int32(), r.int64()
		code := f.refuse(p, id, epoch)
		offset := int64(-1)
		if l := f.logs[p]; code == 0 {
			switch timestamp {
			case timestampEarliest:
				offset = l.start
			case timestampLatest:
				if offset = l.end(); committed && l.stable > 0 {
					offset = l.stable
				}
			}
		}
		b = binary.BigEndian.AppendUint32(b, uint32(p.ID))
		b = binary.BigEndian.AppendUint16(b, uint16(code))
		b = binary.BigEndian.AppendUint64(b, 1<<64-1)
		b = binary.BigEndian.AppendUint64(b, uint64(offset))
		return binary.BigEndian.AppendUint32(b, 0)
	})
}

func (f *fake) endOfEpoch(b []byte, r *bytesReader, id int32) []byte {
	r.int32()
	b = append(b, 0, 0, 0, 0)
	return f.each(b, r, func(b []byte, p Partition) []byte {
		current, epoch := r.int32(), r.int32()
		code := f.refuse(p, id, current)
		end := int64(-1)
		if l := f.logs[p]; code == 0 {
			if end = l.end(); int(epoch) < len(l.epochs) {
				end = l.epochs[epoch]
			}
		}
		b = binary.BigEndian.AppendUint16(b, uint16(code))
		b = binary.BigEndian.AppendUint32(b, uint32(p.ID))
		b = binary.BigEndian.AppendUint32(b, uint32(epoch))
		return binary.BigEndian.AppendUint64(b, uint64(end))
	})
}

func (f *fake) fetch(b []byte, r *bytesReader, id int32) (answer []byte, wait time.Duration) {
	r.int32()
	longest := time.Duration(r.int32()) * time.Millisecond
	r.int32()
	most := int(r.int32())
	committed := r.int8() == 1
	r.int64()
	any := false
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	b = f.each(b, r, func(b []byte, p Partition) []byte {
		epoch, offset := r.int32(), r.int64()
		r.int64()
		limit := min(int(r.int32()), most)
		code := f.refuse(p, id, epoch)
		l := f.logs[p]
		if code == 0 && (offset < l.start || offset > l.end()) {
			code = kafkago.OffsetOutOfRange
		}
		b = binary.BigEndian.AppendUint32(b, uint32(p.ID))
		b = binary.BigEndian.AppendUint16(b, uint16(code))
		if code != 0 {
			any = true
			for range 3 {
				b = binary.BigEndian.AppendUint64(b, 1<<64-1)
			}
			b = binary.BigEndian.AppendUint32(b, 0)
			return binary.BigEndian.AppendUint64(b, 1<<64-1<<32) // no replica, no records
		}
		records, aborted, stable := l.read(offset, limit, committed, !any)
		if len(records) > 0 && f.rng.Float64() < f.faults {
			f.damage(records)
		}
		any = any || len(records) > 0
		most -= len(records)
		b = binary.BigEndian.AppendUint64(b, uint64(l.end()))
		b = binary.BigEndian.AppendUint64(b, uint64(stable))
		b = binary.BigEndian.AppendUint64(b, uint64(l.start))
		b = binary.BigEndian.AppendUint32(b, uint32(len(aborted)))
		for _, a := range aborted {
			b = binary.BigEndian.AppendUint64(b, uint64(a.producer))
			b = binary.BigEndian.AppendUint64(b, uint64(a.first))
		}
		b = binary.BigEndian.AppendUint32(b, 1<<32-1)
		b = binary.BigEndian.AppendUint32(b, uint32(len(records)))
		return append(b, records...)
	})
	switch {
	case !any:
		wait = longest
	case f.rng.Float64() < 8*f.faults: // long enough for others to be asked meanwhile
		wait = time.Duration(f.rng.Int64N(int64(800 * time.Millisecond)))
	}
	return b, wait
}

// read returns what a fetch gives: whole batches, the last one perhaps cut short; the first one is whole if nothing else
// is in the answer.
func (l *fakeLog) read(offset int64, limit int, committed, first bool) (records []byte, aborted []fakeAborted, stable int64) {
	if stable = l.end(); l.stable > 0 {
		stable = l.stable
	}
	bound := l.end()
	if committed {
		bound = stable
	}
	last := offset
	for _, batch := range l.batches {
		if batch.last < offset || batch.last >= bound {
			continue
		}
		room := limit - len(records)
		if len(batch.bytes) > room && (!first || len(records) > 0) {
			records = append(records, batch.bytes[:max(room, 0)]...)
			break
		}
		records, last = append(records, batch.bytes...), batch.last
	}
	for _, a := range l.aborted {
		if a.first <= last && a.marker >= offset {
			aborted = append(aborted, a)
		}
	}
	return records, aborted, stable
}

// damage flips a bit of what a checksum is of.
func (f *fake) damage(records []byte) {
	if len(records) > batchHead {
		at := beforeCRC + 4 + f.rng.IntN(len(records)-beforeCRC-4)
		var whole int
		for whole < len(records) && whole+lengthFrom < len(records) { // the batch that it is in
			next := whole + lengthFrom + int(binary.BigEndian.Uint32(records[whole+8:]))
			if at < next {
				break
			}
			whole = next
		}
		if at-whole >= beforeCRC+4 {
			records[at] ^= 1 << f.rng.IntN(8)
		}
	}
}
