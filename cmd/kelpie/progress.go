package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// progress keeps one line on a terminal up to date: how far the work is and how fast. On anything but a terminal, or if
// the results go to that terminal, it writes nothing.
type progress struct {
	w            io.Writer // nil: nothing is written
	total        int64     // bytes to be read; 0: unknown
	start, shown time.Time
	wrote        bool
}

const progressEvery = 200 * time.Millisecond

// newProgress returns a progress line for work whose results go to out.
func newProgress(out, errOut io.Writer, total int64) *progress {
	p := &progress{total: total, start: time.Now()}
	if isTerminal(errOut) && !isTerminal(out) {
		p.w = errOut
	}
	return p
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// at says how many bytes and events have been read.
func (p *progress) at(bytes, events int64) {
	if p.w == nil {
		return
	}
	now := time.Now()
	if now.Sub(p.shown) < progressEvery {
		return
	}
	p.shown = now
	seconds := now.Sub(p.start).Seconds()
	line := fmt.Sprintf("%s events, %s/s", thousands(events), thousands(int64(float64(events)/max(seconds, 0.001))))
	if p.total > 0 && bytes > 0 {
		share := min(1, float64(bytes)/float64(p.total))
		left := time.Duration(seconds * (1 - share) / share * float64(time.Second)).Round(time.Second)
		line = fmt.Sprintf("%3.0f %%, %s, %s left", share*100, line, left)
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s", line)
	p.wrote = true
}

// done removes the line.
func (p *progress) done() {
	if p.wrote {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}
