package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"kelpie/backtest"
	"kelpie/config"
	"kelpie/engine"
	"kelpie/event"
	"kelpie/journal"
	"kelpie/source"
)

// historyFlags say which events are read.
type historyFlags struct {
	events []string
	log    bool
	data   string
}

func (o *historyFlags) add(f *pflag.FlagSet) {
	f.StringArrayVar(&o.events, "events", nil, "events as JSON lines, also compressed: a `file`, a folder (all files in it, by name), a pattern such as 'h/2026-01-*.jsonl.zst', - for standard input; may be given several times")
	f.BoolVar(&o.log, "log", false, "read the log of the service, which may be running, in place of files")
	f.StringVar(&o.data, "data", "", "with --log: the data `folder`, in place of the configuration's")
}

// open opens the history.
func (o *historyFlags) open(configName string, stdin io.Reader, spec event.Spec) (backtest.History, error) {
	switch {
	case o.log && len(o.events) > 0:
		return nil, errors.New("--log and --events are two histories: name one of them")
	case o.log:
		return o.openLog(configName)
	case len(o.events) == 0:
		return nil, errors.New("--events FILE: name the events, - for standard input; or --log for the log of the service")
	}
	names, err := historyFiles(o.events)
	if err != nil {
		return nil, fmt.Errorf("--events: %w", err)
	}
	return backtest.OpenFiles(names, stdin, spec)
}

// historyFiles puts files in place of folders and patterns: those of one by name, so that dated files come in order.
func historyFiles(names []string) (files []string, err error) {
	add := func(list ...string) error {
		for _, n := range list {
			if slices.Contains(files, filepath.Clean(n)) {
				return fmt.Errorf("%s is named twice", n)
			}
			files = append(files, filepath.Clean(n))
		}
		return nil
	}
	for _, n := range names {
		list := []string{n}
		if info, e := os.Stat(n); n == source.Stdin {
		} else if e == nil && info.IsDir() {
			list, err = inFolder(n)
		} else if e != nil && strings.ContainsAny(n, "*?[") {
			list, err = filepath.Glob(n)
			if err == nil && len(list) == 0 {
				err = fmt.Errorf("no file is named like %s", n)
			}
		}
		if err == nil {
			err = add(list...)
		}
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

// inFolder lists the files of a folder and of those in it, by path; hidden ones are left out.
func inFolder(folder string) (files []string, err error) {
	err = filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case name != folder && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return fs.SkipDir
			}
		case !d.IsDir():
			files = append(files, name)
		}
		return nil
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("the folder %s holds no files", folder)
	}
	return files, err
}

// openLog opens the log as a history.
func (o *historyFlags) openLog(configName string) (backtest.History, error) {
	d := dataFlags{config: configName, data: o.data}
	c, err := d.load()
	if err != nil {
		return nil, err
	}
	l, err := openLog(c)
	if err != nil {
		return nil, err
	}
	h, err := newLogHistory(c, l)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return h, nil
}

// logHistory is the log of the service as a history, in the order in which it was folded.
type logHistory struct {
	log    *journal.Log
	past   *engine.History
	part   backtest.Part
	at, to int64
	name   string
}

func newLogHistory(c *config.Config, l *journal.Log) (*logHistory, error) {
	inputs := newInputs(c, true, strings.NewReader(""), nil)
	h := &logHistory{log: l, at: l.FirstOffset(), to: l.NextOffset(), name: c.Log.Dir}
	var err error
	h.past, err = engine.OpenHistory(l, engine.HistoryOptions{From: h.at, To: h.to, Inputs: inputs, Event: c.Event.Spec})
	return h, err
}

// Dedupe implements backtest.Logged.
func (h *logHistory) Dedupe() []engine.Dedupe { return h.past.Dedupe() }

// Names implements backtest.History.
func (h *logHistory) Names() []string { return []string{h.name} }

// Total implements backtest.History: in records, since blocks do not say how many bytes each has.
func (h *logHistory) Total() int64 { return h.to - h.log.FirstOffset() }

// Close implements backtest.History.
func (h *logHistory) Close() error { return errors.Join(h.past.Close(), h.log.Close()) }

// Next implements backtest.History.
func (h *logHistory) Next(ctx context.Context) (*backtest.Part, error) {
	p, err := h.past.Next(ctx)
	if err != nil {
		return nil, err
	}
	h.part = backtest.Part{Wait: p.Wait, Idle: p.Idle, Tick: p.Tick, End: p.End, Partition: p.Partition, Source: p.Source, Buf: p.Buf, Lines: p.Lines,
		Rejected: p.Rejected, Bytes: max(0, p.Offset-h.at)}
	h.at = max(h.at, p.Offset)
	return &h.part, nil
}
