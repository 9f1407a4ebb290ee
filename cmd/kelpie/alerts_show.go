package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"kelpie/alert"
	"kelpie/config"
	"kelpie/engine"
	"kelpie/event"
	"kelpie/evidence"
	"kelpie/mask"
	"kelpie/rules"
	"kelpie/state"
)

type showOptions struct {
	desk   deskFlags
	masks  *mask.Fields // of an open state
	rules  []string
	events bool
	limit  int
}

func newAlertsShow() *cobra.Command {
	var o showOptions
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Show one alert: what fired, for whom, with which values and why it is over",
		Long: `Shows the alert whose id is, or begins with, ID: rule, key, message, values, when it opened and resolved and why, what
opened it, which facts were still warming up, and what became of the messages about it.

--events also lists the events in its windows, found again in the log: those with the rule's types and key whose time
lies between the beginning of the longest window and the opening. Only the parts of the log are read that may hold some.

` + lookHelp,
		Example: `  kelpie alerts show 3f2a9c04
  kelpie alerts show 3f2a9c04 -c kelpie.yml --events
  kelpie alerts show 3f2a9c04 --json
  kelpie alerts show 3f2a9c04 --url https://kelpie.example.com:9470`,
		Args: cobra.ExactArgs(1),
		ValidArgsFunction: func(_ *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			return o.ids(args, typed)
		},
		RunE: func(c *cobra.Command, args []string) error { return o.show(c, args[0]) },
	}
	f := c.Flags()
	o.desk.add(f)
	o.desk.data.addUnmask(f)
	f.StringArrayVarP(&o.rules, "rules", "r", nil, "for --events: a rule `file` or folder, in place of the rules as they were when it opened")
	f.BoolVar(&o.events, "events", false, "also list the events in its windows")
	f.IntVar(&o.limit, "limit", 1000, "list at most so many events, the last ones; 0 for all")
	return c
}

// ids completes the id of an alert.
func (o *showOptions) ids(args []string, typed string) ([]string, cobra.ShellCompDirective) {
	const most = 50
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	_, s, masks, err := o.desk.data.openShown()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	defer s.Close()
	ids, err := s.AlertIDs(typed, most)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	for i, id := range ids {
		if a, err := alert.Get(s, id); err == nil {
			ids[i] = id + "\t" + clean(a.Rule+" "+keyText(a.Masked(masks).Key), textWidth)
		}
	}
	return ids, cobra.ShellCompDirectiveNoFileComp
}

func (o *showOptions) show(c *cobra.Command, id string) error {
	api, err := o.desk.addressed()
	if err != nil {
		return err
	}
	if api != nil {
		return o.showAfar(c, api, id)
	}
	cfg, s, masks, err := o.desk.data.openShown()
	if err != nil {
		return err
	}
	defer s.Close()
	o.masks = masks
	a, err := findAlert(s, strings.ToLower(id), o.masks)
	if err != nil {
		return err
	}
	sent, held, err := alert.Deliveries(s, a.ID)
	if err != nil {
		return err
	}
	out := c.OutOrStdout()
	if o.desk.asJSON {
		return o.writeJSON(c, cfg, s, a, sent, held)
	}
	if err := writeAlert(out, a.Masked(o.masks), sent, held); err != nil || !o.events {
		return err
	}
	return o.writeEvents(c, cfg, s, a)
}

// findAlert returns the alert whose id begins with what was typed.
func findAlert(s *state.Store, typed string, masks *mask.Fields) (*alert.Alert, error) {
	const most = 10
	ids, err := s.AlertIDs(typed, most+1)
	switch {
	case err != nil:
		return nil, err
	case len(ids) == 0:
		return nil, fmt.Errorf("there is no alert whose id begins with %q\n    kelpie alerts list shows what there is", typed)
	case len(ids) == 1 || ids[0] == typed:
		return alert.Get(s, ids[0])
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%q is the beginning of several ids: write more of it", typed)
	for _, id := range ids[:min(len(ids), most)] {
		a, err := alert.Get(s, id)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "\n    %s  %s  %s  %s", a.ID, event.FormatTime(a.Opened), a.Rule, keyText(a.Masked(masks).Key))
	}
	if len(ids) > most {
		b.WriteString("\n    …")
	}
	return nil, errors.New(b.String())
}

// alertDoc is the alert's stable form with what became of its messages, without the brace at its end.
func alertDoc(a *alert.Alert, sent []alert.Delivery, held []alert.Held) ([]byte, error) {
	doc, err := a.MarshalJSON()
	if err != nil {
		return nil, err
	}
	deliveries, err := json.Marshal(sent)
	if err != nil {
		return nil, err
	}
	b := append(bytes.TrimSuffix(doc, []byte("}")), `,"deliveries":`...)
	b = append(b, deliveries...)
	if len(held) > 0 {
		text, err := json.Marshal(held)
		if err != nil {
			return nil, err
		}
		b = append(append(b, `,"held":`...), text...)
	}
	return b, nil
}

// writeJSON writes the alert with what became of its messages, and its events if they are wanted.
func (o *showOptions) writeJSON(c *cobra.Command, cfg *config.Config, s *state.Store, a *alert.Alert, sent []alert.Delivery, held []alert.Held) error {
	b, err := alertDoc(a.Masked(o.masks), sent, held)
	if err != nil {
		return err
	}
	out := c.OutOrStdout()
	if !o.events {
		_, err := out.Write(append(b, "}\n"...))
		return err
	}
	list, answer := o.evidenceOf(c, cfg, s, a)
	if answer != nil && !errors.Is(answer, errNo) {
		return answer
	}
	b = append(b, `,"events":[`...)
	for i, line := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(b, '\n'), bytes.TrimSuffix(line, []byte("\n"))...)
	}
	if _, err := out.Write(append(b, "\n]}\n"...)); err != nil {
		return err
	}
	return answer
}

// writeEvents writes the events of the alert's windows for people.
func (o *showOptions) writeEvents(c *cobra.Command, cfg *config.Config, s *state.Store, a *alert.Alert) error {
	list, answer := o.evidenceOf(c, cfg, s, a)
	if answer != nil && !errors.Is(answer, errNo) {
		return answer
	}
	out := c.OutOrStdout()
	fmt.Fprintf(out, "\n%s in its windows:\n", counted(len(list), "event"))
	for _, line := range list {
		if _, err := out.Write(line); err != nil {
			return err
		}
	}
	return answer
}

// evidenceOf finds the events of an alert's windows again in the log: the last ones, as lines.
func (o *showOptions) evidenceOf(c *cobra.Command, cfg *config.Config, s *state.Store, a *alert.Alert) (lines [][]byte, err error) {
	set, err := o.rulesThen(cfg, s, a)
	if err != nil {
		return nil, err
	}
	l, err := openLog(cfg)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	q := evidence.Query{Alert: a, Rules: set, Event: cfg.Event.Spec, ByTime: cfg.TimeSpec().ByTime, Limit: o.limit, Records: readAgain(cfg), Missing: tellOf(c.ErrOrStderr())}
	lines, err = evidence.Find(c.Context(), l, q, eventForm{text: !o.desk.asJSON, masks: o.masks}.append)
	if errors.Is(err, evidence.ErrNoRule) {
		err = fmt.Errorf("%w: --events cannot tell which events belong to the alert\n    name the rules as they were: -r old-rules/", err)
	}
	return lines, asNo(err)
}

// rulesThen returns the rules by which an alert was found: as they were then, which the state knows, unless rules are
// named.
func (o *showOptions) rulesThen(cfg *config.Config, s *state.Store, a *alert.Alert) (*rules.Set, error) {
	if len(o.rules) == 0 && a.Rules != "" {
		p, err := engine.StoredPlan(s, a.Rules)
		if err != nil {
			return nil, fmt.Errorf("%w\n    name the rules: -r rules/", err)
		}
		if p != nil {
			return p.Set, nil
		}
	}
	from := &settings{rules: cfg.RuleOptions(), files: cfg.Rules}
	return from.loadRules(o.rules)
}
