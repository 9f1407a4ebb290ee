package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// loadBlocks finds out where the blocks of a sealed segment are, the first time by reading their headers.
func (l *Log) loadBlocks(g *segment, end, next int64) ([]blockHeader, []*DamageError, error) {
	g.load.Lock()
	defer g.load.Unlock()
	if g.loaded {
		return g.blocks, g.damage, nil
	}
	file, err := l.fs.Open(l.path(g.name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("journal: read segment %s: %w", g.name, ErrRemoved)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("journal: open segment: %w", err)
	}
	defer file.Close()
	w := walker{file: file, limit: end, salt: g.header.salt, pos: segmentHeaderSize, next: g.header.first}
	blocks, damage, err := w.all(g.name, next)
	if err != nil {
		return nil, nil, fmt.Errorf("journal: read segment %s: %w", g.name, err)
	}
	g.blocks, g.damage, g.loaded = blocks, damage, true
	return blocks, damage, nil
}

// all reads the headers of a segment whose records end before offset next.
func (w *walker) all(name string, next int64) (blocks []blockHeader, damage []*DamageError, err error) {
	for {
		h, err := w.header()
		switch {
		case err == nil:
			if h.count > 0 {
				blocks = append(blocks, h)
			}
			w.skip(&h)
			continue
		case errors.Is(err, io.EOF):
			if w.next != next {
				damage = append(damage, &DamageError{Segment: name, Position: w.pos, First: w.next, Next: next, Reason: "the segment ends too early"})
			}
			return blocks, damage, nil
		case !isBad(err):
			return nil, nil, err
		}
		d, err := w.damage(name, err)
		if err != nil {
			return nil, nil, err
		}
		if d.Next < 0 {
			d.Next, w.next = next, next
		}
		damage = append(damage, d)
	}
}
