package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"kelpie/engine"
	"kelpie/event"
	"kelpie/journal"
	"kelpie/source"
	"kelpie/traffic"
)

// recoveryGoal is within how many seconds a service must be ready to go on after a crash, before it replays.
const recoveryGoal = 2

// recoveryShare is the share of the events that come before the crash, behind the opening of the accounts.
const recoveryShare = 0.5

// recoveryStudy starts again after a crash: a process that ran the service on many keys killed itself in the middle of
// traffic. Measured is how long it takes to open log and state and to know what is due, and then to fold again what
// had been appended after the last commit.
func recoveryStudy(l *lab) ([]row, error) {
	in, err := load(l.dir, "crash", l.crashTraffic())
	if err != nil {
		return nil, err
	}
	wreck, err := l.folder("wreck")
	if err != nil {
		return nil, err
	}
	if err := crashIn(wreck, l); err != nil {
		return nil, err
	}
	c := &revival{l: l, wreck: wreck}
	start := &job{in: in, events: 1, before: c.copy, run: c.start}
	replay := &job{in: in, events: 1, run: c.replay, after: c.close}
	all, err := l.turns(l.Runs, start, replay)
	if err != nil {
		return nil, err
	}
	rows := []row{secondsRow(fmt.Sprintf("start after a crash, %s keys", short(float64(l.Recovered))), all[0]),
		secondsRow(fmt.Sprintf("the replay then, of the %d events appended after the last commit", c.replayed), all[1])}
	rows[0].Goal, rows[0].Met = fmt.Sprintf("≤ %d s", recoveryGoal), over(all[0], seconds).Mid <= recoveryGoal
	return rows, nil
}

func (l *lab) crashTraffic() traffic.Config {
	return traffic.Bench(5, l.part(recoveryShare), l.Recovered)
}

// secondsRow is the row of how long something took.
func secondsRow(what string, s []sample) row {
	r := commonRow(what, s)
	f := over(s, seconds)
	r.Figure = fmt.Sprintf("%.2f s (%.2f–%.2f)", f.Mid, f.Low, f.High)
	r.CPU, r.Allocs = 0, -1
	return r
}

// revival starts again from a copy of what a crash has left.
type revival struct {
	l        *lab
	wreck    string
	dir      string
	served   *served
	engine   *engine.Engine
	replayed int
}

func (c *revival) copy() (err error) {
	if c.dir, err = c.l.folder("service"); err != nil {
		return err
	}
	return os.CopyFS(c.dir, os.DirFS(c.wreck))
}

func (c *revival) start() (err error) {
	if c.served, err = openServed(c.dir, foundingRules, c.l.Cores); err != nil {
		return err
	}
	c.engine, err = recoverEngine(c.served.store, foundingRules, c.l.Cores)
	return err
}

// replay folds what is in the log beyond the checkpoint.
func (c *revival) replay() (err error) {
	e := c.engine
	part := e.Partition(event.Position{Stream: source.LogStream, Kind: event.LogPosition})
	log := source.OpenLog(c.served.log, source.LogOptions{From: e.Next(part)})
	defer func() { err = errors.Join(err, log.Close()) }()
	c.replayed = 0
	for b := (engine.Batch{Partition: part}); ; {
		from, err := log.Fetch(context.Background())
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if from.Kind != journal.Event {
			continue
		}
		b.Buf, b.Lines = from.Buf, b.Lines[:0]
		for _, l := range from.Lines {
			b.Lines = append(b.Lines, engine.Line{Start: l.Start, End: l.End, Offset: l.Offset, Appended: from.Appended})
		}
		if _, err := e.Step(&b); err != nil {
			return err
		}
		c.replayed += len(b.Lines)
		log.Release(from)
	}
}

func (c *revival) close() error {
	c.engine = nil
	return c.served.close()
}

// crashIn runs a process that builds a service's data in dir and kills itself.
func crashIn(dir string, l *lab, brokers ...string) error {
	cmd, err := childCommand(order{Crash: dir, Brokers: brokers, Sizes: l.sizes, Dir: l.dir})
	if err != nil {
		return err
	}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	err = cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Exited() {
		return fmt.Errorf("the process that was to crash did not: %v: %s", err, &said)
	}
	return nil
}

// crash runs the service on an event for each of many customers and on traffic, and kills its own process in the middle.
func (l *lab) crash(dir string) error {
	in, err := load(l.dir, "crash", l.crashTraffic())
	if err != nil {
		return err
	}
	s, err := openServed(dir, foundingRules, l.Cores)
	if err != nil {
		return err
	}
	return s.run(&doomed{newMemorySource(nil), newAccounts(l.Recovered), in.data})
}

// doomed is a source that gives each customer an account, then traffic, and ends in a crash.
type doomed struct {
	*memorySource
	accounts *accounts
	traffic  []byte
}

// Fetch implements source.Source.
func (d *doomed) Fetch(ctx context.Context) (*source.Batch, error) {
	b, err := d.memorySource.Fetch(ctx)
	if !errors.Is(err, io.EOF) {
		return b, err
	}
	// The batches before share what is cut now, so it must not be used again.
	next := bytes.Clone(d.accounts.next())
	if len(next) == 0 {
		next, d.traffic = d.traffic, nil
	}
	if len(next) == 0 {
		return nil, kill()
	}
	d.cutter.data, d.cutter.at = next, 0
	return d.memorySource.Fetch(ctx)
}

// kill ends the process at once, as a crash does.
func kill() error {
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err == nil {
		select {} // until it has happened
	}
	return err
}
