package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"kelpie/engine"
	"kelpie/rules"
)

type checkOptions struct {
	config       string
	plan, asJSON bool
	connect      bool
}

func newCheck() *cobra.Command {
	var o checkOptions
	c := &cobra.Command{
		Use:   "check [flags] [RULES...]",
		Short: "Check rules: all mistakes at once, each with its place and what to do",
		Long: `Checks rule files and folders and tells all mistakes at once, each with file, line, column and what was probably
meant. With a configuration that declares the fields' types, unknown fields are mistakes too.

--plan shows how the rules would be carried out: which rows there are, which facts rules share, how many bytes a key
takes, and how much history each rule needs (so long a new rule warms up).

A configuration that says what topics are partitioned by (partitioned_by) is held against the keys of the rules: with
order: arrival it is a warning if what a rule finds depends on how partitions are interleaved.

--connect tries the connections to Kafka that the configuration names, with real requests, and says what is wrong: nobody
listens, TLS where there is none or the reverse, a login that is refused, a topic that is not there, no permission.`,
		Example: `  kelpie check rules/
  kelpie check -c kelpie.yml --plan
  kelpie check -c kelpie.yml --connect
  kelpie check rules/orders.yml --json`,
		RunE: func(c *cobra.Command, args []string) error { return check(c.Context(), c.OutOrStdout(), args, &o) },
	}
	f := c.Flags()
	f.StringVarP(&o.config, "config", "c", "", "the configuration `file`, for the types of fields and how time is read")
	f.BoolVar(&o.plan, "plan", false, "show how the rules would be carried out")
	f.BoolVar(&o.connect, "connect", false, "try the connections to Kafka that the configuration names")
	f.BoolVar(&o.asJSON, "json", false, "print JSON")
	return c
}

func check(ctx context.Context, out io.Writer, args []string, o *checkOptions) error {
	s, err := loadSettings(o.config)
	if err != nil {
		return err
	}
	set, err := s.loadRules(args)
	var wrong rules.Errors
	if errors.As(err, &wrong) && o.asJSON {
		return reportMistakes(out, wrong)
	}
	if err != nil {
		return err
	}
	p, err := engine.NewPlan(set, s.event, s.time, engine.NewUnits())
	if err != nil {
		return err
	}
	r := checkReport{OK: true, Rules: len(set.Rules), Tables: len(set.Tables), Tests: len(set.Tests), Mistakes: []mistake{}}
	if s.whole != nil {
		r.Interleaved = interleavings(s.whole, set)
	}
	if o.plan {
		x := p.Explain()
		r.Plan = &x
	}
	if o.connect {
		if r.Connections, err = checkConnections(ctx, o.config); err != nil {
			return err
		}
		r.OK = !slices.ContainsFunc(r.Connections, connection.failed)
	}
	if o.asJSON {
		return r.answer(r.writeJSON(out))
	}
	fmt.Fprintf(out, "%s, %s, %s: no mistakes\n", counted(r.Rules, "rule"), counted(r.Tables, "table"), counted(r.Tests, "test"))
	writeInterleavings(out, r.Interleaved)
	if o.connect {
		writeConnections(out, r.Connections)
	}
	if o.plan {
		return r.answer(writePlan(out, r.Plan))
	}
	return r.answer(nil)
}

// answer returns an error, or the answer no, that some connection does not work, which has been said.
func (r *checkReport) answer(err error) error {
	if err == nil && !r.OK {
		return errNo
	}
	return err
}

// checkReport is what `kelpie check --json` prints.
type checkReport struct {
	OK       bool                `json:"ok"`
	Rules    int                 `json:"rules"`
	Tables   int                 `json:"tables"`
	Tests    int                 `json:"tests"`
	Mistakes []mistake           `json:"mistakes"`
	Plan     *engine.Explanation `json:"plan,omitempty"`

	Interleaved []interleaving `json:"interleaved,omitempty"` // sources, by rules that do not keep to what they are partitioned by

	Connections []connection `json:"connections,omitempty"` // with --connect
}

type mistake struct {
	File    string `json:"file"`
	Line    int    `json:"line"`   // from 1; 0: the file as a whole
	Column  int    `json:"column"` // in characters, from 1
	Width   int    `json:"width"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	Source  string `json:"source,omitempty"` // the line as it is written
}

func (r checkReport) writeJSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(r)
}

func reportMistakes(w io.Writer, wrong rules.Errors) error {
	r := checkReport{}
	for _, e := range wrong {
		r.Mistakes = append(r.Mistakes, mistake{e.At.File, e.At.Line, e.At.Column, e.Width, e.Message, e.Hint, e.Line})
	}
	if err := r.writeJSON(w); err != nil {
		return err
	}
	return errReported
}
