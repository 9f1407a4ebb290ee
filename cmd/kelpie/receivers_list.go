package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"kelpie/config"
	"kelpie/rules"
)

func newReceivers() *cobra.Command {
	return group(&cobra.Command{
		Use:   "receivers",
		Short: "List those who are told of alerts, and send one of them a test",
		Long:  "Lists the receivers of a configuration, and sends one of them a message that is marked as a test.",
		Example: `  kelpie receivers list -c kelpie.yml
  kelpie receivers test fraud`,
	}, newReceiversList(), newReceiversTest())
}

// receiverWay is one way in which a receiver is told.
type receiverWay struct {
	Receiver string `json:"receiver"`
	Kind     string `json:"kind"`
	Where    string `json:"where"`

	settings *config.Receiver
	kind     notifierKind
}

// waysOf returns all ways in which the receivers of a configuration are told.
func waysOf(cfg *config.Config) (all []receiverWay) {
	for i := range cfg.Alerts.Receivers {
		r := &cfg.Alerts.Receivers[i]
		for _, k := range notifierKinds {
			if where := k.where(r); where != "" {
				all = append(all, receiverWay{r.Name, k.name, clean(where, 200), r, k})
			}
		}
	}
	return all
}

// waysTo returns the ways in which one receiver is told, in ways that go by team or by team/slack.
func waysTo(all []receiverWay, name string) ([]receiverWay, error) {
	var found []receiverWay
	var names []string
	for _, w := range all {
		if name == w.Receiver || name == w.Receiver+"/"+w.Kind {
			found = append(found, w)
		}
		names = append(names, w.Receiver, w.Receiver+"/"+w.Kind)
	}
	if len(found) > 0 {
		return found, nil
	}
	hint := rules.DidYouMean(name, slices.Compact(names))
	if hint == "" {
		hint = "see kelpie receivers list"
	}
	return nil, fmt.Errorf("there is no receiver %q\n    %s", name, hint)
}

func newReceiversList() *cobra.Command {
	var name string
	var asJSON bool
	c := &cobra.Command{
		Use:     "list",
		Short:   "List those who are told of alerts, in which way and where",
		Example: "  kelpie receivers list\n  kelpie receivers list -c kelpie.yml --json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := config.Load(cmp.Or(name, configHere))
			if err != nil {
				return err
			}
			return writeWays(c.OutOrStdout(), waysOf(cfg), asJSON)
		},
	}
	c.Flags().StringVarP(&name, "config", "c", "", "the configuration `file`; without it kelpie.yml here")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return c
}

func writeWays(out io.Writer, all []receiverWay, asJSON bool) error {
	if asJSON {
		e := json.NewEncoder(out)
		for _, w := range all {
			if err := e.Encode(w); err != nil {
				return err
			}
		}
		return nil
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(out, "there are no receivers: see alerts.receivers in the configuration")
		return err
	}
	t := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "receiver\tkind\twhere")
	for _, w := range all {
		fmt.Fprintf(t, "%s\t%s\t%s\n", w.Receiver, w.Kind, w.Where)
	}
	return t.Flush()
}
