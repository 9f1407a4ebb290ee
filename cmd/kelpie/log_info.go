package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"kelpie/config"
	"kelpie/event"
	"kelpie/journal"
	"kelpie/source"
)

func newLogInfo() *cobra.Command {
	var d dataFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "info",
		Short: "Print what the log holds, how far its sources were read and how far it was folded",
		Long: `Prints which records the log holds, when they were appended, what they take on disk, how far each source has been read,
and up to where the state has folded them.

` + dataHelp,
		Example: "  kelpie log info\n  kelpie log info -c kelpie.yml --json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return logInfo(c.Context(), c.OutOrStdout(), &d, asJSON)
		},
	}
	d.add(c.Flags())
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// logReport is what `kelpie log info --json` prints.
type logReport struct {
	Folder   string        `json:"folder"`
	Records  int64         `json:"records"`
	First    int64         `json:"first"`            // offset of the oldest record
	Next     int64         `json:"next"`             // offset that the next record will get
	Oldest   string        `json:"oldest,omitempty"` // when the oldest record was appended
	Newest   string        `json:"newest,omitempty"` // and the newest
	Bytes    int64         `json:"bytes"`            // on disk
	Segments []logSegment  `json:"segments"`
	Sources  []logProgress `json:"sources"`
	Folded   *int64        `json:"folded,omitempty"` // the state has all before this offset; absent if there is no state
}

type logSegment struct {
	Name  string `json:"name"`
	First int64  `json:"first"` // offset of its first record
	Bytes int64  `json:"bytes"`
}

type logProgress struct {
	Name string `json:"name"`
	Byte int64  `json:"byte"` // reading goes on here
	Line int64  `json:"line"` // behind this line
}

func logInfo(ctx context.Context, out io.Writer, d *dataFlags, asJSON bool) error {
	c, err := d.load()
	if err != nil {
		return err
	}
	r, err := newLogReport(ctx, c)
	if err != nil {
		return err
	}
	if r.Folded, err = foldedUpTo(c); err != nil {
		return err
	}
	if asJSON {
		return writeIndented(out, r)
	}
	return r.write(out)
}

func newLogReport(ctx context.Context, c *config.Config) (*logReport, error) {
	l, err := openLog(c)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	s := l.Stats()
	r := &logReport{Folder: c.Log.Dir, Records: s.Next - s.First, First: s.First, Next: s.Next, Bytes: s.Bytes, Sources: []logProgress{}}
	if r.Segments, err = logSegments(c.Log.Dir); err != nil {
		return nil, err
	}
	all := l.AllProgress()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		m := all[name].Mark
		r.Sources = append(r.Sources, logProgress{name, m.Offset, m.Line})
	}
	if r.Records == 0 {
		return r, nil
	}
	if r.Oldest, err = appendedAt(ctx, l, s.First); err == nil {
		r.Newest, err = appendedAt(ctx, l, s.Next-1)
	}
	return r, err
}

func appendedAt(ctx context.Context, l *journal.Log, offset int64) (string, error) {
	r, err := l.Get(ctx, offset, new(journal.Block))
	return event.FormatTime(r.Appended), err
}

// logSegments lists the segments by what their files say.
func logSegments(dir string) ([]logSegment, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	all := []logSegment{}
	for _, f := range files {
		digits, ok := strings.CutSuffix(f.Name(), ".log")
		g := logSegment{Name: f.Name()}
		if _, err := fmt.Sscanf(digits, "%d", &g.First); !ok || err != nil {
			continue
		}
		if info, err := f.Info(); err == nil { // else retention has just removed it
			g.Bytes = info.Size()
			all = append(all, g)
		}
	}
	return all, nil
}

// foldedUpTo returns the offset before which the state has folded everything; nil if there is no state.
func foldedUpTo(c *config.Config) (*int64, error) {
	if _, err := os.Stat(c.State.Dir); err != nil {
		return nil, nil
	}
	s, err := openState(c)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	k, ok, err := s.Checkpoint()
	if err != nil || !ok {
		return nil, err
	}
	var folded *int64
	for _, p := range k.Partitions {
		if p.Stream == source.LogStream && (folded == nil || p.Next < *folded) {
			folded = &p.Next
		}
	}
	return folded, nil
}

func (r *logReport) write(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintf(w, "folder\t%s\n", r.Folder)
	if r.Records == 0 {
		fmt.Fprintf(w, "records\tnone, the next one will be log@%d\n", r.Next)
	} else {
		fmt.Fprintf(w, "records\t%s, log@%d to log@%d\n", thousands(r.Records), r.First, r.Next-1)
		fmt.Fprintf(w, "appended\t%s to %s\n", r.Oldest, r.Newest)
	}
	fmt.Fprintf(w, "on disk\t%s in %s\n", bytesText(r.Bytes), counted(len(r.Segments), "segment"))
	for _, s := range r.Sources {
		fmt.Fprintf(w, "source\t%s, read to line %s, byte %s\n", s.Name, thousands(s.Line), thousands(s.Byte))
	}
	if r.Folded != nil {
		fmt.Fprintf(w, "folded\tall before log@%d, %s wait\n", *r.Folded, thousands(max(0, r.Next-*r.Folded)))
	}
	return w.Flush()
}
