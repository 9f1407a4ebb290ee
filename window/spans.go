package window

// Spans is a view of a block of time spans in ascending order, each with a mask and the accumulators of the facts that
// share it: the panes of a grid, or the sessions of one gap. The block is
//
//	n u32 | 0 u32 | n × (start i64 | last i64 | mask u64 | accumulators)
//
// For a pane, last is its end; for a session, the time of its newest event.
type Spans struct {
	Block []byte
	Width int // of one span, in bytes
}

// SpanHeader is the width of a span without accumulators.
const SpanHeader = 24

// SpansSize returns the size of a block for n spans.
func SpansSize(n, width int) int { return 8 + n*width }

// N returns the number of spans.
func (s *Spans) N() int {
	if len(s.Block) == 0 {
		return 0
	}
	return int(le.Uint32(s.Block))
}

// Room returns how many spans the block has room for.
func (s *Spans) Room() int {
	if len(s.Block) == 0 {
		return 0
	}
	return (len(s.Block) - 8) / s.Width
}

// At returns the bytes of span i.
func (s *Spans) At(i int) []byte {
	p := 8 + i*s.Width
	return s.Block[p : p+s.Width : p+s.Width]
}

// Start and Last return the times of span i, Mask its mask.
func (s *Spans) Start(i int) int64 { return int64(le.Uint64(s.Block[8+i*s.Width:])) }
func (s *Spans) Last(i int) int64  { return int64(le.Uint64(s.Block[16+i*s.Width:])) }
func (s *Spans) Mask(i int) uint64 { return le.Uint64(s.Block[24+i*s.Width:]) }

// Set writes the times of span i; SetMask its mask.
func (s *Spans) Set(i int, start, last int64) {
	le.PutUint64(s.Block[8+i*s.Width:], uint64(start))
	le.PutUint64(s.Block[16+i*s.Width:], uint64(last))
}
func (s *Spans) SetMask(i int, m uint64) { le.PutUint64(s.Block[24+i*s.Width:], m) }

// Find returns the number of spans that start before t.
func (s *Spans) Find(t int64) int {
	lo, hi := 0, s.N()
	if hi == 0 || s.Start(hi-1) < t { // mostly it is about the newest
		return hi
	}
	if hi--; hi == 0 || s.Start(hi-1) < t {
		return hi
	}
	for lo < hi {
		if m := (lo + hi) / 2; s.Start(m) < t {
			lo = m + 1
		} else {
			hi = m
		}
	}
	return lo
}

// Insert makes an empty span at index i; the caller has made room.
func (s *Spans) Insert(i int, start, last int64) {
	n := s.N()
	p := 8 + i*s.Width
	copy(s.Block[p+s.Width:], s.Block[p:8+n*s.Width])
	clear(s.Block[p : p+s.Width])
	le.PutUint32(s.Block, uint32(n+1))
	s.Set(i, start, last)
}

// Delete removes the spans [i, j).
func (s *Spans) Delete(i, j int) {
	if i == j {
		return
	}
	n := s.N()
	copy(s.Block[8+i*s.Width:], s.Block[8+j*s.Width:8+n*s.Width])
	le.PutUint32(s.Block, uint32(n-(j-i)))
}
