package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"kelpie/alert"
	"kelpie/event"
	"kelpie/rules"
	"kelpie/state"
)

type alertsOptions struct {
	data         dataFlags
	state        choice
	severity     choice
	query        alert.Query
	since, until string
	asJSON       bool
}

func newAlertsList() *cobra.Command {
	o := alertsOptions{
		state:    choice{words: []string{"firing", "resolved"}},
		severity: choice{words: []string{"info", "low", "medium", "high", "critical"}},
	}
	c := &cobra.Command{
		Use:   "list",
		Short: "List alerts, newest first",
		Long: `Lists alerts by the time of their opening, newest first. --since and --until take an event time, or a duration: so
long before the newest event.

` + dataHelp,
		Example: `  kelpie alerts list
  kelpie alerts list --state firing --severity critical
  kelpie alerts list --rule order-burst --since 2h
  kelpie alerts list --since 2026-01-05T10:00:00Z --json --limit 0`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return listAlerts(c, &o) },
	}
	f := c.Flags()
	o.data.add(f)
	o.data.addUnmask(f)
	f.StringVar(&o.query.Rule, "rule", "", "only those of this `rule`")
	f.Var(&o.state, "state", "only those that are still open, or that are over")
	f.StringArrayVar(&o.query.Key, "key", nil, "only those for this `key`; a compound key is given part by part")
	f.Var(&o.severity, "severity", "only those of this severity")
	f.StringVar(&o.since, "since", "", "only those that opened at this `time` or later")
	f.StringVar(&o.until, "until", "", "only those that opened before this `time`")
	f.IntVar(&o.query.Limit, "limit", 100, "at most so many; 0 for all")
	f.BoolVar(&o.query.Oldest, "oldest", false, "oldest first")
	f.BoolVar(&o.asJSON, "json", false, "print one JSON object a line")
	complete(c, "state", o.state.words)
	complete(c, "severity", o.severity.words)
	return c
}

// complete lets a shell complete the words of a flag.
func complete(c *cobra.Command, flag string, words []string) {
	if err := c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic("BUG: " + err.Error())
	}
}

func listAlerts(c *cobra.Command, o *alertsOptions) error {
	cfg, s, err := o.data.openState()
	if err != nil {
		return err
	}
	defer s.Close()
	masks, err := o.data.masks(cfg)
	if err != nil {
		return err
	}
	if err := o.times(s); err != nil {
		return err
	}
	q := o.query
	q.Mask = masks
	q.State, q.Severity = alert.State(o.state.value), o.severity.value
	if q.Limit > 0 {
		q.Limit++ // to see whether there are more
	}
	found, err := alert.List(s, q)
	if err != nil {
		return err
	}
	more := q.Limit > 0 && len(found) == q.Limit
	if more {
		found = found[:q.Limit-1]
	}
	for i := range found {
		found[i] = found[i].Masked(masks)
	}
	if err := writeAlerts(c.OutOrStdout(), found, o.asJSON); err != nil {
		return err
	}
	if more {
		fmt.Fprintf(c.ErrOrStderr(), "kelpie: there are more than %s; --limit 0 lists all\n", counted(len(found), "alert"))
	}
	return nil
}

// times reads --since and --until.
func (o *alertsOptions) times(s *state.Store) (err error) {
	if o.query.From, err = eventTime("--since", o.since, s); err != nil {
		return err
	}
	o.query.To, err = eventTime("--until", o.until, s)
	return err
}

// eventTime reads an event time, or a duration before the newest event; "" is 0.
func eventTime(flag, text string, s *state.Store) (int64, error) {
	if text == "" {
		return 0, nil
	}
	if back, err := rules.ParseDuration(text); err == nil {
		k, ok, err := s.Checkpoint()
		if err != nil || !ok || k.Newest == state.NoTime {
			return 0, err
		}
		return k.Newest - back, nil
	}
	var at moment
	if err := at.Set(text); err != nil {
		return 0, fmt.Errorf("%s %q: %w, or a duration such as 2h", flag, text, err)
	}
	return int64(at), nil
}

func writeAlerts(out io.Writer, found []*alert.Alert, asJSON bool) error {
	if asJSON {
		w := bufio.NewWriterSize(out, outputBuffer)
		for _, a := range found {
			line, err := a.MarshalJSON()
			if err != nil {
				return err
			}
			w.Write(line)
			w.WriteByte('\n')
		}
		return w.Flush()
	}
	if len(found) == 0 {
		_, err := fmt.Fprintln(out, "no alerts")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tSTATE\tSEVERITY\tOPENED\tRESOLVED\tRULE\tKEY\tMESSAGE")
	for _, a := range found {
		resolved := "-"
		if !a.Open() {
			resolved = event.FormatTime(a.Resolved)
		}
		fmt.Fprintf(w, "%.8s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", a.ID, stateWord(a), a.Severity, event.FormatTime(a.Opened), resolved,
			a.Rule, keyText(a.Key), clean(a.Message, textWidth))
	}
	return w.Flush()
}

// stateWord is the alert's state, for shadow rules with a word about it.
func stateWord(a *alert.Alert) string {
	if a.Mode == alert.Shadow {
		return string(a.State) + " (shadow)"
	}
	return string(a.State)
}

// keyText writes a key for people.
func keyText(key []string) string {
	if len(key) == 0 {
		return "-"
	}
	return clean(strings.Join(key, ", "), 40)
}
