package journal

import (
	"errors"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// writer is the one goroutine that writes. Its fields are its own, but for log.
type writer struct {
	log *Log
	wg  sync.WaitGroup

	file     vfs.File // the newest segment's; nil: the next group begins a new one
	seg      *segment
	appended int64 // append time of the last record, ms
	marked   bool  // the segment ends with a mark
	mark     encoded
}

func (w *writer) start() { w.wg.Go(w.run) }

// stop waits until the queue is empty and what was written is marked as complete.
func (w *writer) stop() error {
	w.log.mu.Lock()
	w.log.queue.wake()
	w.log.mu.Unlock()
	w.wg.Wait()
	return w.closeFile()
}

func (w *writer) closeFile() error {
	if w.file == nil {
		return nil
	}
	f := w.file
	w.file = nil
	return f.Close()
}

// run writes groups until the log is closed and the queue is empty.
func (w *writer) run() {
	for range w.log.queue.work {
		w.log.mu.Lock()
		group := w.log.queue.take()
		over := w.log.closed && len(w.log.queue.entries) == 0
		w.log.mu.Unlock()
		if len(group) > 0 {
			w.group(group)
		}
		if over {
			w.finish()
			return
		}
	}
}

// group makes a group durable and tells those who wait for it.
func (w *writer) group(group []*entry) {
	for _, e := range group {
		if e.small != nil {
			x := encodeds.Get().(*encoded)
			e.small.build(x)
			e.blocks = append(e.blocks, x)
		}
	}
	if err := w.write(group); err != nil {
		w.failed(group, err)
		return
	}
	w.succeeded(group)
}

// write writes and syncs the blocks of a group.
func (w *writer) write(group []*entry) error {
	now := max(w.log.opts.Now().UnixMilli(), w.appended)
	if err := w.place(now); err != nil {
		return err
	}
	pos, next := w.seg.end, w.seg.next
	for _, e := range group {
		for _, x := range e.blocks {
			h := &x.header
			h.salt, h.pos, h.first, h.group, h.appended = w.seg.header.salt, pos, next, w.seg.end, now
			pos, next = pos+h.size(), h.next()
			if err := w.put(x); err != nil {
				return err
			}
		}
	}
	if err := w.file.SyncData(); err != nil {
		return writeError("sync segment "+w.seg.name, err)
	}
	w.appended = now
	return nil
}

func (w *writer) put(x *encoded) error {
	x.header.encode(x.buf)
	if _, err := w.file.WriteAt(x.buf, x.header.pos); err != nil {
		return writeError("write segment "+w.seg.name, err)
	}
	return nil
}

// failed ends a group that could not be made durable. A full disk passes, anything else ends appending.
func (w *writer) failed(group []*entry, err error) {
	if w.file != nil {
		w.abandon()
		if closeErr := w.closeFile(); closeErr != nil {
			w.log.opts.Log.Warn("journal: close segment", "error", closeErr)
		}
	}
	w.log.mu.Lock()
	defer w.log.mu.Unlock()
	full := errors.Is(err, ErrDiskFull)
	if full != w.log.stats.DiskFull || !full {
		w.log.opts.Log.Error("journal: append failed", "error", err)
	}
	w.log.stats.DiskFull = full
	if !full {
		w.log.failed = err
	}
	for _, e := range group {
		e.fail(err)
	}
	w.log.queue.drop(func(e *entry) error {
		if w.log.failed == nil && e.order != nil {
			return e.order.failed
		}
		return w.log.failed
	})
}

// succeeded publishes a group that is durable.
func (w *writer) succeeded(group []*entry) {
	l := w.log
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stats.DiskFull {
		l.stats.DiskFull = false
		l.opts.Log.Info("journal: there is room on the disk again")
	}
	l.stats.Groups++
	for _, e := range group {
		first := e.blocks[0].header.first
		for _, x := range e.blocks {
			l.publish(w.seg, x)
		}
		for _, p := range e.pending {
			p.finish(Appended{First: first + p.skip, Time: w.appended}, nil)
		}
		e.release()
	}
	w.marked = false
	l.notify()
}

// publish makes a durable block readable. The caller holds mu.
func (l *Log) publish(g *segment, x *encoded) {
	g.add(x.header)
	for _, r := range x.runs {
		if r.source > 0 {
			s := x.sources[r.source-1]
			l.progress[s.Name] = Progress{s.Ident, r.resume}
		}
	}
	l.stats.Records += int64(x.header.count)
	l.stats.Payload += int64(x.header.raw)
	l.stats.Written += x.header.size()
}
