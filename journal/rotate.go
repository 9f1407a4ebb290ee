package journal

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/folder"
)

// adopt goes on with a segment that was there when the log was opened, after making sure that it is durable. A cut one
// takes no further block.
func (w *writer) adopt(g *segment, cut bool) error {
	file, err := w.log.fs.OpenReadWrite(w.log.path(g.name), vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("journal: open segment: %w", err)
	}
	w.file, w.seg, w.appended = file, g, max(g.appended, g.header.prev.appended)
	w.marked = len(g.blocks) == 0 || g.blocks[len(g.blocks)-1].pos+g.blocks[len(g.blocks)-1].size() < g.end
	if cut {
		w.log.opts.Log.Warn("journal: cut what a crash left of records that were never acknowledged",
			"segment", g.name, "at", g.end, "bytes", w.log.stats.Cut)
		w.abandon()
	}
	if err := file.SyncData(); err != nil {
		return fmt.Errorf("journal: sync segment %s: %w", g.name, err)
	}
	if cut {
		return w.closeFile()
	}
	return nil
}

// abandon gives the room behind the last acknowledged block back, where the file system can. The segment takes no
// further block: its end will stand in the header of the next one, so nothing depends on the outcome.
func (w *writer) abandon() {
	t, ok := w.file.(interface{ Truncate(size int64) error })
	if !ok {
		return
	}
	if err := t.Truncate(w.seg.end); err != nil {
		w.log.opts.Log.Warn("journal: cut segment", "segment", w.seg.name, "at", w.seg.end, "error", err)
	}
}

// place makes sure that there is a segment with room.
func (w *writer) place(now int64) error {
	o := &w.log.opts
	if w.file != nil {
		old := o.MaxAge > 0 && now-w.seg.header.created > o.MaxAge.Milliseconds()/8
		if w.seg.records() == 0 || w.seg.end < o.SegmentSize && !old {
			return nil
		}
	}
	return w.begin(now)
}

// begin begins a new segment. It is complete and durable before it gets its name, so that a segment with a name is never
// torn at its head.
func (w *writer) begin(now int64) error {
	g := &segment{times: noTimes(), loaded: true, appended: w.appended}
	g.header = segmentHeader{created: now, prev: previous{first: -1, times: noTimes()}}
	var salt [8]byte
	_, _ = rand.Read(salt[:]) // never fails
	g.header.salt = binary.LittleEndian.Uint64(salt[:])
	w.log.mu.Lock()
	before := w.log.newest()
	if before != nil {
		g.header.first, g.header.prev = before.next, before.previous()
		if before.records() == 0 { // it is replaced
			g.header.prev = before.header.prev
		}
	}
	buildMark(&w.mark, w.log.progress)
	w.log.mu.Unlock()
	g.name = segmentName(g.header.first)
	g.next, g.end = g.header.first, segmentHeaderSize

	file, err := w.create(g)
	if err != nil {
		return writeError("begin segment "+g.name, err)
	}
	if err := w.closeFile(); err != nil {
		w.log.opts.Log.Warn("journal: close segment", "error", err)
	}
	w.file, w.seg, w.marked = file, g, true
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	g.add(w.mark.header)
	if before != nil && before.records() == 0 {
		w.log.segments[len(w.log.segments)-1] = g
	} else {
		w.log.segments = append(w.log.segments, g)
	}
	return nil
}

// create makes the file of g with header and mark.
func (w *writer) create(g *segment) (vfs.File, error) {
	fsys, name := w.log.fs, w.log.path(g.name)
	draft := name + draftSuffix
	if err := fsys.Remove(draft); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	file, err := fsys.OpenReadWrite(draft, vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, err
	}
	h := &w.mark.header
	h.salt, h.pos, h.first, h.group, h.appended = g.header.salt, segmentHeaderSize, g.header.first, segmentHeaderSize, g.header.created
	h.encode(w.mark.buf)
	_, err = file.WriteAt(append(g.header.encode(), w.mark.buf...), 0)
	if err == nil {
		err = file.SyncData()
	}
	if err == nil {
		err = fsys.Rename(draft, name)
	}
	if err == nil {
		err = folder.Sync(fsys, w.log.dir)
	}
	if err == nil {
		return file, nil
	}
	err = errors.Join(err, file.Close())
	if removeErr := fsys.Remove(draft); removeErr != nil && !errors.Is(removeErr, fs.ErrNotExist) {
		w.log.opts.Log.Debug("journal: remove draft", "error", removeErr)
	}
	return nil, err
}

// finish marks a segment as complete when the log is closed: from then on every one of its bytes is known to have been
// durable. Without the mark (the disk may be full) the log is no less complete, only less sure of it.
func (w *writer) finish() {
	if w.file == nil || w.marked {
		return
	}
	w.log.mu.Lock()
	buildMark(&w.mark, w.log.progress)
	w.log.mu.Unlock()
	h := &w.mark.header
	h.salt, h.pos, h.first, h.group, h.appended = w.seg.header.salt, w.seg.end, w.seg.next, w.seg.end, w.appended
	err := w.put(&w.mark)
	if err == nil {
		err = w.file.SyncData()
	}
	if err != nil {
		w.log.opts.Log.Warn("journal: mark the end of segment", "segment", w.seg.name, "error", err)
		w.abandon()
	}
}
