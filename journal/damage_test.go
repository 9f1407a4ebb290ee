package journal

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// writeLog makes a log of n appends of records and returns its files. Without clean the files are as a kill leaves them.
func writeLog(t testing.TB, n, records int, clean bool) map[string][]byte {
	t.Helper()
	fs := vfs.NewMem()
	l := open(t, small(fs))
	for i := range n {
		appendBatch(t, l, batch(i*records, (i+1)*records, "f", -1))
	}
	if clean {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return files(t, fs)
}

// files returns the segments of a log.
func files(t testing.TB, fs vfs.FS) map[string][]byte {
	t.Helper()
	names, err := fs.List(testDir)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for _, name := range names {
		if !strings.HasSuffix(name, segmentSuffix) {
			continue
		}
		f, err := fs.Open(fs.PathJoin(testDir, name))
		if err != nil {
			t.Fatal(err)
		}
		if all[name], err = io.ReadAll(f); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// mem makes a file system of such files.
func mem(t testing.TB, all map[string][]byte) *vfs.MemFS {
	t.Helper()
	fs := vfs.NewMem()
	if err := fs.MkdirAll(testDir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, b := range all {
		f, err := fs.Create(fs.PathJoin(testDir, name), vfs.WriteCategoryUnspecified)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(slices.Clone(b)); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return fs
}

// blocksOf returns the headers of a segment's blocks, marks included.
func blocksOf(t testing.TB, name string, b []byte) (all []blockHeader) {
	t.Helper()
	for pos := segmentHeaderSize; pos < len(b); {
		var h blockHeader
		if err := h.decode(b[pos:]); err != nil {
			t.Fatal(name, pos, err)
		}
		all = append(all, h)
		pos += int(h.size())
	}
	return all
}

func sortedNames(all map[string][]byte) (names []string) {
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// expectCut opens the files, checks that next records are there and that appending goes on, also after a restart.
func expectCut(t *testing.T, all map[string][]byte, next int64) {
	t.Helper()
	fs := mem(t, all)
	l := open(t, small(fs))
	if got := l.NextOffset(); got != next {
		t.Fatalf("%d records are there, want %d", got, next)
	}
	for range 2 {
		n := int(l.NextOffset())
		appendBatch(t, l, batch(n, n+3, "f", -1))
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = open(t, small(fs))
		expectRecords(t, readAll(t, l.NewReader(0)), 0, n+3)
	}
	if r, err := Verify(testDir, fs); err != nil || !r.OK() {
		t.Fatalf("Verify = %+v, %v", r, err)
	}
}

// TestTornTail cuts the last group, of several blocks, off at every byte, and loses each of its blocks in turn.
func TestTornTail(t *testing.T) {
	all := writeLog(t, 2, 12, false)
	name := sortedNames(all)[0]
	whole := all[name]
	blocks := blocksOf(t, name, whole)
	group := blocks[len(blocks)-1].group
	var inGroup []blockHeader
	for _, h := range blocks {
		if h.group == group {
			inGroup = append(inGroup, h)
		}
	}
	if len(all) != 1 || len(inGroup) < 3 {
		t.Fatalf("%d segments, %d blocks in the last group", len(all), len(inGroup))
	}
	for size := int(group); size <= len(whole); size++ {
		next := inGroup[0].first
		for _, h := range inGroup {
			if int(h.pos+h.size()) <= size {
				next = h.next()
			}
		}
		if size%7 == 0 || size == len(whole) {
			expectCut(t, map[string][]byte{name: whole[:size]}, next)
		}
	}
	for _, h := range inGroup {
		b := slices.Clone(whole)
		clear(b[h.pos : h.pos+h.size()]) // as a file system leaves what it had no time to write
		expectCut(t, map[string][]byte{name: b}, h.first)
		copy(b[h.pos:], whole[h.pos:h.pos+blockHeaderSize+10]) // its beginning was written
		expectCut(t, map[string][]byte{name: b}, h.first)
	}
	tail := append(slices.Clone(whole), "something that was never a block"...)
	expectCut(t, map[string][]byte{name: tail}, 24)
}

// TestBitFlips flips a bit in every byte of a log that was closed: nobody reads a wrong record, and each flip is
// named by Verify, and by Open, or a reader, or both.
func TestBitFlips(t *testing.T) {
	all := writeLog(t, 6, 8, true)
	if len(all) < 2 {
		t.Fatalf("%d segments", len(all))
	}
	names := sortedNames(all)
	for n, name := range names {
		for i := range all[name] {
			if i%17 != n%17 && i > segmentHeaderSize+2*blockHeaderSize {
				continue
			}
			all[name][i] ^= 1 << (i % 8)
			expectNamed(t, all)
			all[name][i] ^= 1 << (i % 8)
			if t.Failed() {
				t.Fatalf("segment %s, byte %d of %d", name, i, len(all[name]))
			}
		}
	}
}

func expectNamed(t *testing.T, all map[string][]byte) {
	t.Helper()
	fs := mem(t, all)
	if r, err := Verify(testDir, fs); err != nil || r.OK() && r.Torn == 0 {
		t.Errorf("Verify = %+v, %v", r, err)
	}
	// Marks hold no record, and readers need none: one may be lost without a word, as long as all records are there.
	o := small(fs)
	l, err := Open(testDir, o)
	if err == nil {
		n, readErr := readTo(l)
		if err = readErr; err == nil && n != 48 {
			t.Errorf("read %d records without an error", n)
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	if err != nil && !errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
	o.ReadOnly = true
	if l, err := Open(testDir, o); err == nil {
		if n, err := readTo(l); err == nil && n != 48 {
			t.Errorf("read %d records without an error", n)
		}
	}
}

// readTo reads from the beginning to the first error, checks what it reads, and returns how many records that was.
func readTo(l *Log) (n int, err error) {
	r := l.NewReader(0)
	defer r.Close()
	var b Block
	for {
		err := r.Next(ctx, &b)
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		for i := range b.Lines {
			if x := b.Record(i); x.Offset != int64(n) || string(x.Payload) != string(payload(n)) {
				return n, errors.New("a wrong record")
			}
			n++
		}
	}
}

// TestReadAroundDamage reads what can be read of a log with a damaged block in the middle.
func TestReadAroundDamage(t *testing.T) {
	all := writeLog(t, 6, 8, true)
	name := sortedNames(all)[0]
	h := blocksOf(t, name, all[name])[2]
	f := func(at int64) {
		t.Helper()
		all[name][at] ^= 1
		defer func() { all[name][at] ^= 1 }()
		fs := mem(t, all)
		o := small(fs)
		o.ReadOnly = true
		l := open(t, o)
		r := l.NewReader(0)
		defer r.Close()
		var b Block
		got := 0
		for {
			err := r.Next(ctx, &b)
			var d *DamageError
			if errors.As(err, &d) {
				if d.Segment != name || d.Position != h.pos || d.First != h.first || d.Next != h.next() {
					t.Fatalf("damage is %+v, want that of %+v", d, h)
				}
				r.MoveTo(d.Next)
				continue
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got += len(b.Lines)
		}
		if got != 48-int(h.count) {
			t.Errorf("read %d records, want all but %d of 48", got, h.count)
		}
		report, err := Verify(testDir, fs)
		if err != nil || len(report.Damage) != 1 || report.Damage[0].First != h.first || report.Damage[0].Next != h.next() {
			t.Errorf("Verify = %+v, %v", report, err)
		}
	}
	f(h.pos + 30)                   // its header
	f(h.pos + blockHeaderSize + 50) // its body
}

func TestMissingAndShortSegments(t *testing.T) {
	all := writeLog(t, 12, 8, true)
	names := sortedNames(all)
	if len(names) < 3 {
		t.Fatalf("%d segments", len(names))
	}
	f := func(change func(all map[string][]byte), want string) {
		t.Helper()
		changed := map[string][]byte{}
		for name, b := range all {
			changed[name] = b
		}
		change(changed)
		fs := mem(t, changed)
		_, err := Open(testDir, small(fs))
		if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), want) {
			t.Errorf("Open says %v, want %q", err, want)
		}
		if r, err := Verify(testDir, fs); err != nil || len(r.Damage) != 1 || !strings.Contains(r.Damage[0].Error(), want) {
			t.Errorf("Verify says %v, %v, want %q", r.Damage, err, want)
		}
	}
	f(func(all map[string][]byte) { delete(all, names[1]) }, names[1]+", is missing")
	f(func(all map[string][]byte) { all[names[1]] = all[names[1]][:1000] }, "cannot be read")
}

func TestNewerFormat(t *testing.T) {
	all := writeLog(t, 1, 3, true)
	name := sortedNames(all)[0]
	newer := all[name]
	newer[8] = Format + 1
	resum(newer)
	for _, readOnly := range []bool{false, true} {
		o := small(mem(t, all))
		o.ReadOnly = readOnly
		if _, err := Open(testDir, o); !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), "use the newer Kelpie") {
			t.Errorf("opening a newer log: %v", err)
		}
	}
}

// TestSearchFarAway finds a block behind damage of more bytes than are searched at once, wherever it begins.
func TestSearchFarAway(t *testing.T) {
	const window = 1 << 20
	x := &encoded{}
	buildMark(x, nil)
	for at := window - blockHeaderSize - 2; at < window+2; at++ {
		x.header.salt, x.header.pos = 7, int64(segmentHeaderSize+at)
		x.header.encode(x.buf)
		file := make([]byte, segmentHeaderSize+at+len(x.buf)+100)
		copy(file[segmentHeaderSize+at-50:], blockMagic) // something that looks like one
		copy(file[segmentHeaderSize+at:], x.buf)
		w := walker{file: vfs.NewMemFile(file), limit: int64(len(file)), salt: 7}
		if h, ok, err := w.search(segmentHeaderSize); !ok || err != nil || h.pos != x.header.pos {
			t.Fatalf("a block at %d: found %v at %d, %v", x.header.pos, ok, h.pos, err)
		}
		w.salt = 8
		if _, ok, err := w.search(segmentHeaderSize); ok || err != nil {
			t.Fatalf("another segment's block was taken for one of this one, %v", err)
		}
	}
}
