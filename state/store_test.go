package state

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/event"
)

const testDir = "data/state"

// openMem opens a store on fs and closes it with the test.
func openMem(t testing.TB, fs vfs.FS, o Options) *Store {
	t.Helper()
	o.FS = fs
	s, err := Open(testDir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// commit fills a batch and commits it.
func commit(t testing.TB, s *Store, fill func(*Batch)) {
	t.Helper()
	b := s.NewBatch()
	fill(b)
	if err := s.Commit(b, true); err != nil {
		t.Fatal(err)
	}
	if !b.Empty() {
		t.Error("a committed batch is not empty")
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

func setRow(b *Batch, dim uint16, hash uint64, key, value string) {
	b.SetRow(dim, hash, []byte(key), []byte(value))
}

func TestRows(t *testing.T) {
	s := openMem(t, vfs.NewMem(), Options{})
	commit(t, s, func(b *Batch) {
		setRow(b, 1, 7, "ann", "one")
		setRow(b, 1, 7, "bob", "two")
		setRow(b, 1, 8, "", "no key")
		setRow(b, 2, 7, "ann", "other dimension")
		setRow(b, 1, 9, "gone", "x")
		b.DeleteRow(1, 9, []byte("gone"))
	})
	get := func(dim uint16, hash uint64, key string, want []byte) {
		t.Helper()
		got, err := s.GetRow(dim, hash, []byte(key), make([]byte, 0, 16))
		if err != nil || !bytes.Equal(got, want) || (got == nil) != (want == nil) {
			t.Errorf("GetRow(%d, %d, %q) = %q, %v, want %q", dim, hash, key, got, err, want)
		}
	}
	get(1, 7, "ann", []byte("one"))
	get(1, 8, "", []byte("no key"))
	get(2, 7, "ann", []byte("other dimension"))
	get(1, 9, "gone", nil)
	get(1, 7, "an", nil)

	var found []string
	if err := s.SeekRows(1, 7, func(row []byte) error { found = append(found, string(row)); return nil }); err != nil {
		t.Fatal(err)
	}
	if strings.Join(found, " ") != "one two" {
		t.Errorf("SeekRows found %q", found)
	}
	found = nil
	if err := s.ScanRows(1, 2, func(hash uint64, key, value []byte) error {
		found = append(found, string(key)+"="+string(value))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if strings.Join(found, " ") != "ann=on bob=tw =no" {
		t.Errorf("ScanRows found %q", found)
	}
	found = nil
	if err := s.ScanHashes(1, 8, 9, -1, func(_ uint64, _, value []byte) error {
		found = append(found, string(value))
		return nil
	}); err != nil || strings.Join(found, " ") != "no key" {
		t.Errorf("ScanHashes found %q, %v", found, err)
	}
	if dims, err := s.Dimensions(); err != nil || len(dims) != 2 || dims[0] != 1 || dims[1] != 2 {
		t.Errorf("Dimensions() = %v, %v", dims, err)
	}
	commit(t, s, func(b *Batch) { b.DeleteDimension(1) })
	get(1, 7, "ann", nil)
	get(2, 7, "ann", []byte("other dimension"))
}

func TestChunks(t *testing.T) {
	s := openMem(t, vfs.NewMem(), Options{})
	ann, long := []byte("ann"), []byte("ann\x00\x00\x00\x00\x00\x00\x00\x02") // looks like chunk 2 of ann
	commit(t, s, func(b *Batch) {
		b.SetChunk(1, 7, ann, 2, []byte("second"))
		b.SetChunk(1, 7, ann, 1, []byte("first"))
		b.SetChunk(1, 7, ann, 3, []byte("third"))
		b.SetChunk(1, 7, long, 1, []byte("of another key"))
		b.DeleteChunk(1, 7, ann, 3)
	})
	var found []string
	list := func(key []byte) string {
		found = nil
		if err := s.ScanChunks(1, 7, key, func(_ uint64, v []byte) error {
			found = append(found, string(v))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return strings.Join(found, ",")
	}
	if got := list(ann); got != "first,second" {
		t.Errorf("chunks are %s", got)
	}
	if v, err := s.GetChunk(1, 7, ann, 2, nil); err != nil || string(v) != "second" {
		t.Errorf("GetChunk = %q, %v", v, err)
	}
	commit(t, s, func(b *Batch) { b.DeleteChunks(1, 7, ann) })
	if got := list(ann); got != "" {
		t.Errorf("chunks after deletion are %s", got)
	}
	if got := list(long); got != "of another key" {
		t.Errorf("the other key's chunks are %s", got)
	}
}

func TestReopen(t *testing.T) {
	fs := vfs.NewMem()
	s, err := Open(testDir, Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	seed := s.Seed()
	if seed == 0 {
		t.Error("the seed is 0")
	}
	if _, ok, err := s.Checkpoint(); ok || err != nil {
		t.Errorf("a new state has a checkpoint (%v)", err)
	}
	want := Checkpoint{
		Partitions: []Partition{{Stream: "log", Next: 12, Read: 15, Newest: NoTime}},
		Watermark:  NoTime, Newest: 5, Events: 12, Rules: "f00",
		Frontier: &Frontier{Time: 4, Stream: "log", Offset: 11},
	}
	commit(t, s, func(b *Batch) {
		b.SetCheckpoint(want)
		b.SetNote("layout", []byte("notes"))
		b.SetSource("events.jsonl", []byte("at 7"))
		b.SetRules("f00", []byte("rules: {}"))
		b.Enqueue("a1", "opened", []byte("{}"))
		b.Reject(Rejected{Position: event.Position{Stream: "log", Offset: 3, Kind: event.LogPosition}, Reason: event.NotJSON, Raw: []byte("x")})
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = openMem(t, fs, Options{})
	if s.Seed() != seed {
		t.Error("the seed changed")
	}
	got, ok, err := s.Checkpoint()
	if err != nil || !ok || !reflect.DeepEqual(got.Partitions, want.Partitions) || *got.Frontier != *want.Frontier ||
		got.Watermark != NoTime || got.Events != 12 || got.Rules != "f00" {
		t.Errorf("Checkpoint() = %+v, %v, %v", got, ok, err)
	}
	for what, get := range map[string]func() ([]byte, error){
		"notes":     func() ([]byte, error) { return s.Note("layout") },
		"at 7":      func() ([]byte, error) { return s.Source("events.jsonl") },
		"rules: {}": func() ([]byte, error) { return s.Rules("f00") },
	} {
		if v, err := get(); err != nil || string(v) != what {
			t.Errorf("read %q, %v, want %q", v, err, what)
		}
	}
	if v, err := s.Note("no such"); v != nil || err != nil {
		t.Errorf("a note that is not there is %q, %v", v, err)
	}
	commit(t, s, func(b *Batch) { b.Enqueue("a2", "opened", nil) })
	var seqs []uint64
	if err := s.Outbox(0, func(m Message) (bool, error) {
		seqs = append(seqs, m.Sequence)
		return true, nil
	}); err != nil || len(seqs) != 2 || seqs[0] != 1 || seqs[1] != 2 {
		t.Errorf("messages are numbered %v, %v", seqs, err)
	}
	if c := s.RejectedCounts(); c.Total != 1 || c.Kept != 1 || c.ByReason["not-json"] != 1 {
		t.Errorf("RejectedCounts() = %+v", c)
	}
}

func TestOpenRefuses(t *testing.T) {
	fs := vfs.NewMem()
	if _, err := Open(testDir, Options{FS: fs, ReadOnly: true}); !errors.Is(err, ErrNone) {
		t.Errorf("opening nothing read-only: %v", err)
	}
	openMem(t, fs, Options{})
	_, err := Open(testDir, Options{FS: fs})
	if !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), "by process ") {
		t.Errorf("opening twice: %v", err)
	}
	for format, want := range map[byte]error{1: ErrOlder, 9: ErrNewer} {
		fs := vfs.NewMem()
		s, err := Open(testDir, Options{FS: fs})
		if err != nil {
			t.Fatal(err)
		}
		commit(t, s, func(b *Batch) { b.setMeta(kindMeta, metaFormat, []byte{format, 0, 0, 0}) })
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(testDir, Options{FS: fs}); !errors.Is(err, want) || errors.Is(err, ErrFatal) {
			t.Errorf("opening format %d: %v", format, err)
		}
	}
}

func TestReadOnly(t *testing.T) {
	fs := vfs.NewMem()
	s, err := Open(testDir, Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	commit(t, s, func(b *Batch) { setRow(b, 1, 2, "k", "v") })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	r := openMem(t, fs, Options{ReadOnly: true})
	if v, err := r.GetRow(1, 2, []byte("k"), nil); err != nil || string(v) != "v" {
		t.Errorf("GetRow = %q, %v", v, err)
	}
	b := r.NewBatch()
	defer b.Close()
	setRow(b, 1, 2, "k", "w")
	if err := r.Commit(b, false); !errors.Is(err, ErrReadOnly) {
		t.Errorf("Commit = %v", err)
	}
}

func TestGetRowDoesNotAllocate(t *testing.T) {
	s := openMem(t, vfs.NewMem(), Options{})
	commit(t, s, func(b *Batch) { setRow(b, 1, 2, "key", "value") })
	buf, key := make([]byte, 0, 64), []byte("key")
	least := math.Inf(1)
	for range 5 { // the least: what Pebble's own goroutines allocate meanwhile counts, too
		n := testing.AllocsPerRun(100, func() {
			if v, err := s.GetRow(1, 2, key, buf); err != nil || string(v) != "value" {
				t.Fatal(err)
			}
		})
		least = min(least, n)
	}
	if least > 0 {
		t.Errorf("GetRow allocates %v times", least)
	}
}

func TestLargeKeysAndValues(t *testing.T) {
	fs := vfs.NewMem()
	key, value := bytes.Repeat([]byte("k"), 1<<20), bytes.Repeat([]byte("v"), 40<<20) // larger than half a memtable
	s, err := Open(testDir, Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	commit(t, s, func(b *Batch) { setRow(b, 1, 2, string(key), string(value)) })
	commit(t, s, func(b *Batch) { setRow(b, 1, 3, "small", "x") })
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openMem(t, fs, Options{})
	if v, err := s.GetRow(1, 2, key, nil); err != nil || !bytes.Equal(v, value) {
		t.Errorf("read %d bytes, %v", len(v), err)
	}
	if v, err := s.GetRow(1, 3, []byte("small"), nil); err != nil || string(v) != "x" {
		t.Errorf("read %q, %v", v, err)
	}
}

func TestBackup(t *testing.T) {
	fs := vfs.NewMem()
	s := openMem(t, fs, Options{})
	commit(t, s, func(b *Batch) { setRow(b, 1, 2, "k", "before") })
	if err := s.Backup("backup"); err != nil {
		t.Fatal(err)
	}
	commit(t, s, func(b *Batch) { setRow(b, 1, 2, "k", "after") })
	if err := s.Backup("backup"); err == nil {
		t.Error("a backup was overwritten")
	}
	r, err := Open("backup", Options{FS: fs, ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if v, err := r.GetRow(1, 2, []byte("k"), nil); err != nil || string(v) != "before" || r.Seed() != s.Seed() {
		t.Errorf("the backup has %q, %v", v, err)
	}
}

func TestStats(t *testing.T) {
	s := openMem(t, vfs.NewMem(), Options{})
	commit(t, s, func(b *Batch) {
		for i := range 1000 {
			setRow(b, 1, uint64(i), "key", strings.Repeat("x", 100))
		}
		b.Reject(Rejected{Raw: []byte("bad")})
	})
	if st := s.Stats(); st.MemTableBytes == 0 || st.DiskBytes == 0 || st.LogBytes < 100_000 {
		t.Errorf("Stats() = %+v", st)
	}
	if err := s.db.Flush(); err != nil {
		t.Fatal(err)
	}
	usage, err := s.Usage()
	if err != nil || usage[0].Kind != "rows" || usage[0].Bytes < 50_000 || usage[0].Keys < 900 || usage[0].Keys > 1100 {
		t.Errorf("Usage() = %+v, %v", usage, err)
	}
}
