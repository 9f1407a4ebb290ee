package kafka

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go/compress"

	"kelpie/source/kafka/kafkatest"
)

// newDecoder returns a decoder whose batches may not become larger than 1 MiB.
func newDecoder() *decoder {
	return &decoder{m: &memory{limit: 1 << 30}, unpack: unpacker{most: 1 << 20}, committed: true}
}

// decoded returns "offset key=value" of all records that are decoded from an offset on, and where the mark is then.
func decoded(f *fetched, from int64) (all []string, next int64, err error) {
	d := newDecoder()
	defer d.unpack.close()
	out, err := d.decode(f, &page{held: 1}, Mark{Epoch: -1, Last: -1}, from, 0)
	next = from
	for _, b := range out {
		for i := range b.Len() {
			value := "(tombstone)"
			if v := b.Value(i); v != nil {
				value = string(v)
			}
			text := fmt.Sprintf("%d %s=%s", b.Lines[i].Offset, b.Key(i), value)
			for name, v := range b.Headers(i) {
				text += fmt.Sprintf(" %s:%s", name, v)
			}
			all = append(all, text)
		}
		next = b.Next.Offset
	}
	return all, next, err
}

// resum writes the right checksum into a batch that was changed.
func resum(b []byte) []byte {
	binary.BigEndian.PutUint32(b[beforeCRC:], crc32.Checksum(b[beforeCRC+4:], castagnoli))
	return b
}

func value(offset int64, text string) kafkatest.Record {
	return kafkatest.Record{Offset: offset, Time: 1000 + offset, Key: []byte("k"), Value: []byte(text)}
}

func TestDecode(t *testing.T) {
	f := func(name string, from, next int64, f *fetched, want ...string) {
		t.Helper()
		got, at, err := decoded(f, from)
		if err != nil || at != next || !slices.Equal(got, want) {
			t.Errorf("%s: %q, next %d, %v, want %q, next %d", name, got, at, err, want, next)
		}
	}
	join := func(all ...kafkatest.Batch) *fetched {
		var data []byte
		for _, b := range all {
			data = append(data, b.Encode()...)
		}
		return &fetched{records: data}
	}
	three := threeRecords
	f("nothing", 7, 7, join())
	for _, how := range []compress.Compression{compress.None, compress.Gzip, compress.Snappy, compress.Lz4, compress.Zstd} {
		f(how.String(), 10, 13, join(kafkatest.Batch{Base: 10, Compression: how, Records: three}), "10 k=a", "11 k=b", "12 k=c")
		f(how.String()+" from the middle", 12, 13, join(kafkatest.Batch{Base: 10, Compression: how, Records: three}), "12 k=c")
	}
	headers := kafkatest.Record{Offset: 3, Headers: []kafkatest.Header{{Name: "x", Value: []byte("1")}, {Name: "x"}, {Name: "", Value: []byte{}}}}
	f("headers, no key, a tombstone", 3, 4, join(kafkatest.Batch{Base: 3, Records: []kafkatest.Record{headers}}), "3 =(tombstone) x:1 x: :")
	f("holes", 5, 30, join(
		kafkatest.Batch{Base: 5, Last: 9, Records: []kafkatest.Record{value(7, "a")}},
		kafkatest.Batch{Base: 12, Last: 19},
		kafkatest.Batch{Base: 20, Last: 29, Records: []kafkatest.Record{value(20, "b"), value(25, "c")}},
	), "7 k=a", "20 k=b", "25 k=c")
	f("a batch whose records are all gone", 12, 20, join(kafkatest.Batch{Base: 12, Last: 19}))
	f("from behind the last record of a batch", 8, 10, join(kafkatest.Batch{Base: 5, Last: 9, Records: []kafkatest.Record{value(7, "a")}}))
	f("batches that were read", 13, 14, join(
		kafkatest.Batch{Base: 10, Records: three}, kafkatest.Batch{Base: 13, Records: []kafkatest.Record{value(13, "d")}},
	), "13 k=d")
	whole := join(kafkatest.Batch{Base: 10, Records: three}, kafkatest.Batch{Base: 13, Records: []kafkatest.Record{value(13, "d")}})
	for cut := len(kafkatestBatch(10, three)); cut < len(whole.records); cut++ {
		f("an answer that ends within a batch", 10, 13, &fetched{records: whole.records[:cut]}, "10 k=a", "11 k=b", "12 k=c")
	}
}

var threeRecords = []kafkatest.Record{value(10, "a"), value(11, "b"), value(12, "c")}

func kafkatestBatch(base int64, records []kafkatest.Record) []byte {
	b := kafkatest.Batch{Base: base, Records: records}
	return b.Encode()
}

// TestAborted has transactions of several producers, which begin before the answer does and end behind it.
func TestAborted(t *testing.T) {
	part := func(base, producer int64, text string) []byte {
		b := kafkatest.Batch{Base: base, Producer: producer, Attributes: transactionBit, Records: []kafkatest.Record{value(base, text)}}
		return b.Encode()
	}
	end := func(base, producer int64, commit byte) []byte {
		b := kafkatest.Batch{Base: base, Producer: producer, Attributes: transactionBit | controlBit, Records: []kafkatest.Record{{
			Offset: base, Key: []byte{0, 0, 0, commit}, Value: []byte{0, 0, 0, 0, 0, 0},
		}}}
		return b.Encode()
	}
	data := bytes.Join([][]byte{
		part(10, 1, "aborted, begun earlier"), part(11, 2, "good"), part(12, 3, "aborted"), end(13, 1, 0), part(14, 1, "good again"),
		end(15, 2, 1), part(16, 2, "aborted later"), end(17, 3, 0), kafkatestBatch(18, []kafkatest.Record{value(18, "without")}), end(19, 2, 0), end(20, 1, 1),
	}, nil)
	f := &fetched{records: data, aborted: []abortedTransaction{{3, 12}, {2, 16}, {1, 5}}}
	got, next, err := decoded(f, 10)
	if want := []string{"11 k=good", "14 k=good again", "18 k=without"}; err != nil || next != 21 || !slices.Equal(got, want) {
		t.Errorf("%q, next %d, %v, want %q", got, next, err, want)
	}
}

// TestDamage has one good batch before each that is damaged: its records come, and the error says where the damage is.
func TestDamage(t *testing.T) {
	good := kafkatestBatch(10, []kafkatest.Record{value(10, "a"), value(11, "b")})
	f := func(name, want string, bad []byte) {
		t.Helper()
		got, next, err := decoded(&fetched{Partition: Partition{"orders", 3}, records: append(bytes.Clone(good), bad...)}, 10)
		var data *DataError
		if !errors.As(err, &data) || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "orders/3@12: ") || data.Offset != 12 {
			t.Errorf("%s: %v, want orders/3@12 and %q", name, err, want)
		}
		if want := []string{"10 k=a", "11 k=b"}; next != 12 || !slices.Equal(got, want) {
			t.Errorf("%s: %q, next %d", name, got, next)
		}
	}
	records := []kafkatest.Record{value(12, "c"), value(13, "d"), value(14, "e")}
	batch := func(change func(b []byte)) []byte {
		b := kafkatestBatch(12, records)
		change(b)
		return b
	}
	for i := beforeCRC; i < len(batch(func([]byte) {})); i += 3 {
		f("a bit was flipped", "is damaged: its checksum", batch(func(b []byte) { b[i] ^= 4 }))
	}
	f("an old format", "of format 1, from before", batch(func(b []byte) { b[beforeCRC-1] = 1 }))
	f("a length that is none", "says that it has -5 bytes", batch(func(b []byte) { binary.BigEndian.PutUint32(b[8:], 1<<32-5) }))
	f("too many records", "says that it has 1000 records", batch(func(b []byte) { binary.BigEndian.PutUint32(b[57:], 1000); resum(b) }))
	f("very many records", "records, in", batch(func(b []byte) {
		binary.BigEndian.PutUint32(b[23:], 1<<30)
		binary.BigEndian.PutUint32(b[57:], 1<<30)
		resum(b)
	}))
	f("fewer records", "bytes behind its last record", batch(func(b []byte) { b[60] = 2; resum(b) }))
	f("a record's length", "the record behind offset 11", batch(func(b []byte) { b[61] = 0xff; resum(b) }))
	f("a value's length", "the record behind offset 11", batch(func(b []byte) { b[67] = 0x7e; resum(b) }))
	f("offsets that go back", "the record behind offset 13", kafkatestBatch(12, []kafkatest.Record{value(13, "c"), value(12, "d")}))
	f("a last offset before the first", "says that it has 3 records up to offset 11", batch(func(b []byte) { binary.BigEndian.PutUint32(b[23:], 1<<32-1); resum(b) }))
	for _, how := range []compress.Compression{compress.Gzip, compress.Snappy, compress.Lz4, compress.Zstd} {
		packed := kafkatest.Batch{Base: 12, Compression: how, Records: []kafkatest.Record{value(12, strings.Repeat("text ", 1000))}}
		b := packed.Encode()
		f(how.String()+" that ends early", "cannot be unpacked", func() []byte {
			cut := bytes.Clone(b[:len(b)-9])
			binary.BigEndian.PutUint32(cut[8:], uint32(len(cut)-lengthFrom))
			return resum(cut)
		}())
		bomb := kafkatest.Batch{Base: 12, Compression: how, Records: []kafkatest.Record{{Offset: 12, Value: make([]byte, 3<<20)}}}
		f(how.String()+" that becomes too large", "larger than fetch.batch allows", bomb.Encode())
	}
	f("a compression that is none", "compression 7", batch(func(b []byte) { b[22] |= 7; resum(b) }))
}

// FuzzDecode decodes anything, with a right checksum so that more than that is looked at.
func FuzzDecode(f *testing.F) {
	f.Add(kafkatestBatch(12, []kafkatest.Record{value(12, "c"), {Offset: 15, Headers: []kafkatest.Header{{Name: "x", Value: []byte("1")}}}}), int64(12))
	for _, how := range []compress.Compression{compress.Gzip, compress.Snappy, compress.Lz4, compress.Zstd} {
		b := kafkatest.Batch{Base: 12, Compression: how, Records: []kafkatest.Record{value(12, "c")}}
		f.Add(b.Encode(), int64(0))
	}
	f.Fuzz(func(t *testing.T, data []byte, from int64) {
		if from < 0 {
			from = 0
		}
		if len(data) > batchHead && int64(binary.BigEndian.Uint32(data[8:])) == int64(len(data)-lengthFrom) {
			resum(data)
		}
		d := newDecoder()
		defer d.unpack.close()
		out, _ := d.decode(&fetched{records: data}, &page{held: 1}, Mark{}, from, 0)
		at := from
		for _, b := range out {
			for i := range b.Len() {
				if b.Lines[i].Offset < at {
					t.Fatalf("offset %d after %d", b.Lines[i].Offset, at)
				}
				at = b.Lines[i].Offset + 1
				_, _ = b.Key(i), b.Value(i)
				for range b.Headers(i) {
				}
				b.sum(i)
			}
			if b.Next.Offset < at {
				t.Fatalf("the next offset is %d after %d", b.Next.Offset, at-1)
			}
			at = b.Next.Offset
		}
	})
}
