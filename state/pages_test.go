package state

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"
)

// pagedRows is a cache of rows beside what should be in it.
type pagedRows struct {
	*rapid.T
	store *Store
	mem   *Memory
	rows  *Rows
	want  map[string][]byte // rows as they are
}

func openPaged(t *rapid.T) *pagedRows {
	s, err := Open("state", Options{FS: vfs.NewMem(), Seed: 1, Cache: 1 << 20, MemTable: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	r := &pagedRows{T: t, store: s, want: map[string][]byte{}}
	r.begin(0)
	return r
}

// begin forgets what is in memory.
func (r *pagedRows) begin(cold int64) {
	r.mem = new(Memory)
	r.rows = NewRows(1, r.mem, r.store, cold)
}

// pagedHash lets two of the keys share a hash.
func pagedHash(key string) uint64 { return uint64(len(key)) }

func (r *pagedRows) get(key string) Row {
	row, err := r.rows.GetOrNew(1<<32-1, pagedHash(key), []byte(key), 80)
	if err != nil {
		r.Fatal(err)
	}
	r.rows.MarkDirty(&row)
	return row
}

// change makes one change in a row.
func (r *pagedRows) change(key string) {
	row := r.get(key)
	unit := rapid.Uint16Range(1, 3).Draw(r.T, "unit")
	b := row.Block(unit)
	switch what := rapid.SampledFrom([]string{"grow", "write", "write", "write", "shift", "shrink", "remove"}).Draw(r.T, "what"); {
	case what == "grow" || len(b) == 0:
		b = row.Ensure(unit, rapid.SampledFrom([]int{8, 1000, pagedFrom*PageSize - 8, pagedFrom * PageSize, pagedFrom*PageSize + 1000, 20 * PageSize}).Draw(r.T, "size"))
		fallthrough
	case what == "write":
		at := rapid.IntRange(0, len(b)-1).Draw(r.T, "at")
		for i := range min(len(b)-at, rapid.SampledFrom([]int{1, 100, 3 * PageSize}).Draw(r.T, "bytes")) {
			b[at+i] = byte(at/7 + i*i)
		}
	case what == "shift":
		copy(b, b[min(len(b), rapid.IntRange(1, 5).Draw(r.T, "pages")*PageSize):])
	case what == "shrink":
		row.Shrink(unit, rapid.IntRange(0, len(b)).Draw(r.T, "to"))
	default:
		row.Remove(unit)
	}
	r.want[key] = bytes.Clone(row.Bytes())
}

func (r *pagedRows) commit() {
	b := r.store.NewBatch()
	epoch, _ := r.rows.Flush(b)
	if err := r.store.Commit(b, false); err != nil {
		r.Fatal(err)
	}
	r.rows.Committed(epoch)
}

// check compares all rows, and wants no page to be left over.
func (r *pagedRows) check() {
	stored := 0
	for key, want := range r.want {
		got, err := r.store.GetRow(1, pagedHash(key), []byte(key), []byte("before"))
		if err != nil || !bytes.Equal(got, append([]byte("before"), want...)) {
			r.Fatalf("row %s of %d bytes is stored as one of %d, %v", key, len(want), len(got), err)
		}
		row := Row{b: want}
		for i := range row.Blocks() {
			if n := len(row.BlockAt(i)); n >= pagedFrom*PageSize {
				for k := range pageCount(n, PageSize) {
					if !isZero(pageOf(row.BlockAt(i), k, PageSize)) {
						stored++
					}
				}
			}
		}
	}
	err := r.store.ScanRows(1, -1, func(_ uint64, key, value []byte) error {
		if !bytes.Equal(value, r.want[string(key)]) {
			return fmt.Errorf("row %s is another one in a scan", key)
		}
		return nil
	})
	if err != nil {
		r.Fatal(err)
	}
	chunks := 0
	if err := r.store.scan([]byte{kindChunk}, nil, func(_, _ []byte) (bool, error) { chunks++; return true, nil }); err != nil {
		r.Fatal(err)
	}
	if chunks != stored {
		r.Fatalf("%d pages are stored, of rows that have %d", chunks, stored)
	}
}

// TestPages holds rows with large blocks to be what they are in memory, however they change, leave memory and come back;
// no page is left behind.
func TestPages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := openPaged(t)
		defer r.store.Close()
		for range rapid.IntRange(1, 25).Draw(t, "steps") {
			key := rapid.SampledFrom([]string{"a", "b", "cc"}).Draw(t, "key")
			switch rapid.SampledFrom([]string{"change", "change", "change", "delete", "commit", "evict", "restart"}).Draw(t, "step") {
			case "change":
				r.change(key)
			case "delete":
				if row := r.get(key); row.Valid() {
					r.rows.Delete(&row)
					delete(r.want, key)
				}
			case "commit":
				r.commit()
				r.check()
			case "evict":
				r.commit()
				r.rows.Evict(1 << 40)
				r.rows.Evict(1 << 40)
			case "restart":
				r.commit()
				r.begin(int64(len(r.want)))
			}
		}
		r.commit()
		r.check()
	})
}

// TestPagesWritten holds a commit to the pages that have changed, also where a block has moved by whole pages.
func TestPagesWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := openPaged(t)
		defer r.store.Close()
		row := r.get("a")
		const size = 60 * PageSize
		b := row.Ensure(1, size)
		for i := range b {
			b[i] = byte(i ^ i>>8 ^ i>>16*7)
		}
		r.commit()
		write := func(what string, most int) {
			r.rows.MarkDirty(&row)
			batch := r.store.NewBatch()
			r.rows.Flush(batch)
			if n := batch.Size(); n > most {
				t.Fatalf("%s: %d bytes are written, of a block of %d", what, n, size)
			}
			if err := r.store.Commit(batch, false); err != nil {
				t.Fatal(err)
			}
		}
		b[rapid.IntRange(0, size-1).Draw(t, "at")]++
		write("one byte", 2*PageSize)
		n := rapid.IntRange(1, 50).Draw(t, "pages") * PageSize
		copy(b[8:], b[8+n:])
		clear(b[size-n:])
		write("moved", 4*PageSize)
		r.want["a"] = bytes.Clone(row.Bytes())
		r.check()
	})
}

// TestDamagedPages reads rows whose pages, or what says which they are, have been damaged: an error, never a panic.
func TestDamagedPages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := openPaged(t)
		defer r.store.Close()
		row := r.get("a")
		row.Ensure(1, 40)
		row.Ensure(2, pagedFrom*PageSize+100)[7] = 1
		r.commit()
		k := append(appendHashed(nil, kindRow, 1, 1), 'a')
		v, err := r.store.get(k, nil)
		if err != nil {
			t.Fatal(err)
		}
		thin, _ := appendUnsealed(nil, v)
		switch rapid.SampledFrom([]string{"page", "cut", "byte"}).Draw(t, "damage") {
		case "page":
			b := r.store.NewBatch()
			b.DeleteChunks(1, 1, []byte("a"))
			if err := r.store.Commit(b, false); err != nil {
				t.Fatal(err)
			}
		case "cut":
			thin = thin[:rapid.IntRange(rowHeader+1, len(thin)-1).Draw(t, "to")]
		case "byte":
			thin[rapid.IntRange(0, len(thin)-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		}
		b := r.store.NewBatch()
		b.SetRow(1, 1, []byte("a"), thin)
		if err := r.store.Commit(b, false); err != nil {
			t.Fatal(err)
		}
		got, err := r.store.GetRow(1, 1, []byte("a"), nil)
		if err != nil && !errors.Is(err, ErrFatal) {
			t.Fatal(err)
		}
		if err == nil && !validRow(got, []byte("a")) {
			r.begin(1)
			if _, _, err := r.rows.Get(1, []byte("a")); err == nil {
				t.Fatal("a damaged row is taken for one")
			}
		}
	})
}
