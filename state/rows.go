package state

import (
	"bytes"
	"fmt"
	"slices"
	"unsafe"

	"github.com/zeebo/xxh3"
)

// Backing is where rows live that are not in memory.
type Backing interface {
	// GetRow appends the stored row of (dim, hash, key) to dst; nil, nil if there is none.
	GetRow(dim uint16, hash uint64, key, dst []byte) ([]byte, error)
	// SeekRows calls f with every stored row of (dim, hash).
	SeekRows(dim uint16, hash uint64, f func(row []byte) error) error
}

// pager is a Backing that knows in which pages a row stands.
type pager interface {
	rowPages(dim uint16, hash uint64, key, row []byte) (*pages, error)
}

// RowWriter takes the changed rows of a commit.
type RowWriter interface {
	// DeleteRow deletes a row.
	DeleteRow(dim uint16, hash uint64, key []byte)
	// DeleteChunks deletes the pages of a row.
	DeleteChunks(dim uint16, hash uint64, key []byte)
	// setRow sets the bytes of a row, which it does not keep; p is what is stored of its large blocks; it returns what is stored then.
	setRow(dim uint16, hash uint64, key, row []byte, p *pages) *pages
}

// Rows is the cache of one key dimension's rows in one shard: a write-back cache over a Backing, or, without one, the
// whole state. It is not safe for concurrent use.
//
// A row is dirty from MarkDirty until Flush writes it to a batch, and stays in memory until Committed says that
// the batch has been applied, so that a look-up never misses what is on its way. A change that is made again after a
// crash (MarkLater) makes no row dirty: it is written with the next one that does, before the row leaves memory, or when
// too many wait.
type Rows struct {
	Dim       uint16
	back      Backing
	tab       []tabEntry // open addressing with linear probing
	meta      []rowMeta
	free      []uint32
	n         int   // rows in memory
	Cold      int64 // rows that are in the backing only
	mem       *slabs
	dirty     []uint32
	later     queue // ids of rows that MarkLater was told of, the oldest first
	deleted   []deletedRow
	gone      map[uint64]int    // hash -> how many of deleted have it
	absent    absent            // what Fetch has not found
	epoch     uint32            // of the commit that is being gathered
	committed uint32            // the newest epoch whose batch has been applied
	hand      uint32            // of the eviction clock
	paged     map[uint32]*pages // what is stored of the large blocks of rows in memory, by id
	buf       []byte
	order     []dirtyRow // that a Flush writes
	unsorted  []dirtyRow
	buckets   []uint32
	touched   byte
}

type tabEntry struct {
	tag uint32 // low half of the hash
	id  uint32 // 1 + index into meta; 0 is empty
}

type rowMeta struct {
	hash  uint64
	loc   uint32
	epoch uint32 // of the last change; 0: as loaded
	check uint16 // of the key, RowCheck
	used  bool   // since the clock's hand came by
	live  bool
	later bool // see MarkLater
}

type deletedRow struct {
	hash  uint64
	key   []byte
	epoch uint32
	paged bool
}

// Memory is shared by the Rows of one shard.
type Memory struct{ slabs slabs }

// Bytes returns how many bytes of rows are in memory.
func (m *Memory) Bytes() int64 { return m.slabs.bytes }

// NewRows returns an empty cache. cold is how many rows the backing holds.
func NewRows(dim uint16, m *Memory, back Backing, cold int64) *Rows {
	return &Rows{Dim: dim, back: back, tab: make([]tabEntry, 64), mem: &m.slabs, epoch: 1, Cold: cold, gone: map[uint64]int{}, paged: map[uint32]*pages{}}
}

// Len returns how many rows are in memory.
func (s *Rows) Len() int { return s.n }

// Overhead returns the bytes that the index of the rows takes.
func (s *Rows) Overhead() int64 { return int64(len(s.tab))*8 + int64(cap(s.meta))*24 }

func (s *Rows) handle(id uint32) Row { return Row{rows: s, id: id, b: s.mem.at(s.meta[id].loc)} }

// Find returns the ID of a row that may be the one of a hash; none: math.MaxUint32. It touches nothing but the index, so
// that the cache misses of several look-ups overlap.
func (s *Rows) Find(hash uint64) uint32 {
	mask := len(s.tab) - 1
	for i := int(hash>>16) & mask; ; i = (i + 1) & mask {
		if e := s.tab[i]; e.id == 0 || e.tag == uint32(hash) {
			return e.id - 1
		}
	}
}

// Approach reads where a row stands, so that this is in the cache when Touch asks for it.
func (s *Rows) Approach(id uint32) byte {
	if int(id) >= len(s.meta) {
		return 0
	}
	return byte(s.meta[id].loc)
}

// Touch reads from a row here and there, so that its bytes come into the cache, of a long one the first 512. There is no
// branch in it that waits for memory, so that the misses of several rows overlap.
func (s *Rows) Touch(id uint32) byte {
	if int(id) >= len(s.meta) || !s.meta[id].live {
		return 0
	}
	b := s.mem.at(s.meta[id].loc)
	n := min(len(b), 512)
	return b[0] + b[n/8] + b[n/8*2] + b[n/8*3] + b[n/8*4] + b[n/8*5] + b[n/8*6] + b[n/8*7]
}

func (s *Rows) lookup(hash uint64, key []byte) (uint32, bool) {
	mask := len(s.tab) - 1
	for i := int(hash>>16) & mask; ; i = (i + 1) & mask {
		e := s.tab[i]
		if e.id == 0 {
			return 0, false
		}
		if e.tag == uint32(hash) {
			m := &s.meta[e.id-1]
			if m.hash == hash && bytes.Equal(rowKey(s.mem.at(m.loc)), key) {
				return e.id - 1, true
			}
		}
	}
}

// Get returns the row of key, from memory or the backing.
func (s *Rows) Get(hash uint64, key []byte) (Row, bool, error) {
	if id, ok := s.lookup(hash, key); ok {
		s.meta[id].used = true
		return s.handle(id), true, nil
	}
	if !s.Reads() || s.isDeleted(hash, key) || s.absent.has(hash, key) {
		return Row{}, false, nil
	}
	s.buf = slices.Grow(s.buf[:0], rowKeyPrefix+len(key)) // a new key leaves nothing in it
	b, err := s.back.GetRow(s.Dim, hash, key, s.buf)
	if err != nil || b == nil {
		return Row{}, false, err
	}
	s.buf = b
	r, err := s.load(hash, key, b)
	return r, err == nil, err
}

// GetOrNew is Get that makes an empty row where there is none, with room for so many bytes of blocks. id is what Find has found, or any other.
func (s *Rows) GetOrNew(id uint32, hash uint64, key []byte, room int) (Row, error) {
	if int(id) < len(s.meta) {
		if m := &s.meta[id]; m.live && m.hash == hash {
			if b := s.mem.at(m.loc); bytes.Equal(rowKey(b), key) {
				m.used = true
				return Row{rows: s, id: id, b: b}, nil
			}
		}
	}
	r, ok, err := s.Get(hash, key)
	if ok || err != nil {
		return r, err
	}
	id = s.add(hash, key, rowHeader+pad8(len(key))+room)
	newRow(s.mem.at(s.meta[id].loc), key)
	return s.handle(id), nil
}

// Fit gives the row a smaller slot if it has become much smaller than the one it has.
func (s *Rows) Fit(r *Row) {
	used := rowUsed(r.b)
	if size := used + used/8; classOf(size) < classOf(len(r.b)) {
		r.b = s.grow(r.id, size)
	}
}

// At returns the row that had an id, as long as it is in memory, and the row of the key with this hash and check. While it
// stays in memory a row keeps its ID.
func (s *Rows) At(id uint32, hash uint64, check uint16) (Row, bool) {
	if int(id) >= len(s.meta) {
		return Row{}, false
	}
	m := &s.meta[id]
	if !m.live || m.hash != hash || m.check != check {
		return Row{}, false
	}
	return s.handle(id), true
}

// ByHash calls f with the row whose key has the hash and the check, loading it if it is not in memory; should several
// have the hash, with those too that are there.
func (s *Rows) ByHash(hash uint64, check uint16, f func(Row) error) error {
	if s.Cold > 0 && s.back != nil && !s.holds(hash, check) {
		err := s.back.SeekRows(s.Dim, hash, func(b []byte) error {
			if len(b) < rowHeader || rowUsed(b) != len(b) {
				return fmt.Errorf("state: row %d/%016x is damaged", s.Dim, hash)
			}
			key := rowKey(b)
			if _, ok := s.lookup(hash, key); ok || s.isDeleted(hash, key) {
				return nil
			}
			_, err := s.load(hash, key, b)
			return err
		})
		if err != nil {
			return err
		}
	}
	var few [4]uint32 // a hash that several keys share is next to impossible
	ids := few[:0]
	mask := len(s.tab) - 1
	for i := int(hash>>16) & mask; s.tab[i].id != 0; i = (i + 1) & mask {
		if e := s.tab[i]; e.tag == uint32(hash) && s.meta[e.id-1].hash == hash {
			ids = append(ids, e.id-1)
		}
	}
	for _, id := range ids {
		if err := f(s.handle(id)); err != nil {
			return err
		}
	}
	return nil
}

// holds reports whether a row with the hash and the check is in memory.
func (s *Rows) holds(hash uint64, check uint16) bool {
	mask := len(s.tab) - 1
	for i := int(hash>>16) & mask; s.tab[i].id != 0; i = (i + 1) & mask {
		if e := s.tab[i]; e.tag == uint32(hash) {
			if m := &s.meta[e.id-1]; m.hash == hash && m.check == check {
				return true
			}
		}
	}
	return false
}

// RowCheck returns the check of a key: with its hash it tells apart keys of one hash, as good as always.
func RowCheck(key []byte) uint16 { return uint16(xxh3.Hash(key)) }

func (s *Rows) load(hash uint64, key, b []byte) (Row, error) {
	if !validRow(b, key) {
		return Row{}, fmt.Errorf("state: row %d/%016x is damaged", s.Dim, hash)
	}
	id := s.add(hash, key, len(b))
	copy(s.mem.at(s.meta[id].loc), b)
	s.Cold--
	if st, ok := s.back.(pager); ok {
		p, err := st.rowPages(s.Dim, hash, key, b)
		if err != nil {
			return Row{}, err
		}
		if p != nil {
			s.paged[id] = p
		}
	}
	return s.handle(id), nil
}

// add makes a slot for a row of at least size bytes and enters it into the index.
func (s *Rows) add(hash uint64, key []byte, size int) uint32 {
	if (s.n+1)*2 > len(s.tab) {
		s.rehash(len(s.tab) * 2)
	}
	var id uint32
	if f := len(s.free); f > 0 {
		id = s.free[f-1]
		s.free = s.free[:f-1]
	} else {
		s.meta = append(s.meta, rowMeta{})
		id = uint32(len(s.meta) - 1)
	}
	s.meta[id] = rowMeta{hash: hash, loc: s.mem.alloc(size), check: RowCheck(key), used: true, live: true}
	s.enter(hash, id)
	s.n++
	return id
}

func (s *Rows) enter(hash uint64, id uint32) {
	mask := len(s.tab) - 1
	i := int(hash>>16) & mask
	for s.tab[i].id != 0 {
		i = (i + 1) & mask
	}
	s.tab[i] = tabEntry{tag: uint32(hash), id: id + 1}
}

func (s *Rows) rehash(n int) {
	s.tab = make([]tabEntry, n)
	adviseHuge(unsafe.Slice((*byte)(unsafe.Pointer(&s.tab[0])), n*int(unsafe.Sizeof(tabEntry{}))))
	for i := range s.meta {
		if s.meta[i].live {
			s.enter(s.meta[i].hash, uint32(i))
		}
	}
}

// leave takes the row out of memory.
func (s *Rows) leave(id uint32) {
	m := &s.meta[id]
	mask := len(s.tab) - 1
	i := int(m.hash>>16) & mask
	for s.tab[i].id != id+1 {
		i = (i + 1) & mask
	}
	for j := (i + 1) & mask; s.tab[j].id != 0; j = (j + 1) & mask { // backward shift
		home := int(s.meta[s.tab[j].id-1].hash>>16) & mask
		if (j-home)&mask >= (j-i)&mask {
			s.tab[i] = s.tab[j]
			i = j
		}
	}
	s.tab[i] = tabEntry{}
	s.mem.release(m.loc)
	delete(s.paged, id)
	*m = rowMeta{}
	s.free = append(s.free, id)
	s.n--
}

func (s *Rows) grow(id uint32, size int) []byte {
	m := &s.meta[id]
	old := s.mem.at(m.loc)
	loc := s.mem.alloc(size)
	b := s.mem.at(loc)
	copy(b, old[:rowUsed(old)])
	s.mem.release(m.loc)
	m.loc = loc
	return b
}

// MarkDirty notes that the row has changed, so that the next Flush writes it.
func (s *Rows) MarkDirty(r *Row) {
	s.markDirty(r.id)
}

func (s *Rows) markDirty(id uint32) {
	m := &s.meta[id]
	m.later = false
	if m.epoch != s.epoch {
		m.epoch = s.epoch
		s.dirty = append(s.dirty, id)
	}
}

// laterMost is how many rows wait with changes that are not written. After a crash all of them are read to make these
// changes again.
const laterMost = 1 << 16

// MarkLater notes that the row has changed, but only in what whoever reads the stored row finds out again and does again
// in the same way: nothing is lost if no Flush ever writes it.
func (s *Rows) MarkLater(r *Row) {
	m := &s.meta[r.id]
	if m.later || m.epoch == s.epoch || s.back == nil {
		return
	}
	m.later = true
	s.later.push(r.id)
	if s.later.len() > laterMost {
		if id := s.later.pop(); s.meta[id].later {
			s.markDirty(id)
		}
	}
}

// Delete removes the row.
func (s *Rows) Delete(r *Row) {
	if s.back != nil {
		s.deleted = append(s.deleted, deletedRow{r.Hash(), bytes.Clone(r.Key()), s.epoch, s.paged[r.id] != nil})
		s.gone[r.Hash()]++
	}
	s.leave(r.id)
}

// isDeleted reports whether the row was deleted by a batch that may not have been applied yet, or that is still
// being gathered.
func (s *Rows) isDeleted(hash uint64, key []byte) bool {
	if s.gone[hash] == 0 {
		return false
	}
	for i := range s.deleted {
		if d := &s.deleted[i]; d.hash == hash && bytes.Equal(d.key, key) {
			return true
		}
	}
	return false
}

// Flush writes what has changed to w, sorted by hash, and begins a new epoch. It returns the epoch that was written
// and how many rows were.
func (s *Rows) Flush(w RowWriter) (epoch uint32, rows int) {
	for i := range s.deleted {
		if d := &s.deleted[i]; d.epoch == s.epoch {
			w.DeleteRow(s.Dim, d.hash, d.key)
			if d.paged {
				w.DeleteChunks(s.Dim, d.hash, d.key)
			}
		}
	}
	s.sortDirty()
	for at := 0; at < len(s.order); at += flushGroup {
		group := s.order[at:min(at+flushGroup, len(s.order))]
		s.approach(group)
		for _, d := range group {
			b := s.mem.at(s.meta[d.id].loc)
			s.write(w, d, b[:rowUsed(b)])
		}
	}
	s.dirty = s.dirty[:0]
	s.epoch++
	return s.epoch - 1, len(s.order)
}

// write writes a row.
func (s *Rows) write(w RowWriter, d dirtyRow, b []byte) {
	p := s.paged[d.id]
	now := w.setRow(s.Dim, d.hash, rowKey(b), b, p)
	switch {
	case now != nil:
		s.paged[d.id] = now
	case p != nil:
		delete(s.paged, d.id)
	}
}

// Committed notes that the batch of an epoch has been applied.
func (s *Rows) Committed(epoch uint32) {
	s.committed = epoch
	keep := s.deleted[:0]
	for _, d := range s.deleted {
		if d.epoch > epoch {
			keep = append(keep, d)
		} else if s.gone[d.hash]--; s.gone[d.hash] == 0 {
			delete(s.gone, d.hash)
		}
	}
	s.deleted = keep
}

// Evict takes clean rows that were not used lately out of memory until at least n bytes are free or it went round
// twice. It returns how many rows left.
func (s *Rows) Evict(n int64) (evicted int) {
	if s.back == nil {
		return 0
	}
	s.absent.clear()
	target := s.mem.bytes - n
	for steps := 2 * len(s.meta); steps > 0 && s.mem.bytes > target; steps-- {
		if s.hand++; int(s.hand) >= len(s.meta) {
			s.hand = 0
		}
		m := &s.meta[s.hand]
		switch {
		case !m.live || m.epoch > s.committed:
		case m.used:
			m.used = false
		case m.later:
			s.markDirty(s.hand)
		default:
			s.leave(s.hand)
			s.Cold++
			evicted++
		}
	}
	return evicted
}

// All calls f with every row in memory, in no useful order.
func (s *Rows) All(f func(Row) bool) {
	for i := range s.meta {
		if s.meta[i].live && !f(s.handle(uint32(i))) {
			return
		}
	}
}
