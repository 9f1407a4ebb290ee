package state

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

const benchRow = 200 // bytes

// benchKeys returns n keys with their hashes, ordered by hash as commits are.
func benchKeys(n int) (keys [][]byte, hashes []uint64) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range n {
		hashes = append(hashes, rng.Uint64())
	}
	slices.Sort(hashes)
	for i := range n {
		keys = append(keys, fmt.Appendf(nil, "customer-%07d", i))
	}
	return keys, hashes
}

func benchStore(b *testing.B, keys [][]byte, hashes []uint64) *Store {
	row := slices.Repeat([]byte("8 bytes."), benchRow/8)
	s, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	commit(b, s, func(batch *Batch) {
		for i, k := range keys {
			batch.SetRow(1, hashes[i], k, row)
		}
	})
	return s
}

// BenchmarkCommit sets rows, 10,000 a commit, on disk and not synced.
func BenchmarkCommit(b *testing.B) {
	const group = 10_000
	keys, hashes := benchKeys(group)
	s := benchStore(b, nil, nil)
	row := slices.Repeat([]byte("8 bytes."), benchRow/8)
	batch := s.NewBatch()
	defer batch.Close()
	b.ReportAllocs()
	b.SetBytes(benchRow)
	for i := 0; b.Loop(); i++ {
		batch.SetRow(1, hashes[i%group], keys[i%group], row)
		if i%group == group-1 {
			if err := s.Commit(batch, false); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkGetRow reads rows at random from files that the block cache holds.
func BenchmarkGetRow(b *testing.B) {
	keys, hashes := benchKeys(200_000)
	s := benchStore(b, keys, hashes)
	if err := s.db.Flush(); err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		i := rng.IntN(len(keys))
		var err error
		if buf, err = s.GetRow(1, hashes[i], keys[i], buf[:0]); err != nil || len(buf) != benchRow {
			b.Fatal(len(buf), err)
		}
	}
}

// BenchmarkScanRows reads the heads of all rows, as a start does; an operation is one row.
func BenchmarkScanRows(b *testing.B) {
	keys, hashes := benchKeys(200_000)
	s := benchStore(b, keys, hashes)
	if err := s.db.Flush(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; {
		if err := s.ScanRows(1, RowHeaderSize, func(uint64, []byte, []byte) error { n++; return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFlush gathers 20,000 of 200,000 rows, as a commit does; an operation is one row.
func BenchmarkFlush(b *testing.B) {
	const all, group = 200_000, 20_000
	keys, hashes := benchKeys(all)
	s := benchStore(b, nil, nil)
	rows := NewRows(1, &Memory{}, s, 0)
	rng := rand.New(rand.NewPCG(3, 4))
	for _, i := range rng.Perm(all) {
		r, err := rows.GetOrNew(0, hashes[i], keys[i], 80)
		if err != nil {
			b.Fatal(err)
		}
		for at, block := 0, r.Ensure(1, benchRow); at < benchRow; at += 8 {
			le.PutUint64(block[at:], rng.Uint64()>>(8*rng.IntN(9)))
		}
	}
	order := rng.Perm(all)
	batch := s.NewBatch()
	defer batch.Close()
	b.ReportAllocs()
	b.ResetTimer()
	for n := 0; n < b.N; n += group {
		b.StopTimer()
		for range group {
			r, _, _ := rows.Get(hashes[order[0]], keys[order[0]])
			rows.MarkDirty(&r)
			order = append(order[1:], order[0])
		}
		b.StartTimer()
		epoch, _ := rows.Flush(batch)
		rows.Committed(epoch)
		batch.Reset()
	}
}
