package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"kelpie/event"
	"kelpie/journal"
	"kelpie/rules"
	"kelpie/source"
)

type inferOptions struct {
	config string
	asJSON bool
}

func newInfer() *cobra.Command {
	var o inferOptions
	c := &cobra.Command{
		Use:   "infer [flags] FILE|-...",
		Short: "Learn what fields events have, and write the configuration that declares them",
		Long: `Reads events (JSON lines, also compressed by gzip or zstd) and tells which types of events there are and what their
fields hold. The part event: of a configuration goes to standard output, the rest to standard error. With it, and with
strict: true in it, kelpie check refuses rules that read other fields.

Where most events have no type or no time, fields that could be them are looked for.`,
		Example: `  kelpie infer shop.jsonl.zst
  kelpie infer security.jsonl >> kelpie.yml
  kelpie infer -c kelpie.yml --json events.jsonl`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return infer(c, args, &o) },
	}
	f := c.Flags()
	f.StringVarP(&o.config, "config", "c", "", "the configuration `file`, for where events have their type and time")
	f.BoolVar(&o.asJSON, "json", false, "print all as JSON")
	return c
}

func infer(c *cobra.Command, names []string, o *inferOptions) error {
	s, err := loadSettings(o.config)
	if err != nil {
		return err
	}
	in, err := inferFrom(c.Context(), c.InOrStdin(), names, s.event)
	if err != nil {
		return err
	}
	if in.Changed && !slices.Contains(names, source.Stdin) { // once more, now that the types and times can be told
		again, err := inferFrom(c.Context(), nil, names, in.Spec)
		if err != nil {
			return err
		}
		again.Changed = true
		in = again
	}
	if o.asJSON {
		return writeInferenceJSON(c.OutOrStdout(), in)
	}
	if err := writeInference(c.ErrOrStderr(), in); err != nil {
		return err
	}
	_, err = io.WriteString(c.OutOrStdout(), in.Config())
	return err
}

func inferFrom(ctx context.Context, stdin io.Reader, names []string, spec event.Spec) (*rules.Inference, error) {
	src, err := source.OpenFiles(source.FilesOptions{Names: names, Stdin: stdin, MaxLine: spec.WithDefaults().MaxSize})
	if err != nil {
		return nil, err
	}
	defer src.Close()
	r := &batchReader{ctx: ctx, src: src}
	in, err := rules.Infer(r, spec)
	if err != nil {
		return nil, err
	}
	if r.cut > 0 {
		in.Refused[event.TooLong] += r.cut
	}
	return in, nil
}

// batchReader reads the lines of a source as one stream of bytes, but for those that are too long, which it counts.
type batchReader struct {
	ctx   context.Context
	src   source.Source
	batch *source.Batch
	rest  []byte
	cut   int64
}

// Read implements io.Reader.
func (r *batchReader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.batch != nil {
			r.src.Release(r.batch)
			r.batch = nil
			p[0] = '\n' // the last line of a file may have no end
			return 1, nil
		}
		b, err := r.src.Fetch(r.ctx)
		if err != nil {
			return 0, err
		}
		if b.Kind == journal.Cut {
			r.cut++
			continue
		}
		r.batch, r.rest = b, b.Buf
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// writeInference tells what the events hold, but for the fields, which the configuration tells.
func writeInference(out io.Writer, in *rules.Inference) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintf(w, "%s", counted(int(in.Events), "event"))
	if in.First != 0 || in.Last != 0 {
		fmt.Fprintf(w, " from %s to %s", event.FormatTime(in.First), event.FormatTime(in.Last))
	}
	fmt.Fprintf(w, ", %s\n", counted(len(in.Fields), "field"))
	if in.Changed {
		fmt.Fprintf(w, "Most have no type or time where they were looked for; these could be them: type in %s, time in %s\n", in.Spec.Type, in.Spec.Time)
	}
	const most = 20
	for i, t := range in.Types {
		if i == most {
			fmt.Fprintf(w, "  … and %s more\n", counted(len(in.Types)-most, "type"))
			break
		}
		fmt.Fprintf(w, "  %s\t%s\n", t.Type, thousands(t.Count))
	}
	var refused []string
	for _, r := range slices.Sorted(maps.Keys(in.Refused)) {
		refused = append(refused, thousands(in.Refused[r])+" "+string(r))
	}
	if len(refused) > 0 {
		fmt.Fprintf(w, "Refused: %s\n", strings.Join(refused, ", "))
	}
	if in.Cut {
		fmt.Fprintf(w, "There are more fields or types than are told apart; those that came last are left out.\n")
	}
	return w.Flush()
}

type inferenceJSON struct {
	Events  int64                  `json:"events"`
	First   string                 `json:"first,omitempty"`
	Last    string                 `json:"last,omitempty"`
	Refused map[event.Reason]int64 `json:"refused"`
	Event   map[string]string      `json:"event"`
	Changed bool                   `json:"changed"` // event is not where they were looked for
	Cut     bool                   `json:"cut"`     // there are more types or fields
	Types   []typeJSON             `json:"types"`
	Fields  []fieldJSON            `json:"fields"`
}

type typeJSON struct {
	Type  string `json:"type"`
	Count int64  `json:"count"`
}

type fieldJSON struct {
	Path     string `json:"path"`
	Type     string `json:"type"`
	Present  int64  `json:"present"`
	Distinct int    `json:"distinct"`
	Example  string `json:"example"`
}

func writeInferenceJSON(w io.Writer, in *rules.Inference) error {
	out := inferenceJSON{
		Events: in.Events, Refused: in.Refused, Changed: in.Changed, Cut: in.Cut, Types: []typeJSON{}, Fields: []fieldJSON{},
		Event: map[string]string{"type": in.Spec.Type, "time": in.Spec.Time, "id": in.Spec.ID},
	}
	if in.First != 0 || in.Last != 0 {
		out.First, out.Last = event.FormatTime(in.First), event.FormatTime(in.Last)
	}
	for _, t := range in.Types {
		out.Types = append(out.Types, typeJSON(t))
	}
	for _, f := range in.Fields {
		out.Fields = append(out.Fields, fieldJSON{f.Path.String(), typeWord(f.Type), f.Present, f.Distinct, f.Example})
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(out)
}

// typeWord writes a type as the configuration does.
func typeWord(t rules.Type) string {
	if t == rules.AnyType {
		return "any"
	}
	return t.String()
}
