package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"kelpie/engine"
	"kelpie/event"
	"kelpie/rules"
	"kelpie/state"
)

func newRules() *cobra.Command {
	return group(&cobra.Command{
		Use:   "rules",
		Short: "Say which rules run and ran, from when on, and set two of them side by side",
		Long: `Every version of the rules that ever judged is kept: in the log where it begins, and in the state. A version of all rules
and settings has a fingerprint, which each alert names; the text of a single rule or table has one too.

` + dataHelp,
		Example: `  kelpie rules list
  kelpie rules versions order-burst
  kelpie rules show order-burst --version 5f0c
  kelpie rules compare order-burst order-burst-tight --from 7d`,
	}, newRulesList(), newRulesShow(), newRulesVersions(), newRulesCompare())
}

// ranVersion is a version of the rules that ran, with its rules and tables by name.
type ranVersion struct {
	engine.Armed
	set   *rules.Set        // nil: the state does not keep it, or this Kelpie does not understand it
	texts map[string]string // fingerprints; of tables under "table NAME"
}

// ranVersions returns the versions that ran, oldest first. Without notes of them (in a state of an older Kelpie) it is the one
// that was folded with last.
func ranVersions(s *state.Store) (all []ranVersion, err error) {
	armed, err := engine.ArmedRules(s)
	if err != nil {
		return nil, err
	}
	if len(armed) == 0 {
		c, ok, err := s.Checkpoint()
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, errors.New("nothing has been folded yet")
		}
		armed = []engine.Armed{{Version: c.Rules}}
	}
	for _, a := range armed {
		v := ranVersion{Armed: a, texts: map[string]string{}}
		if set, err := engine.StoredRules(s, a.Version); err == nil && set != nil {
			v.set = set
			for _, r := range set.Rules {
				v.texts[r.Name] = engine.RuleFingerprint(r.Text)
			}
			for _, t := range set.Tables {
				v.texts["table "+t.Name] = engine.RuleFingerprint(t.Text)
			}
		}
		all = append(all, v)
	}
	return all, nil
}

// begin returns in which version the rule came to be what it is in the last one.
func begin(all []ranVersion, name string) engine.Armed {
	i := len(all) - 1
	for i > 0 && all[i-1].texts[name] == all[i].texts[name] {
		i--
	}
	return all[i].Armed
}

func wallTime(ms int64) string {
	if ms == 0 {
		return "-"
	}
	return time.UnixMilli(ms).UTC().Format(time.RFC3339)
}

// rulesFlags are what the commands about rules have in common.
type rulesFlags struct {
	data   dataFlags
	asJSON bool
}

func (o *rulesFlags) add(c *cobra.Command) {
	o.data.add(c.Flags())
	c.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
}

// versions opens the state and returns the versions that ran.
func (o *rulesFlags) versions() ([]ranVersion, error) {
	_, s, err := o.data.openState()
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return ranVersions(s)
}

func newRulesList() *cobra.Command {
	var o rulesFlags
	c := &cobra.Command{
		Use:   "list",
		Short: "List the rules that run, each with its fingerprint and since when it is what it is",
		Long: `Lists the rules that the state was folded with last. How they are at this moment, kelpie status and GET /v1/rules say.

` + dataHelp,
		Example: "  kelpie rules list\n  kelpie rules list -c kelpie.yml --json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			all, err := o.versions()
			if err != nil {
				return err
			}
			return listRules(c.OutOrStdout(), all, o.asJSON)
		},
	}
	o.add(c)
	return c
}

// ruleLine is a rule as `kelpie rules list --json` prints it.
type ruleLine struct {
	Rule        string `json:"rule"`
	Fingerprint string `json:"fingerprint"`
	Mode        string `json:"mode"`
	Severity    string `json:"severity"`
	Since       string `json:"since"`   // position of the entry with which it began
	At          string `json:"at"`      // append time of that entry
	Version     string `json:"version"` // of all rules that run
}

func listRules(out io.Writer, all []ranVersion, asJSON bool) error {
	last := all[len(all)-1]
	if last.set == nil {
		return fmt.Errorf("the state does not keep the rules that it was folded with (version %s)", last.Version)
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	if !asJSON {
		fmt.Fprintln(w, "RULE\tFINGERPRINT\tMODE\tSEVERITY\tSINCE\tLOADED")
	}
	for _, r := range last.set.Rules {
		a := begin(all, r.Name)
		x := ruleLine{r.Name, last.texts[r.Name], r.Mode, r.Severity, fmt.Sprintf("log@%d", a.Offset), wallTime(a.At), last.Version}
		if !asJSON {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", x.Rule, x.Fingerprint, x.Mode, x.Severity, x.Since, x.At)
		} else if err := json.NewEncoder(w).Encode(x); err != nil {
			return err
		}
	}
	return w.Flush()
}

func newRulesShow() *cobra.Command {
	var o rulesFlags
	var version string
	c := &cobra.Command{
		Use:   "show NAME",
		Short: "Show the text of a rule or a table, as it runs or as it was",
		Long: `Prints the canonical text of the rule or the table of that name: that of the newest version that has it, or of the one whose
fingerprint begins with --version, which may be that of all rules (as an alert names it) or that of the text itself.

` + dataHelp,
		Example: "  kelpie rules show order-burst\n  kelpie rules show order-burst --version 5f0c",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			all, err := o.versions()
			if err != nil {
				return err
			}
			return showRule(c.OutOrStdout(), all, args[0], version, o.asJSON)
		},
	}
	o.add(c)
	c.Flags().StringVar(&version, "version", "", "the `fingerprint`, or its beginning")
	return c
}

func showRule(out io.Writer, all []ranVersion, name, version string, asJSON bool) error {
	var names []string
	for _, v := range slices.Backward(all) {
		text, own := v.text(name)
		if text == "" {
			for n := range v.texts {
				names = append(names, strings.TrimPrefix(n, "table "))
			}
			continue
		}
		if !strings.HasPrefix(v.Version, version) && !strings.HasPrefix(own, version) {
			continue
		}
		if asJSON {
			return writeIndented(out, map[string]string{"name": name, "fingerprint": own, "version": v.Version, "text": text})
		}
		_, err := io.WriteString(out, text)
		return err
	}
	if version != "" {
		return fmt.Errorf("no version of %s has a fingerprint that begins with %s\n    kelpie rules versions %s lists them", name, version, name)
	}
	slices.Sort(names)
	return fmt.Errorf("no rule or table %q has run\n    %s", name, rules.DidYouMean(name, slices.Compact(names)))
}

// text returns the text of a rule or a table, and its fingerprint.
func (v *ranVersion) text(name string) (text, fingerprint string) {
	if v.set == nil {
		return "", ""
	}
	if r := v.set.Rule(name); r != nil {
		return r.Text, v.texts[name]
	}
	for _, t := range v.set.Tables {
		if t.Name == name {
			return t.Text, v.texts["table "+name]
		}
	}
	return "", ""
}

func newRulesVersions() *cobra.Command {
	var o rulesFlags
	c := &cobra.Command{
		Use:   "versions [NAME]",
		Short: "List which versions of the rules, or of one of them, ran from when on",
		Long: `Lists the versions that ran, oldest first: from which record of the log on each judged, when that was, as the log's clock
and as event time went, and what had changed: + is new, - is gone, ~ is another text. With NAME only those are listed
with which that rule or table changed.

` + dataHelp,
		Example: "  kelpie rules versions\n  kelpie rules versions order-burst --json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			all, err := o.versions()
			if err != nil {
				return err
			}
			return listVersions(c.OutOrStdout(), all, strings.Join(args, ""), o.asJSON)
		},
	}
	o.add(c)
	return c
}

// versionLine is a version as `kelpie rules versions --json` prints it.
type versionLine struct {
	Version     string   `json:"version"`
	Fingerprint string   `json:"fingerprint,omitempty"` // of the rule that was asked for; absent where it is gone
	Since       string   `json:"since"`                 // position of the entry in the log
	At          string   `json:"at"`                    // its append time
	Newest      string   `json:"newest,omitempty"`      // newest event time then
	Changed     []string `json:"changed"`               // +new, -gone, ~changed
}

func listVersions(out io.Writer, all []ranVersion, name string, asJSON bool) error {
	b := bufio.NewWriter(out)
	w := tabwriter.NewWriter(b, 0, 8, 2, ' ', 0)
	if !asJSON {
		fmt.Fprintln(w, "VERSION\tSINCE\tLOADED\tEVENT TIME\tCHANGED")
	}
	before, seen := map[string]string{}, false
	for _, v := range all {
		x := versionLine{Version: v.Version, Since: fmt.Sprintf("log@%d", v.Offset), At: wallTime(v.At), Changed: changedRules(before, v.texts)}
		if v.Newest != 0 {
			x.Newest = event.FormatTime(v.Newest)
		}
		was := before
		before = v.texts
		if name != "" {
			key := name
			if v.texts[key] == "" && was[key] == "" {
				key = "table " + name
			}
			if x.Fingerprint = v.texts[key]; was[key] == x.Fingerprint {
				continue
			}
			x.Changed = changedRules(map[string]string{name: was[key]}, map[string]string{name: x.Fingerprint})
		}
		seen = true
		if asJSON {
			if err := json.NewEncoder(w).Encode(x); err != nil {
				return err
			}
			continue
		}
		shown := x.Version
		if x.Fingerprint != "" {
			shown = x.Fingerprint
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", shown, x.Since, x.At, orDash(x.Newest), clean(strings.Join(x.Changed, " "), 200))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if name != "" && !seen {
		return fmt.Errorf("no rule or table %q has run", name)
	}
	return b.Flush()
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// changedRules says what became of rules and tables from one version to another.
func changedRules(old, now map[string]string) []string {
	var all []string
	for n, f := range now {
		switch {
		case f == "":
		case old[n] == "":
			all = append(all, "+"+n)
		case old[n] != f:
			all = append(all, "~"+n)
		}
	}
	for n, f := range old {
		if f != "" && now[n] == "" {
			all = append(all, "-"+n)
		}
	}
	slices.Sort(all)
	return append([]string{}, all...)
}
