package main

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"kelpie/engine"
	"kelpie/event"
)

// rejected counts the events that were refused, and keeps them in a file if there is one.
type rejected struct {
	out   *output // nil: they are only counted
	count map[event.Reason]int64
	first *engine.Rejection
	line  []byte
}

// newRejected creates the file, if there is a name.
func newRejected(name string) (*rejected, error) {
	r := &rejected{count: map[event.Reason]int64{}}
	if name == "" {
		return r, nil
	}
	var err error
	r.out, err = createOutput(name)
	return r, err
}

func (r *rejected) take(list []engine.Rejection) error {
	for i := range list {
		x := &list[i]
		if r.count[x.Reason]++; r.first == nil {
			first := *x
			first.Raw = nil
			r.first = &first
		}
		if r.out == nil {
			continue
		}
		r.line = append(x.AppendJSON(r.line[:0]), '\n')
		if _, err := r.out.Write(r.line); err != nil {
			return fmt.Errorf("rejected: %w", err)
		}
	}
	return nil
}

func (r *rejected) close() error {
	if r.out == nil {
		return nil
	}
	return r.out.Close()
}

// summary says how many events were refused and why, if any were.
func (r *rejected) summary(w io.Writer, kept string) {
	if r.first == nil {
		return
	}
	total, reasons := int64(0), ""
	for _, reason := range slices.Sorted(maps.Keys(r.count)) {
		if reasons != "" {
			reasons += ", "
		}
		reasons += thousands(r.count[reason]) + " " + string(reason)
		total += r.count[reason]
	}
	fmt.Fprintf(w, "kelpie: %s refused: %s\n", counted(int(total), "event"), reasons)
	if kept != "" {
		fmt.Fprintf(w, "    they are in %s\n", kept)
		return
	}
	fmt.Fprintf(w, "    the first: %s: %v (--rejected FILE keeps them all)\n", r.first.Position,
		&event.Refusal{Reason: r.first.Reason, Offset: r.first.Offset, Detail: r.first.Detail})
}
