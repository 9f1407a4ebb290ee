package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/spf13/cobra"

	"kelpie/alert"
	"kelpie/config"
	"kelpie/event"
	"kelpie/mask"
	"kelpie/state"
	"kelpie/verify"
)

type verifyOptions struct {
	data        dataFlags
	all, asJSON bool
	rule        string
	opened      openedFlags
}

func newAlertsVerify() *cobra.Command {
	var o verifyOptions
	c := &cobra.Command{
		Use:   "verify [ID ...]",
		Short: "Derive alerts again from the log, and say whether they come out the same",
		Long: `Folds the log once more, from its beginning, with the rules that ran at each place of it, into memory, and sets what comes
out beside the alerts whose ids are, or begin with, ID: key, opening, values, times, resolution, what people said. Records
of Kafka that the log notes are read again from their topics: name the configuration for them.

An alert is equal, or what differs is listed. It cannot be derived when what it rests on is gone: the beginning of the log,
records of a topic, or the rules of the time; then that is said. With --all all alerts are verified, or those that opened
from --from to, and without, --to; and those are listed that the log says and the state does not have.

The exit code is 1 if anything is not equal.

` + dataHelp,
		Example: `  kelpie alerts verify 3f2a9c04
  kelpie alerts verify --all -c kelpie.yml
  kelpie alerts verify --all --from 24h --rule order-burst --json`,
		RunE: func(c *cobra.Command, args []string) error { return o.run(c, args) },
	}
	f := c.Flags()
	o.data.add(f)
	o.data.addUnmask(f)
	f.BoolVar(&o.all, "all", false, "verify all alerts")
	f.StringVar(&o.rule, "rule", "", "with --all: only those of this `rule`")
	o.opened.add(f, "with --all: only those")
	f.BoolVar(&o.asJSON, "json", false, "print one JSON object a line")
	return c
}

func (o *verifyOptions) run(c *cobra.Command, args []string) error {
	switch {
	case len(args) == 0 && !o.all:
		return errors.New("name the alerts to be verified, or say --all")
	case len(args) > 0 && o.all:
		return errors.New("--all verifies all alerts: name none")
	case !o.all && (o.rule != "" || o.opened != openedFlags{}):
		return errors.New("--rule, --from and --to choose among --all")
	}
	cfg, s, masks, err := o.data.openShown()
	if err != nil {
		return err
	}
	defer s.Close()
	q := alert.Query{Rule: o.rule, Oldest: true}
	if err := o.opened.ask(&q, s); err != nil {
		return err
	}
	alerts, err := o.alerts(s, args, q, masks)
	if err != nil {
		return err
	}
	found, err := verifyAlerts(c, cfg, s, alerts, o.all, q)
	if err != nil {
		return err
	}
	return writeFindings(c.OutOrStdout(), found, masks, o.asJSON)
}

// alerts returns those that are to be verified.
func (o *verifyOptions) alerts(s *state.Store, args []string, q alert.Query, masks *mask.Fields) ([]*alert.Alert, error) {
	if o.all {
		return alert.List(s, q)
	}
	var all []*alert.Alert
	for _, id := range args {
		a, err := findAlert(s, strings.ToLower(id), masks)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, nil
}

// verifyAlerts derives the alerts again from the log of a configuration.
func verifyAlerts(c *cobra.Command, cfg *config.Config, s *state.Store, alerts []*alert.Alert, all bool, q alert.Query) (found []verify.Finding, err error) {
	log, err := openLog(cfg)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	scratch, err := state.Open("scratch", state.Options{FS: vfs.NewMem(), Cache: 64 << 20})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, scratch.Close()) }()
	first, size := log.FirstOffset(), log.NextOffset()-log.FirstOffset()
	line := newProgress(c.OutOrStdout(), c.ErrOrStderr(), size)
	defer line.done()
	o := verify.Options{
		Log: log, State: s, Event: cfg.Event.Spec, Time: cfg.TimeSpec(), Scratch: scratch, Shards: runtime.GOMAXPROCS(0),
		Inputs: newInputs(cfg, true, strings.NewReader(""), nil), Rule: q.Rule,
		At: func(offset int64) { line.at(offset-first, offset-first) },
	}
	if set, err := loadConfigured(cfg); err == nil { // else the log must say what they were
		o.Rules = set
	}
	if k, ok, err := s.Checkpoint(); err == nil && ok && cfg.Alerts.History > 0 && k.Watermark != state.NoTime {
		o.Forgotten = k.Watermark - cfg.Alerts.History.Milliseconds()
	}
	return verify.Check(c.Context(), o, alerts, all, q.From, q.To)
}

// findingForm is what `kelpie alerts verify --json` prints of an alert.
type findingForm struct {
	ID          string              `json:"id"`
	Rule        string              `json:"rule"`
	Key         []string            `json:"key"`
	Opened      string              `json:"opened"`
	Rules       string              `json:"rules,omitempty"` // the version that made it
	Outcome     verify.Outcome      `json:"outcome"`
	Why         string              `json:"why,omitempty"`
	Differences []verify.Difference `json:"differences,omitempty"`
}

func writeFindings(out io.Writer, found []verify.Finding, masks *mask.Fields, asJSON bool) error {
	count := map[verify.Outcome]int{}
	for i := range found {
		f := found[i].Masked(masks)
		count[f.Outcome]++
		var err error
		if asJSON {
			a := f.Alert
			err = json.NewEncoder(out).Encode(findingForm{a.ID, a.Rule, a.Key, event.FormatTime(a.Opened), a.Rules, f.Outcome, f.Why, f.Differences})
		} else {
			err = writeFinding(out, f)
		}
		if err != nil {
			return err
		}
	}
	if !asJSON && len(found) != 1 {
		fmt.Fprintf(out, "%s: %d equal", counted(len(found), "alert"), count[verify.Equal])
		for _, x := range []struct {
			outcome verify.Outcome
			words   string
		}{{verify.Differs, "%d different"}, {verify.Unknown, "%d cannot be derived"}, {verify.Unkept, "%d not kept"}} {
			if n := count[x.outcome]; n > 0 {
				fmt.Fprintf(out, ", "+x.words, n)
			}
		}
		fmt.Fprintln(out)
	}
	if count[verify.Equal] < len(found) {
		return errNo
	}
	return nil
}

func writeFinding(out io.Writer, f verify.Finding) error {
	a := f.Alert
	words := map[verify.Outcome]string{verify.Equal: "equal", verify.Differs: "DIFFERS", verify.Unknown: "cannot be derived", verify.Unkept: "NOT KEPT"}
	text := fmt.Sprintf("%.8s  %s  %s  %s: %s", a.ID, event.FormatTime(a.Opened), a.Rule, keyText(a.Key), words[f.Outcome])
	if f.Why != "" {
		text += ": " + clean(f.Why, 400)
	}
	if _, err := fmt.Fprintln(out, text); err != nil {
		return err
	}
	for _, d := range f.Differences {
		if _, err := fmt.Fprintf(out, "    %s: kept %s, derived %s\n", d.Member, cmp.Or(clean(d.Kept, 400), "none"), cmp.Or(clean(d.Derived, 400), "none")); err != nil {
			return err
		}
	}
	return nil
}
