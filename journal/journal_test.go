package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const testDir = "data/log"

var ctx = context.Background()

// clock is a clock that a test sets.
type clock struct{ ms int64 }

func (c *clock) now() time.Time { return time.UnixMilli(c.ms) }

// small makes a log with small blocks and segments, so that few records make many of them.
func small(fs vfs.FS) Options {
	return Options{FS: fs, BlockSize: 1000, SegmentSize: 9000, Now: (&clock{1000}).now}
}

func open(t testing.TB, o Options) *Log {
	t.Helper()
	l, err := Open(testDir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// payload is what a test appends as its i-th record: of varying length, some of it random to a compressor.
func payload(i int) []byte {
	rng := rand.New(rand.NewPCG(uint64(i), 1))
	b := fmt.Appendf(nil, `{"n":%d,"pad":"%s","x":"`, i, strings.Repeat("-", i%97))
	for range 15 {
		b = fmt.Appendf(b, "%016x", rng.Uint64())
	}
	return append(b, `"}`...)
}

// batch makes a batch of records from to to, as a file of lines has them: blank is after which of them a blank line
// stands.
func batch(from, to int, source string, blank int) *Batch {
	b := &Batch{Source: Source{Name: source, Ident: "ident of " + source}, Timed: true, MinTime: int64(from) * 10, MaxTime: int64(to-1) * 10}
	if source == "" {
		b.Source = Source{}
	}
	line := int64(from) + 1
	for i := from; i < to; i++ {
		start := len(b.Buf)
		b.Buf = append(b.Buf, payload(i)...)
		b.Lines = append(b.Lines, Line{start, len(b.Buf), line})
		b.Buf = append(b.Buf, '\n')
		if i == blank {
			b.Buf = append(b.Buf, " \r\n"...)
			line++
		}
		line++
	}
	b.Base = int64(from) * 100
	b.Next = Mark{b.Base + int64(len(b.Buf)), line - 1}
	return b
}

func appendBatch(t testing.TB, l *Log, b *Batch) Appended {
	t.Helper()
	a, err := l.AppendBatch(ctx, b)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// readAll reads what a reader has, with copies of the payloads.
func readAll(t testing.TB, r *Reader) (all []Record) {
	t.Helper()
	defer r.Close()
	var b Block
	for {
		err := r.Next(ctx, &b)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Lines {
			x := b.Record(i)
			x.Payload = bytes.Clone(x.Payload)
			all = append(all, x)
		}
	}
}

// expectRecords checks that offsets first, first+1, … hold payload(first), payload(first+1), …, n records in all.
func expectRecords(t testing.TB, got []Record, first, n int) {
	t.Helper()
	if len(got) != n {
		t.Fatalf("read %d records, want %d", len(got), n)
	}
	for i, r := range got {
		if r.Offset != int64(first+i) || !bytes.Equal(r.Payload, payload(first+i)) {
			t.Fatalf("record %d is offset %d, %q, want %q", i, r.Offset, r.Payload, payload(first+i))
		}
	}
}

func TestAppendAndRead(t *testing.T) {
	fs := vfs.NewMem()
	o := small(fs)
	c := &clock{1000}
	o.Now = c.now
	l := open(t, o)
	if a, err := l.Append(ctx, RulesLoaded, payload(0)); err != nil || a != (Appended{0, 1000}) {
		t.Fatalf("Append = %v, %v", a, err)
	}
	c.ms = 900 // a clock that goes back does not take append times with it
	if a := appendBatch(t, l, batch(1, 40, "a.jsonl", 10)); a != (Appended{1, 1000}) {
		t.Fatalf("AppendBatch = %v", a)
	}
	c.ms = 2000
	if a := appendBatch(t, l, batch(40, 45, "", -1)); a != (Appended{40, 2000}) {
		t.Fatalf("AppendBatch = %v", a)
	}
	check := func(l *Log) {
		t.Helper()
		all := readAll(t, l.NewReader(0))
		expectRecords(t, all, 0, 45)
		for i, want := range map[int]Record{
			0:  {Appended: 1000, Kind: RulesLoaded},
			1:  {Appended: 1000, Source: Source{"a.jsonl", "ident of a.jsonl"}, Line: 2},
			10: {Appended: 1000, Source: Source{"a.jsonl", "ident of a.jsonl"}, Line: 11},
			11: {Appended: 1000, Source: Source{"a.jsonl", "ident of a.jsonl"}, Line: 13},
			39: {Appended: 1000, Source: Source{"a.jsonl", "ident of a.jsonl"}, Line: 41},
			40: {Appended: 2000},
		} {
			got := all[i]
			want.Offset, want.Payload, got.Payload = int64(i), nil, nil
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("record %d is %v, want %v", i, got, want)
			}
		}
		if p, ok := l.Progress("a.jsonl"); !ok || p != (Progress{"ident of a.jsonl", batch(1, 40, "a.jsonl", 10).Next}) {
			t.Errorf("progress is %v, %v", p, ok)
		}
	}
	check(l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	check(open(t, o))
	if r, err := Verify(testDir, fs); err != nil || !r.OK() || r.Records != 45 || r.Next != 45 || r.Torn != 0 {
		t.Errorf("Verify = %+v, %v", r, err)
	}
}

func TestReadFromEachOffset(t *testing.T) {
	l := open(t, small(vfs.NewMem()))
	for i := 0; i < 60; i += 6 {
		appendBatch(t, l, batch(i, i+6, "f", i+2))
	}
	var b Block
	for i := range 60 {
		expectRecords(t, readAll(t, l.NewReader(int64(i))), i, 60-i)
		r, err := l.Get(ctx, int64(i), &b)
		if err != nil || r.Offset != int64(i) || !bytes.Equal(r.Payload, payload(i)) {
			t.Fatalf("Get(%d) = %v, %v", i, r, err)
		}
		line := i + 1
		if i%6 > 2 {
			line++
		}
		if r.Line != int64(line) {
			t.Fatalf("record %d is line %d, want %d", i, r.Line, line)
		}
	}
	if _, err := l.Get(ctx, 60, &b); !errors.Is(err, ErrNotYet) {
		t.Errorf("Get(60): %v", err)
	}
	if _, err := l.Get(ctx, 61, &b); !errors.Is(err, ErrNotYet) {
		t.Errorf("Get(61): %v", err)
	}
}

// TestResume stops after each record in turn, wherever a block may end, and goes on where the log says.
func TestResume(t *testing.T) {
	all := batch(0, 50, "f", 20)
	all.Base = 0
	for n := 1; n < 50; n++ {
		o := small(vfs.NewMem())
		l := open(t, o)
		part := *all
		part.Lines = all.Lines[:n]
		part.Next = Mark{int64(all.Lines[n].Start), all.Lines[n].Offset - 1}
		appendBatch(t, l, &part)
		p, _ := l.Progress("f")
		if p.Mark != part.Next {
			t.Fatalf("after %d records progress is %v, want %v", n, p.Mark, part.Next)
		}
		// A run's resume mark is where the next run's first record begins.
		r := l.NewReader(0)
		var b Block
		at := 0
		for r.Next(ctx, &b) == nil {
			for _, x := range b.Runs {
				at += x.Count
				if want := (Mark{int64(all.Lines[at].Start), all.Lines[at].Offset - 1}); x.Resume != want {
					t.Fatalf("%d records, run before record %d resumes at %v, want %v", n, at, x.Resume, want)
				}
			}
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestBetween(t *testing.T) {
	o := small(vfs.NewMem())
	l := open(t, o)
	for i := 0; i < 200; i += 4 {
		appendBatch(t, l, batch(i, i+4, "f", -1)) // times i*10 to (i+3)*10
	}
	f := func(from, to int64, first, last int) {
		t.Helper()
		for _, r := range readAll(t, l.Between(from, to)) {
			i := int(r.Offset)
			if i/4 < first/4 || i/4 > last/4 {
				t.Errorf("Between(%d, %d) read record %d", from, to, i)
			}
			if i == first {
				first++
			}
			if first > last {
				return
			}
		}
		t.Errorf("Between(%d, %d) did not read record %d", from, to, first)
	}
	f(0, 0, 0, 0)
	f(1000, 1100, 100, 110)
	f(1990, 5000, 199, 199)
	if got := readAll(t, l.Between(2000, 3000)); len(got) > 0 {
		t.Errorf("read %d records of a time at which there is none", len(got))
	}
	late := batch(200, 204, "f", -1)
	late.Timed = false
	appendBatch(t, l, late)
	if got := readAll(t, l.Between(2500, 3000)); len(got) != 4 {
		t.Errorf("read %d records whose time is not known, want 4", len(got))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, o)
	f(1000, 1100, 100, 110)
}

func TestFollow(t *testing.T) {
	l := open(t, small(vfs.NewMem()))
	r := l.Follow(0)
	defer r.Close()
	next := make(chan []Record)
	failed := make(chan error, 1)
	go func() {
		var b Block
		for {
			if err := r.Next(ctx, &b); err != nil {
				failed <- err
				return
			}
			var all []Record
			for i := range b.Lines {
				x := b.Record(i)
				x.Payload = bytes.Clone(x.Payload)
				all = append(all, x)
			}
			next <- all
		}
	}()
	for i := 0; i < 40; i += 2 {
		appendBatch(t, l, batch(i, i+2, "", -1))
		expectRecords(t, <-next, i, 2)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; !errors.Is(err, ErrClosed) {
		t.Errorf("a reader of a closed log got %v", err)
	}
}

func TestFollowCancelled(t *testing.T) {
	l := open(t, small(vfs.NewMem()))
	r := l.Follow(0)
	defer r.Close()
	c, cancel := context.WithCancel(ctx)
	failed := make(chan error, 1)
	go func() { failed <- r.Next(c, &Block{}) }()
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Errorf("Next = %v", err)
	}
}

func TestSecondProcess(t *testing.T) {
	fs := vfs.NewMem()
	open(t, small(fs))
	_, err := Open(testDir, small(fs))
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), "process ") {
		t.Errorf("a second Open says %v", err)
	}
}

func TestRefusedBatches(t *testing.T) {
	l := open(t, small(vfs.NewMem()))
	f := func(b Batch, want string) {
		t.Helper()
		if _, err := l.AppendBatch(ctx, &b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	f(Batch{Buf: make([]byte, 9), Lines: []Line{{0, 5, 1}, {4, 9, 2}}}, "after one that ends at 5")
	f(Batch{Buf: make([]byte, 9), Lines: []Line{{0, 10, 1}}}, "[0:10] in 9 bytes")
	f(Batch{Buf: make([]byte, 9), Lines: []Line{{5, 4, 1}}}, "[5:4]")
	f(Batch{Buf: make([]byte, 9), Lines: []Line{{0, 9, 0}}, Source: Source{Name: "f"}}, "number 0")
	f(Batch{Buf: make([]byte, 9), Lines: []Line{{0, 9, 1}}, Source: Source{Name: "f"}, Next: Mark{-1, 0}}, "-1")
	if l.NextOffset() != 0 {
		t.Error("something was appended")
	}
	if a := appendBatch(t, l, &Batch{}); a.First != 0 {
		t.Errorf("an empty batch: %v", a)
	}
}

func TestWideGapsAreNotKept(t *testing.T) {
	o := small(vfs.NewMem())
	o.BlockSize = 1 << 20
	l := open(t, o)
	b := &Batch{Buf: bytes.Repeat([]byte{' '}, 1000)}
	for i := range 3 {
		copy(b.Buf[i*400:], "record")
		b.Lines = append(b.Lines, Line{i * 400, i*400 + 6, 0})
	}
	appendBatch(t, l, b)
	all := readAll(t, l.NewReader(0))
	if len(all) != 3 || string(all[0].Payload) != "record" || string(all[2].Payload) != "record" {
		t.Errorf("read %v", all)
	}
	if s := l.Stats(); s.Payload != 18 {
		t.Errorf("%d bytes were kept, want 18", s.Payload)
	}
}

func TestOpenReadOnly(t *testing.T) {
	fs := vfs.NewMem()
	o := small(fs)
	o.ReadOnly = true
	if _, err := Open(testDir, o); !errors.Is(err, ErrNone) {
		t.Errorf("opening what is not there: %v", err)
	}
	l := open(t, small(fs))
	appendBatch(t, l, batch(0, 30, "f", -1))
	ro := open(t, o) // while it is open for writing
	expectRecords(t, readAll(t, ro.NewReader(0)), 0, 30)
	if _, err := ro.Append(ctx, Event, nil); !errors.Is(err, ErrReadOnly) {
		t.Errorf("Append = %v", err)
	}
	if _, err := ro.Retain(10); !errors.Is(err, ErrReadOnly) {
		t.Errorf("Retain = %v", err)
	}
	if _, ok := ro.Progress("f"); !ok {
		t.Error("no progress")
	}
}
