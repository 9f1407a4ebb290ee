package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"kelpie/engine"
	"kelpie/mask"
	"kelpie/rules"
	"kelpie/state"
)

func newTables() *cobra.Command {
	return group(&cobra.Command{
		Use:   "tables",
		Short: "List the tables, and print their rows",
		Long:  "Lists the tables of the rules that ran last, and prints their rows, as they are in the state.\n\n" + dataHelp,
		Example: `  kelpie tables list
  kelpie tables get credit c17`,
	}, newTablesList(), newTablesGet())
}

// tablesOptions are what the subcommands have in common.
type tablesOptions struct {
	data   dataFlags
	masks  *mask.Fields // of an open state
	limit  int
	asJSON bool
}

// open opens the state, with the plan of the rules that ran last.
func (o *tablesOptions) open() (*state.Store, *engine.Plan, error) {
	cfg, s, masks, err := o.data.openShown()
	if err != nil {
		return nil, nil, err
	}
	o.masks = masks
	p, err := engine.StoredPlan(s, "")
	if err == nil && p == nil {
		err = fmt.Errorf("state: %q: nothing has been folded into it yet", cfg.State.Dir)
	}
	if err != nil {
		s.Close()
		return nil, nil, err
	}
	return s, p, nil
}

func newTablesList() *cobra.Command {
	var o tablesOptions
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the tables with their keys, fields and the events that change them",
		Long:    "Lists the tables of the rules that ran last.\n\n" + dataHelp,
		Example: "  kelpie tables list\n  kelpie tables list -c kelpie.yml --json",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return o.list(c.OutOrStdout()) },
	}
	o.data.add(c.Flags())
	c.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
	return c
}

func (o *tablesOptions) list(out io.Writer) error {
	s, p, err := o.open()
	if err != nil {
		return err
	}
	defer s.Close()
	all := engine.Tables(p.Set)
	if o.asJSON {
		return writeIndented(out, all)
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(out, "no tables")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "TABLE\tKEY\tFIELDS\tCHANGED BY")
	for _, t := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", t.Table, strings.Join(t.Key, ", "), strings.Join(t.Fields, ", "), strings.Join(t.Events, ", "))
	}
	return w.Flush()
}

func newTablesGet() *cobra.Command {
	var o tablesOptions
	c := &cobra.Command{
		Use:   "get TABLE [KEY...]",
		Short: "Print the row of a key, or all rows, as JSON lines",
		Long: `Prints the row of a key, as JSON: {"key":…,"row":{…}}. A compound key is given part by part. Without a key all rows are
printed, in no order that means something. The exit code is 1 if the key has no row.

` + dataHelp,
		Example: `  kelpie tables get credit c17
  kelpie tables get credit --limit 10
  kelpie tables get stock eu-west-1 item-9 -c kelpie.yml`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return o.get(c, args[0], args[1:]) },
	}
	o.data.add(c.Flags())
	o.data.addUnmask(c.Flags())
	c.Flags().IntVar(&o.limit, "limit", 0, "print at most so many rows; 0 for all")
	return c
}

func (o *tablesOptions) get(c *cobra.Command, table string, key []string) error {
	s, p, err := o.open()
	if err != nil {
		return err
	}
	defer s.Close()
	t := p.Set.Table(table)
	if t == nil {
		return noTable(p.Set, table)
	}
	w := bufio.NewWriterSize(c.OutOrStdout(), outputBuffer)
	if len(key) == 0 {
		err = o.rows(w, p, s, t)
	} else {
		err = o.row(w, p, s, t, key)
	}
	if e := w.Flush(); err == nil {
		err = e
	}
	return err
}

// noTable says that there is no table of that name, and which one was probably meant.
func noTable(set *rules.Set, name string) error {
	var names []string
	for _, t := range set.Tables {
		names = append(names, t.Name)
	}
	hint := "kelpie tables list shows what there is"
	if meant := rules.DidYouMean(name, names); meant != "" {
		hint = meant
	}
	return fmt.Errorf("there is no table %s\n    %s", name, hint)
}

func (o *tablesOptions) row(w *bufio.Writer, p *engine.Plan, s *state.Store, t *rules.Table, key []string) error {
	if len(key) != len(t.Key) {
		return fmt.Errorf("the key of %s has %s, and %d are given", t.Name, counted(len(t.Key), "part"), len(key))
	}
	r, ok, err := p.TableRow(s, t.Name, key)
	if err != nil {
		return err
	}
	if !ok {
		return errNo
	}
	_, err = w.Write(append(r.Masked(o.masks, t).AppendJSON(nil), '\n'))
	return err
}

func (o *tablesOptions) rows(w *bufio.Writer, p *engine.Plan, s *state.Store, t *rules.Table) error {
	n := 0
	var line []byte
	return p.TableRows(s, t.Name, func(r engine.TableRow) (bool, error) {
		n++
		line = append(r.Masked(o.masks, t).AppendJSON(line[:0]), '\n')
		_, err := w.Write(line)
		return o.limit <= 0 || n < o.limit, err
	})
}
