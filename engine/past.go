package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"

	"kelpie/journal"
	"kelpie/source"
)

// rereader reads records of streams once more: those of the runs that our log notes. It is for one goroutine, but for
// problems, which any may ask for.
type rereader struct {
	inputs []Input

	mu   sync.Mutex
	open map[string]source.Records // by input
}

func newRereader(inputs []Input) *rereader {
	return &rereader{inputs: inputs, open: map[string]source.Records{}}
}

// read reads the records of a run that an input had read. lost says which of them are not to be had, and why.
func (r *rereader) read(ctx context.Context, x *stretch, input string) (lost string, err error) {
	records, err := r.of(input)
	if err != nil {
		return "", fmt.Errorf("engine: log@%d: records of %s are needed again: %w", x.logged, x.run.Partition, err)
	}
	b, lost, err := records.Read(ctx, x.run)
	if err != nil {
		return "", fmt.Errorf("engine: log@%d: read %s again: %w", x.logged, x.run.Partition, err)
	}
	x.buf, x.lines, x.stamps, x.beside = b.Buf, b.Lines, b.Stamps, b.Beside
	return lost, nil
}

// of returns what reads the records of an input again.
func (r *rereader) of(input string) (source.Records, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if x := r.open[input]; x != nil {
		return x, nil
	}
	i := slices.IndexFunc(r.inputs, func(in Input) bool { return in.Name == input && in.Stream != nil })
	if i < 0 {
		return nil, fmt.Errorf("the source %q, which had read them, is not configured any more: configure it until they are folded, or delete the state and the log", input)
	}
	x, err := r.inputs[i].Records()
	if err != nil {
		return nil, err
	}
	r.open[input] = x
	return x, nil
}

// close ends the reading; what is read later is opened anew.
func (r *rereader) close() (err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, x := range r.open {
		err = errors.Join(err, x.Close())
		delete(r.open, name)
	}
	return err
}

// problems says what holds the reading up at the moment.
func (r *rereader) problems() (all []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(r.open)) {
		for _, what := range r.open[name].Problems() {
			all = append(all, fmt.Sprintf("input %s, read again: %s", name, what))
		}
	}
	return all
}

// past reads the log in the order in which it was folded: stretch by stretch, the records of streams where they were read.
type past struct {
	reader *journal.Reader
	to     int64 // ends before it
	block  journal.Block
	runs   []journal.Run
	lines  []journal.Line
	noted  stretch // RecordsRead, of which runs are left
	again  *rereader
	has    func(r *source.Run, logged int64) bool // records that need not be read again; nil: none
	lost   string                                 // of the newest stretch: which of its records are not to be had
}

// newPast reads from an offset up to, and without, another one.
func newPast(l *journal.Log, from, to int64, again *rereader) *past {
	return &past{reader: l.NewReader(from), to: to, again: again}
}

// next returns the next stretch, which is valid until the next call; io.EOF at the end.
func (p *past) next(ctx context.Context) (*stretch, error) {
	p.lost = ""
	for {
		if len(p.noted.lines) > 0 {
			return p.run(ctx)
		}
		if len(p.runs) > 0 {
			x := p.stretch()
			if len(x.lines) == 0 {
				return nil, io.EOF
			}
			if x.kind == journal.RecordsRead {
				p.noted = *x
				continue
			}
			return x, nil
		}
		if p.reader.Offset() >= p.to {
			return nil, io.EOF
		}
		if err := p.reader.Next(ctx, &p.block); err != nil {
			return nil, err
		}
		p.runs, p.lines = p.block.Runs, p.block.Lines
	}
}

// stretch takes the next run of the block.
func (p *past) stretch() *stretch {
	run := p.runs[0]
	x := &stretch{kind: run.Kind, origin: run.Source, input: replayed, appended: p.block.Appended, buf: p.block.Buf, lines: p.lines[:run.Count]}
	p.runs, p.lines = p.runs[1:], p.lines[run.Count:]
	if n := len(x.lines); n > 0 && x.lines[n-1].Offset >= p.to {
		x.lines = x.lines[:max(0, p.to-x.lines[0].Offset)]
		p.runs = nil
	}
	return x
}

// run returns the records of the next run that is noted.
func (p *past) run(ctx context.Context) (*stretch, error) {
	x := &stretch{kind: journal.RecordsRead, input: replayed, appended: p.noted.appended, logged: p.noted.lines[0].Offset}
	payload := p.noted.payload(0)
	p.noted.lines = p.noted.lines[1:]
	var r source.RunNote
	if err := json.Unmarshal(payload, &r); err != nil {
		return nil, fmt.Errorf("engine: log@%d: %w", x.logged, err)
	}
	x.run, x.of, p.lost = &r.Run, r.Input, ""
	if r.Records == 0 || p.has != nil && p.has(&r.Run, x.logged) {
		return x, nil
	}
	var err error
	p.lost, err = p.again.read(ctx, x, r.Input)
	return x, err
}

func (p *past) close() error { return errors.Join(p.reader.Close(), p.again.close()) }
