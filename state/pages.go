package state

import (
	"bytes"

	"github.com/cockroachdb/pebble/v2"
	"github.com/zeebo/xxh3"
)

// A block that is large is not stored with its row, but in pages, which are rows of their own: chunks of the row, by a
// number that is never used twice for the same row while it has pages. A commit writes the pages that have changed. Of a
// block whose bytes have moved by whole pages none has, but at the edges.
//
// The value of such a row is marked (pagedMark in its first word). Behind the key it has
//
//	page u32 | next u32 | the blocks that it holds | for each block in pages, in order, a number u32 for each page
//
// page is the size of a page; blocks of fewer than pagedFrom pages stand in the row. next is the first number that has not been used. The last page of a block may be shorter. A page of zeros has the number
// zeroPage and is not stored. In memory the row is whole.
const (
	PageSize   = 16 << 10 // unless Options say otherwise
	pagedFrom  = 4
	pagedMark  = 1 << 31
	pagesHead  = 8
	pageNumber = 4
)

// pages is what is stored of the large blocks of a row.
type pages struct {
	size   int // of a page
	next   uint32
	blocks []pagedBlock
}

type pagedBlock struct {
	unit uint16
	list []page
}

// page is the number of a page, and what its bytes are recognised by.
type page struct {
	number uint32
	sum    xxh3.Uint128
}

// pageCount returns how many pages of a size a block of n bytes has.
func pageCount(n, size int) int { return (n + size - 1) / size }

// pageOf returns page i of a block.
func pageOf(block []byte, i, size int) []byte {
	return block[i*size : min((i+1)*size, len(block))]
}

// hasLarge reports whether a row's bytes have a block that is stored in pages of a size.
func hasLarge(row []byte, size int) bool {
	if len(row) < pagedFrom*size || len(row) < rowHeader {
		return false
	}
	r := Row{b: row}
	for i := range r.Blocks() {
		if off, end := r.place(i); end-off >= pagedFrom*size {
			return true
		}
	}
	return false
}

// HasChunks reports whether a row with these bytes is stored with chunks.
func (s *Store) HasChunks(row []byte) bool {
	return len(row) >= rowHeader && hasLarge(row, s.pageSizeFor(rowKey(row)))
}

// pageSizeFor returns the size of the pages of a key's row: so large that the key, which each page has, is small beside it.
func (s *Store) pageSizeFor(key []byte) int {
	size := s.pageSize
	for size < 8*len(key) && size < 1<<24 {
		size *= 2
	}
	return size
}

// sumPage recognises the bytes of a page. The store's seed is in it, so that nobody outside can make two pages that
// are taken for one.
func sumPage(b []byte, seed uint64) xxh3.Uint128 { return xxh3.Hash128Seed(b, seed) }

// find returns the pages of the unit's block, none if it has none.
func (p *pages) find(unit uint16) []page {
	if p != nil {
		for i := range p.blocks {
			if p.blocks[i].unit == unit {
				return p.blocks[i].list
			}
		}
	}
	return nil
}

// pageWriter turns a row into its stored form.
type pageWriter struct {
	batch *Batch
	dim   uint16
	hash  uint64
	key   []byte
	was   *pages
	now   *pages
}

// setRow is SetRow of a row of which p is what is stored of its large blocks, nil if there are none, or if that is not
// known. It returns what is stored then, nil if it has none.
func (b *Batch) setRow(dim uint16, hash uint64, key, row []byte, p *pages) *pages {
	size := b.store.pageSizeFor(key)
	if p == nil && !hasLarge(row, size) {
		b.SetRow(dim, hash, key, row)
		return nil
	}
	if p == nil {
		b.DeleteChunks(dim, hash, key) // of a row before it
		p = &pages{}
	}
	w := pageWriter{batch: b, dim: dim, hash: hash, key: key, was: p, now: &pages{size: size, next: p.next}}
	b.SetRow(dim, hash, key, w.cut(row))
	for i := range p.blocks {
		if w.now.find(p.blocks[i].unit) == nil {
			w.drop(p.blocks[i].list)
		}
	}
	if len(w.now.blocks) == 0 {
		return nil
	}
	return w.now
}

// cut writes the pages that are not stored yet, and returns the row without its large blocks.
func (w *pageWriter) cut(row []byte) []byte {
	r := Row{b: row}
	start := r.start()
	thin := append(append(w.batch.thin[:0], row[:start]...), make([]byte, pagesHead)...)
	for i := range r.Blocks() {
		block := r.BlockAt(i)
		if len(block) < pagedFrom*w.now.size {
			thin = append(thin, block...)
			continue
		}
		w.now.blocks = append(w.now.blocks, pagedBlock{r.Unit(i), w.write(w.was.find(r.Unit(i)), block)})
	}
	if len(w.now.blocks) == 0 {
		thin = append(thin[:start], row[start:]...)
	} else {
		le.PutUint32(thin, le.Uint32(thin)|pagedMark)
		le.PutUint32(thin[start:], uint32(w.now.size))
		le.PutUint32(thin[start+4:], w.now.next)
		for i := range w.now.blocks {
			for _, p := range w.now.blocks[i].list {
				thin = le.AppendUint32(thin, p.number)
			}
		}
	}
	w.batch.thin = thin
	return thin
}

// manyPages is from how many changed pages of a block on it is looked up whether they have only moved.
const manyPages = 8

// write stores the pages of a block that are not among the old ones, and deletes those of these that it has no more.
func (w *pageWriter) write(old []page, block []byte) []page {
	size := w.now.size
	list := make([]page, pageCount(len(block), size))
	changed := 0
	for i := range list {
		list[i].sum = sumPage(pageOf(block, i, size), w.batch.store.seed)
		if isZero(pageOf(block, i, size)) {
			list[i].number = zeroPage
			continue
		}
		if i < len(old) && old[i].sum == list[i].sum {
			list[i].number = old[i].number
		} else {
			list[i].number = noPage
			changed++
		}
	}
	var left []page // those that are not where they were
	for i, p := range old {
		if p.number != zeroPage && (i >= len(list) || list[i].number != p.number) {
			left = append(left, p)
		}
	}
	if changed >= manyPages {
		left = moved(list, left)
	}
	w.drop(left)
	for i := range list {
		if list[i].number == noPage {
			list[i].number = w.now.next
			w.now.next++
			w.batch.packed = appendSealed(w.batch.packed[:0], pageOf(block, i, size))
			w.batch.SetChunk(w.dim, w.hash, w.key, uint64(list[i].number), w.batch.packed)
		}
	}
	return list
}

// Numbers that no stored page has.
const (
	noPage   = 1<<32 - 1 // not stored yet
	zeroPage = 1<<32 - 2
)

// isZero reports whether a page holds zeros only.
func isZero(page []byte) bool { return page[0] == 0 && bytes.Equal(page[1:], page[:len(page)-1]) }

// moved gives pages that have no number those of left with the same bytes, and returns what is left then.
func moved(list, left []page) (rest []page) {
	known := make(map[xxh3.Uint128]uint32, len(left))
	for _, p := range left {
		known[p.sum] = p.number
	}
	used := map[uint32]bool{}
	for i := range list {
		if list[i].number != noPage {
			continue
		}
		if n, ok := known[list[i].sum]; ok {
			list[i].number, used[n] = n, true
			delete(known, list[i].sum)
		}
	}
	for _, p := range left {
		if !used[p.number] {
			rest = append(rest, p)
		}
	}
	return rest
}

// drop deletes pages.
func (w *pageWriter) drop(list []page) {
	for _, p := range list {
		if p.number == zeroPage {
			continue
		}
		w.batch.DeleteChunk(w.dim, w.hash, w.key, uint64(p.number))
	}
}

// isPaged reports whether an unpacked value is that of a row without its large blocks.
func isPaged(value []byte) bool { return len(value) > rowHeader && le.Uint32(value)&pagedMark != 0 }

// whole puts the large blocks back into a row that was stored without them.
func (s *Store) whole(from pebble.Reader, dim uint16, hash uint64, key, thin []byte) ([]byte, error) {
	bad := func() ([]byte, error) {
		return nil, damaged("row", append(appendHashed(nil, kindRow, dim, hash), key...))
	}
	row, numbers, size, ok := placeBlocks(thin)
	if !ok {
		return bad()
	}
	r := Row{b: row}
	prefix := appendChunks(nil, dim, hash, key)
	for i := range r.Blocks() {
		block := r.BlockAt(i)
		if len(block) < pagedFrom*size {
			continue
		}
		for k := range pageCount(len(block), size) {
			n := le.Uint32(numbers)
			numbers = numbers[pageNumber:]
			if n == zeroPage {
				continue
			}
			v, closer, err := from.Get(be.AppendUint64(prefix, uint64(n)))
			if err == pebble.ErrNotFound {
				return bad()
			}
			if err != nil {
				return nil, fatal("read", err)
			}
			content, ok := appendUnsealed(nil, v)
			if err := closer.Close(); err != nil {
				return nil, fatal("read", err)
			}
			if !ok || copy(pageOf(block, k, size), content) != len(pageOf(block, k, size)) {
				return bad()
			}
		}
	}
	return row, nil
}

// placeBlocks makes a row of the thin one's size with the blocks that this holds, and returns the numbers of the pages
// of the others, and the size of these pages. ok is false if the bytes cannot be such a row.
func placeBlocks(thin []byte) (row, numbers []byte, size int, ok bool) {
	used := int(le.Uint32(thin) &^ pagedMark)
	r := Row{b: thin}
	if len(thin) < rowHeader+directorySize(r.Blocks()) || r.start()+pagesHead > len(thin) {
		return nil, nil, 0, false
	}
	start := r.start()
	if size = int(le.Uint32(thin[start:])); size == 0 {
		return nil, nil, 0, false
	}
	held, wanted, end := 0, 0, 0
	for i := range r.Blocks() {
		next := r.end(i)
		if next < end {
			return nil, nil, 0, false
		}
		if n := next - end; n >= pagedFrom*size {
			wanted += pageCount(n, size)
		} else {
			held += n
		}
		end = next
	}
	if used != start+end || len(thin) != start+pagesHead+held+wanted*pageNumber {
		return nil, nil, 0, false
	}
	row = make([]byte, used)
	copy(row, thin[:start])
	le.PutUint32(row, uint32(used))
	rest := thin[start+pagesHead:]
	full := Row{b: row}
	for i := range full.Blocks() {
		if block := full.BlockAt(i); len(block) < pagedFrom*size {
			rest = rest[copy(block, rest):]
		}
	}
	return row, rest, size, true
}

// rowPages returns what is stored of the large blocks of a row, of which the bytes are given; nil if it is stored whole,
// or with pages of another size than the store's.
func (s *Store) rowPages(dim uint16, hash uint64, key, row []byte) (*pages, error) {
	if !hasLarge(row, s.pageSizeFor(key)) {
		return nil, nil
	}
	v, err := s.get(append(appendHashed(nil, kindRow, dim, hash), key...), nil)
	if err != nil {
		return nil, err
	}
	thin, ok := appendUnsealed(nil, v)
	if !ok || !isPaged(thin) {
		return nil, nil
	}
	_, numbers, size, ok := placeBlocks(thin)
	if !ok || size != s.pageSizeFor(key) {
		return nil, nil
	}
	r := Row{b: row}
	p := &pages{size: size, next: le.Uint32(thin[r.start()+4:])}
	for i := range r.Blocks() {
		block := r.BlockAt(i)
		if len(block) < pagedFrom*size {
			continue
		}
		list := make([]page, pageCount(len(block), size))
		for k := range list {
			list[k] = page{le.Uint32(numbers), sumPage(pageOf(block, k, size), s.seed)}
			numbers = numbers[pageNumber:]
		}
		p.blocks = append(p.blocks, pagedBlock{r.Unit(i), list})
	}
	return p, nil
}
