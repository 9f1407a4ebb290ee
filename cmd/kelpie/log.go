package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"kelpie/journal"
)

func newLog() *cobra.Command {
	return group(&cobra.Command{
		Use:   "log",
		Short: "Look after the log: is it whole, what is in it",
		Long: `The log is the truth: everything else is computed from it. It lies in the data folder under log/.

` + dataHelp,
		Example: "  kelpie log verify\n  kelpie log info -c kelpie.yml",
	}, newLogVerify(), newLogInfo())
}

func newLogVerify() *cobra.Command {
	var d dataFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "verify",
		Short: "Check every byte of the log",
		Long: `Reads the whole log and checks every segment, every block and every record against its checksum, and that nothing is
missing in between. All damage is listed, each with segment, byte and the offsets of the records that are lost.

A tail that a crash has torn is no damage: it was never acknowledged. The exit code is 1 if there is damage.

` + dataHelp,
		Example: `  kelpie log verify
  kelpie log verify -c kelpie.yml
  kelpie log verify --data /var/lib/kelpie --json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return logVerify(c.OutOrStdout(), &d, asJSON) },
	}
	d.add(c.Flags())
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// verifyReport is what `kelpie log verify --json` prints.
type verifyReport struct {
	OK       bool     `json:"ok"`
	Folder   string   `json:"folder"`
	Segments int      `json:"segments"`
	Blocks   int      `json:"blocks"`
	Records  int64    `json:"records"`
	First    int64    `json:"first"`   // offset of the oldest record
	Next     int64    `json:"next"`    // offset that the next record will get
	Bytes    int64    `json:"bytes"`   // read
	Payload  int64    `json:"payload"` // bytes of the records
	Torn     int64    `json:"torn"`    // bytes at the end that were never acknowledged
	Damage   []damage `json:"damage"`
}

type damage struct {
	Segment  string `json:"segment"`
	Position int64  `json:"position"`       // byte in the segment
	First    int64  `json:"first"`          // offset of the first record that is lost
	Next     *int64 `json:"next,omitempty"` // of the first one behind it that can be read; absent if nobody can tell
	Reason   string `json:"reason"`
}

func logVerify(out io.Writer, d *dataFlags, asJSON bool) error {
	c, err := d.load()
	if err != nil {
		return err
	}
	found, err := journal.Verify(c.Log.Dir, nil)
	if errors.Is(err, os.ErrNotExist) || err == nil && found.Segments == 0 {
		return whereIsIt(fmt.Errorf("journal: open %q: %w", c.Log.Dir, journal.ErrNone))
	}
	if err != nil {
		return err
	}
	r := newVerifyReport(c.Log.Dir, found)
	if asJSON {
		err = writeIndented(out, r)
	} else {
		_, err = io.WriteString(out, r.text(found))
	}
	if err == nil && !r.OK {
		return errNo
	}
	return err
}

func newVerifyReport(dir string, r *journal.Report) verifyReport {
	v := verifyReport{r.OK(), dir, r.Segments, r.Blocks, r.Records, r.First, r.Next, r.Bytes, r.Payload, r.Torn, []damage{}}
	for _, d := range r.Damage {
		x := damage{Segment: d.Segment, Position: d.Position, First: d.First, Reason: d.Reason}
		if d.Next >= 0 {
			x.Next = &d.Next
		}
		v.Damage = append(v.Damage, x)
	}
	return v
}

// text writes the report for people.
func (v verifyReport) text(r *journal.Report) string {
	var b strings.Builder
	for _, d := range r.Damage {
		fmt.Fprintln(&b, strings.TrimPrefix(d.Error(), "journal: "))
	}
	fmt.Fprintf(&b, "%s: %s in %s and %s, %s, log@%d to before log@%d\n", v.Folder, counted(int(v.Records), "record"),
		counted(v.Blocks, "block"), counted(v.Segments, "segment"), bytesText(v.Bytes), v.First, v.Next)
	if v.Torn > 0 {
		fmt.Fprintf(&b, "the last %s were torn by a crash, or are just being written; nothing in them was acknowledged\n", bytesText(v.Torn))
	}
	if v.OK {
		b.WriteString("no damage\n")
	} else {
		fmt.Fprintf(&b, "DAMAGED in %s\n", counted(len(v.Damage), "place"))
	}
	return b.String()
}

// writeIndented writes one JSON document for programs that people read too.
func writeIndented(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
