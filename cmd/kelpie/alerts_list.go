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
	desk         deskFlags
	state        choice
	severity     choice
	query        alert.Query
	since, until string
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

` + lookHelp,
		Example: `  kelpie alerts list
  kelpie alerts list --state firing --severity critical
  kelpie alerts list --rule order-burst --since 2h
  kelpie alerts list --since 2026-01-05T10:00:00Z --json --limit 0
  kelpie alerts list --url https://kelpie.example.com:9470 --state firing`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return listAlerts(c, &o) },
	}
	f := c.Flags()
	o.desk.addAddress(f)
	o.desk.data.addUnmask(f)
	f.StringVar(&o.query.Rule, "rule", "", "only those of this `rule`")
	f.Var(&o.state, "state", "only those that are still open, or that are over")
	f.StringArrayVar(&o.query.Key, "key", nil, "only those for this `key`; a compound key is given part by part")
	f.Var(&o.severity, "severity", "only those of this severity")
	f.StringVar(&o.since, "since", "", "only those that opened at this `time` or later")
	f.StringVar(&o.until, "until", "", "only those that opened before this `time`")
	f.IntVar(&o.query.Limit, "limit", 100, "at most so many; 0 for all")
	f.BoolVar(&o.query.Oldest, "oldest", false, "oldest first")
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
	api, err := o.desk.addressed()
	if err != nil {
		return err
	}
	o.query.State, o.query.Severity = alert.State(o.state.value), o.severity.value
	if o.query.Limit > 0 {
		o.query.Limit++ // to see whether there are more
	}
	find := o.find
	if api != nil {
		find = func() ([]*alert.Alert, error) { return o.findAfar(c.Context(), api) }
	}
	found, err := find()
	if err != nil {
		return err
	}
	more := o.query.Limit > 0 && len(found) == o.query.Limit
	if more {
		found = found[:o.query.Limit-1]
	}
	if err := writeAlerts(c.OutOrStdout(), found, o.desk.asJSON); err != nil {
		return err
	}
	if more {
		fmt.Fprintf(c.ErrOrStderr(), "kelpie: there are more than %s; --limit 0 lists all\n", counted(len(found), "alert"))
	}
	return nil
}

// find reads the alerts from the folder, as they may be seen.
func (o *alertsOptions) find() ([]*alert.Alert, error) {
	_, s, masks, err := o.desk.data.openShown()
	if err != nil {
		return nil, err
	}
	defer s.Close()
	o.query.Mask = masks
	if err := o.times(newestOf(s)); err != nil {
		return nil, err
	}
	found, err := alert.List(s, o.query)
	for i := range found {
		found[i] = found[i].Masked(o.query.Mask)
	}
	return found, err
}

// times reads --since and --until.
func (o *alertsOptions) times(newest func() (int64, error)) (err error) {
	if o.query.From, err = timeBack("--since", o.since, newest); err != nil {
		return err
	}
	o.query.To, err = timeBack("--until", o.until, newest)
	return err
}

// newestOf returns what says the newest event time of a state; state.NoTime before the first event.
func newestOf(s *state.Store) func() (int64, error) {
	return func() (int64, error) {
		k, ok, err := s.Checkpoint()
		if err != nil || !ok {
			return state.NoTime, err
		}
		return k.Newest, nil
	}
}

// timeBack reads an event time, or a duration before the newest event; "" is 0.
func timeBack(flag, text string, newest func() (int64, error)) (int64, error) {
	if text == "" {
		return 0, nil
	}
	if back, err := rules.ParseDuration(text); err == nil {
		at, err := newest()
		if err != nil || at == state.NoTime {
			return 0, err
		}
		return at - back, nil
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
