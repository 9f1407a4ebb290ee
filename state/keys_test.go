package state

import (
	"bytes"
	"cmp"
	"testing"

	"pgregory.net/rapid"
)

// rowID is what a row's or chunk's key says.
type rowID struct {
	dim   uint16
	hash  uint64
	key   []byte
	chunk uint64
}

func rowIDs() *rapid.Generator[rowID] {
	// Few values, and keys that begin with each other or look like what follows a key: these come close to each other.
	return rapid.Custom(func(t *rapid.T) rowID {
		return rowID{
			dim:   rapid.SampledFrom([]uint16{0, 1, 255, 256, 65535}).Draw(t, "dim"),
			hash:  rapid.OneOf(rapid.Uint64(), rapid.SampledFrom([]uint64{0, 1, 1<<64 - 1})).Draw(t, "hash"),
			key:   rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 255}), 0, 12).Draw(t, "key"),
			chunk: rapid.SampledFrom([]uint64{0, 1, 256, 1<<64 - 1}).Draw(t, "chunk"),
		}
	})
}

func compareRows(a, b rowID) int {
	return cmp.Or(cmp.Compare(a.dim, b.dim), cmp.Compare(a.hash, b.hash))
}

func TestRowKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rowIDs().Draw(t, "a"), rowIDs().Draw(t, "b")
		ka, kb := make([]byte, rowKeyPrefix+len(a.key)), make([]byte, rowKeyPrefix+len(b.key))
		putRowKey(ka, a.dim, a.hash, a.key)
		putRowKey(kb, b.dim, b.hash, b.key)
		want := cmp.Or(compareRows(a, b), bytes.Compare(a.key, b.key))
		if got := bytes.Compare(ka, kb); got != want {
			t.Errorf("keys of %v and %v compare as %d, want %d", a, b, got, want)
		}
		dim, hash, key, ok := parseRowKey(ka)
		if !ok || dim != a.dim || hash != a.hash || !bytes.Equal(key, a.key) {
			t.Errorf("%v reads back as %d, %d, %v, %v", a, dim, hash, key, ok)
		}
	})
}

func TestChunkKeys(t *testing.T) {
	chunkKey := func(r rowID) []byte {
		return be.AppendUint64(appendChunks(nil, r.dim, r.hash, r.key), r.chunk)
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := rowIDs().Draw(t, "a"), rowIDs().Draw(t, "b")
		ka, kb := chunkKey(a), chunkKey(b)
		want := cmp.Or(compareRows(a, b), cmp.Compare(len(a.key), len(b.key)), bytes.Compare(a.key, b.key), cmp.Compare(a.chunk, b.chunk))
		if got := bytes.Compare(ka, kb); got != want {
			t.Errorf("keys of %v and %v compare as %d, want %d", a, b, got, want)
		}
		dim, hash, key, chunk, ok := parseChunkKey(ka)
		if !ok || dim != a.dim || hash != a.hash || !bytes.Equal(key, a.key) || chunk != a.chunk {
			t.Errorf("%v reads back as %d, %d, %v, %d, %v", a, dim, hash, key, chunk, ok)
		}
		// All chunks of a row, and no other row's, lie between the prefix and what comes after it.
		prefix := appendChunks(nil, b.dim, b.hash, b.key)
		end := after(bytes.Clone(prefix))
		inside := bytes.Compare(ka, prefix) >= 0 && (end == nil || bytes.Compare(ka, end) < 0)
		if same := compareRows(a, b) == 0 && bytes.Equal(a.key, b.key); inside != same {
			t.Errorf("a chunk of %v among those of %v: %v", a, b, inside)
		}
	})
}

func TestTimedKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		times := rapid.OneOf(rapid.Int64(), rapid.Int64Range(-2, 2))
		a, b := times.Draw(t, "a"), times.Draw(t, "b")
		if got := bytes.Compare(appendTimed(nil, kindAlert, a, ""), appendTimed(nil, kindAlert, b, "")); got != cmp.Compare(a, b) {
			t.Errorf("keys of times %d and %d compare as %d", a, b, got)
		}
		ms, id, ok := parseTimed(appendTimed(nil, kindAlert, a, "id"))
		if !ok || ms != a || id != "id" {
			t.Errorf("%d reads back as %d, %q, %v", a, ms, id, ok)
		}
	})
}

func TestAfter(t *testing.T) {
	f := func(prefix, want []byte) {
		t.Helper()
		if got := after(bytes.Clone(prefix)); !bytes.Equal(got, want) || (got == nil) != (want == nil) {
			t.Errorf("after(%v) = %v, want %v", prefix, got, want)
		}
	}
	f([]byte{1, 2}, []byte{1, 3})
	f([]byte{1, 255}, []byte{2})
	f([]byte{255, 255}, nil)
}
