package state

import (
	"bytes"

	"github.com/cockroachdb/pebble/v2"
)

// Batches keep their buffers between commits up to this size.
const (
	batchInitial  = 1 << 20
	batchRetained = 48 << 20
)

// Batch gathers changes until they are committed together. It is not safe for concurrent use; several goroutines
// each fill one of their own and one of them merges. After a commit it is empty and can be filled again.
type Batch struct {
	store    *Store
	b        *pebble.Batch
	key      []byte
	packed   []byte     // a row, or a page
	thin     []byte     // a row without its large blocks
	outbox   []Message  // numbered by Commit
	rejected []Rejected // numbered by Commit
	silences bool       // some are among the changes
	made     bool       // KeepMade has been called
	err      error      // the first mistake in filling it; Commit returns it
}

// NewBatch returns an empty batch. Close it when it is not needed any more.
func (s *Store) NewBatch() *Batch {
	return &Batch{store: s, b: s.db.NewBatch(
		pebble.WithInitialSizeBytes(batchInitial), pebble.WithMaxRetainedSizeBytes(batchRetained))}
}

// SetRow sets the row of (dim, hash, key), which is the caller's again when SetRow returns.
func (b *Batch) SetRow(dim uint16, hash uint64, key, row []byte) {
	b.packed = appendSealed(b.packed[:0], row)
	op := b.b.SetDeferred(rowKeyPrefix+len(key), len(b.packed))
	putRowKey(op.Key, dim, hash, key)
	copy(op.Value, b.packed)
	b.note(op.Finish())
}

// DeleteRow deletes the row of (dim, hash, key).
func (b *Batch) DeleteRow(dim uint16, hash uint64, key []byte) {
	op := b.b.DeleteDeferred(rowKeyPrefix + len(key))
	putRowKey(op.Key, dim, hash, key)
	b.note(op.Finish())
}

// SetChunk sets a chunk of the row of (dim, hash, key).
func (b *Batch) SetChunk(dim uint16, hash uint64, key []byte, chunk uint64, value []byte) {
	b.key = be.AppendUint64(appendChunks(b.key[:0], dim, hash, key), chunk)
	b.note(b.b.Set(b.key, value, nil))
}

// DeleteChunk deletes one chunk of the row of (dim, hash, key).
func (b *Batch) DeleteChunk(dim uint16, hash uint64, key []byte, chunk uint64) {
	b.key = be.AppendUint64(appendChunks(b.key[:0], dim, hash, key), chunk)
	b.note(b.b.Delete(b.key, nil))
}

// DeleteChunks deletes all chunks of the row of (dim, hash, key).
func (b *Batch) DeleteChunks(dim uint16, hash uint64, key []byte) {
	start := appendChunks(nil, dim, hash, key)
	b.note(b.b.DeleteRange(start, after(bytes.Clone(start)), nil))
}

// DeleteDimension deletes all rows and chunks of a key dimension that no rule uses any more.
func (b *Batch) DeleteDimension(dim uint16) {
	for _, kind := range []byte{kindRow, kindChunk} {
		start := be.AppendUint16([]byte{kind}, dim)
		b.note(b.b.DeleteRange(start, after(bytes.Clone(start)), nil))
	}
}

// SetNote sets a small value of the engine's own, such as the layout of its rows.
func (b *Batch) SetNote(name string, value []byte) { b.setMeta(kindNote, name, value) }

// DeleteNote deletes a value of the engine's own.
func (b *Batch) DeleteNote(name string) { b.deleteNamed(kindNote, name) }

// SetSource notes where a source stands, in the source's own words.
func (b *Batch) SetSource(name string, at []byte) { b.setMeta(kindSource, name, at) }

// SetRules keeps the text of a rule version under its fingerprint.
func (b *Batch) SetRules(fingerprint string, text []byte) { b.setMeta(kindRules, fingerprint, text) }

func (b *Batch) setMeta(kind byte, name string, value []byte) {
	b.key = appendNamed(b.key[:0], kind, name)
	b.note(b.b.Set(b.key, value, nil))
}

func (b *Batch) deleteNamed(kind byte, name string) {
	b.key = appendNamed(b.key[:0], kind, name)
	b.note(b.b.Delete(b.key, nil))
}

// Merge adds all that is in other, which stays as it is.
func (b *Batch) Merge(other *Batch) {
	if !other.b.Empty() {
		b.note(b.b.Apply(other.b, nil))
	}
	b.outbox = append(b.outbox, other.outbox...)
	b.rejected = append(b.rejected, other.rejected...)
	b.silences = b.silences || other.silences
	b.made = b.made || other.made
	b.note(other.err)
}

// Size returns how many bytes have been gathered.
func (b *Batch) Size() int { return b.b.Len() }

// Empty reports whether there is nothing to commit.
func (b *Batch) Empty() bool {
	return b.b.Empty() && len(b.outbox) == 0 && len(b.rejected) == 0 && b.err == nil
}

// Reset throws away what has been gathered and keeps the buffers.
func (b *Batch) Reset() {
	b.b.Reset()
	clear(b.outbox)
	clear(b.rejected)
	b.outbox, b.rejected, b.silences, b.made, b.err = b.outbox[:0], b.rejected[:0], false, false, nil
}

// Close gives the buffers back. The batch must not be used afterwards.
func (b *Batch) Close() error { return fatal("close batch", b.b.Close()) }

func (b *Batch) note(err error) {
	if b.err == nil && err != nil {
		b.err = fatal("fill batch", err)
	}
}
