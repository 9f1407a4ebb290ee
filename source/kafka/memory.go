package kafka

import "sync"

// memory is what answers are read into and unpacked to. It is used again and again, and is known in its size.
type memory struct {
	limit int // bytes of pages from which on nobody may wait in one that others share

	mu      sync.Mutex
	pinned  int // bytes of pages in use
	spare   int // bytes of pages and arenas that are kept
	pages   []*page
	batches []*Batch
}

// page is the memory of one answer. It is used again when no Batch holds it.
type page struct {
	b    []byte
	held int // Batches, and the goroutine that fills it
}

const (
	spareBatches = 64
	leastSpare   = 8 << 20 // bytes that may be kept in any case
)

// keepLocked reports whether memory that is not in use any more is kept, and counts it then: at most half of what may be in
// use.
func (m *memory) keepLocked(bytes int) bool {
	if m.spare+bytes > max(m.limit/2, leastSpare) {
		return false
	}
	m.spare += bytes
	return true
}

// page returns a page to read an answer into; drop it when the answer was decoded.
func (m *memory) page() *page {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := &page{}
	if n := len(m.pages); n > 0 {
		p, m.pages = m.pages[n-1], m.pages[:n-1]
		m.spare -= cap(p.b)
	}
	p.held = 1
	m.pinned += cap(p.b)
	return p
}

// filled says what was read into a page.
func (m *memory) filled(p *page, b []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.pinned += cap(b) - cap(p.b)
	p.b = b
}

// drop gives up one hold on a page.
func (m *memory) drop(p *page) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dropLocked(p)
}

func (m *memory) dropLocked(p *page) {
	if p.held--; p.held > 0 {
		return
	}
	m.pinned -= cap(p.b)
	if m.keepLocked(cap(p.b)) {
		m.pages = append(m.pages, p)
	}
}

// share lets a Batch hold a page; nil if its memory is its own.
func (m *memory) share(b *Batch, p *page) {
	if p == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	p.held++
	b.page = p
}

// crowded reports whether pages hold so much that a Batch needs memory of its own.
func (m *memory) crowded() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.pinned > m.limit
}

// batch returns an empty Batch.
func (m *memory) batch() *Batch {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := len(m.batches); n > 0 {
		b := m.batches[n-1]
		m.batches = m.batches[:n-1]
		m.spare -= cap(b.arena)
		return b
	}
	return &Batch{}
}

// recycle takes back a Batch and its memory.
func (m *memory) recycle(b *Batch) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if b.page != nil {
		m.dropLocked(b.page)
	}
	kept := Batch{Lines: b.Lines[:0], fields: b.fields[:0], arena: b.arena}
	full := len(m.batches) == spareBatches
	if !full && !m.keepLocked(cap(kept.arena)) {
		kept.arena = nil
	}
	if *b = kept; !full {
		m.batches = append(m.batches, b)
	}
}
