package main

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"kelpie/alert"
	"kelpie/engine"
	"kelpie/journal"
	"kelpie/server"
)

// sayOptions are what `kelpie alerts ack|label|resolve` have in common.
type sayOptions struct {
	desk    deskFlags
	kind    journal.Kind
	path    string // in the API
	done    string // in words
	comment string
	verdict choice
}

func (o *sayOptions) command(use, short, long, example string) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short, Long: long + "\n\n" + deskHelp, Example: example,
		RunE: func(c *cobra.Command, args []string) error { return o.run(c, args) },
	}
	o.desk.addBy(c.Flags())
	c.Flags().StringVar(&o.comment, "comment", "", "a `text` that is kept with it")
	return c
}

func newAlertsAck() *cobra.Command {
	o := &sayOptions{kind: journal.AlertAcknowledged, path: "acknowledge", done: "acknowledged"}
	c := o.command("ack ID", "Say that you take care of an open alert", `Acknowledges the alert whose id is, or begins with, ID. Receivers are told, and it is not escalated.`,
		`  kelpie alerts ack 3f2a9c04
  kelpie alerts ack 3f2a9c04 --by ann --comment "calling the customer"`)
	c.Args = cobra.ExactArgs(1)
	return c
}

func newAlertsResolve() *cobra.Command {
	o := &sayOptions{kind: journal.AlertResolved, path: "resolve", done: "resolved"}
	c := o.command("resolve ID", "End an open alert by hand", `Resolves the alert whose id is, or begins with, ID. If its rule still holds at the next event, another one opens.`,
		`  kelpie alerts resolve 3f2a9c04
  kelpie alerts resolve 3f2a9c04 -c kelpie.yml --comment "card replaced"`)
	c.Args = cobra.ExactArgs(1)
	return c
}

func newAlertsLabel() *cobra.Command {
	o := &sayOptions{kind: journal.AlertLabelled, path: "label", done: "labelled", verdict: choice{words: []string{alert.TruePositive, alert.FalsePositive}}}
	c := o.command("label ID VERDICT", "Say what an alert turned out to be", `Labels the alert whose id is, or begins with, ID as true_positive or false_positive; the last word counts.`,
		`  kelpie alerts label 3f2a9c04 true_positive
  kelpie alerts label 3f2a9c04 false_positive --comment "a test order"`)
	c.Args = cobra.ExactArgs(2)
	return c
}

func (o *sayOptions) run(c *cobra.Command, args []string) (err error) {
	if len(args) > 1 {
		if err := o.verdict.Set(args[1]); err != nil {
			return fmt.Errorf("VERDICT: %w", err)
		}
	}
	d, err := o.desk.open(server.Operate)
	if err != nil {
		return err
	}
	defer func() {
		if e := d.close(); err == nil {
			err = e
		}
	}()
	if d.api == nil {
		return o.write(c, d, args[0])
	}
	body := map[string]string{"by": d.speaker(), "comment": o.comment, "verdict": o.verdict.value}
	for name, text := range body {
		if text == "" {
			delete(body, name)
		}
	}
	answer, err := d.api.call(c.Context(), "POST", "/v1/alerts/"+args[0]+"/"+o.path, body)
	if err != nil {
		return err
	}
	if o.desk.asJSON {
		_, err := c.OutOrStdout().Write(answer)
		return err
	}
	var a alert.Alert
	if err := json.Unmarshal(answer, &a); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "%s %.8s: %s, %s\n", o.done, a.ID, a.Rule, keyText(a.Key))
	return err
}

// write puts the command into the log of a service that does not run.
func (o *sayOptions) write(c *cobra.Command, d *counter, typed string) error {
	s, err := openState(d.cfg)
	if err != nil {
		return err
	}
	defer s.Close()
	masks, err := o.desk.data.masks(d.cfg)
	if err != nil {
		return err
	}
	a, err := findAlert(s, strings.ToLower(typed), masks)
	if err != nil {
		return err
	}
	if !a.Open() && o.kind != journal.AlertLabelled {
		return fmt.Errorf("%.8s has resolved already", a.ID)
	}
	x := engine.Command{Kind: o.kind, Alert: a.ID, By: d.speaker(), Verdict: o.verdict.value, Comment: o.comment}
	payload, err := x.Entry()
	if err != nil {
		return err
	}
	at, err := d.write(c.Context(), o.kind, payload)
	if err != nil {
		return err
	}
	return written(c, o.desk.asJSON, at, fmt.Sprintf("%s %.8s: %s, %s", o.done, a.ID, a.Rule, keyText(a.Masked(masks).Key)))
}

// written says that something stands in the log, and is carried out later.
func written(c *cobra.Command, asJSON bool, at int64, what string) error {
	if asJSON {
		return json.NewEncoder(c.OutOrStdout()).Encode(map[string]any{"position": fmt.Sprintf("log@%d", at), "pending": true})
	}
	_, err := fmt.Fprintf(c.OutOrStdout(), "%s\n    the service does not run: this is log@%d, carried out when it starts\n", what, at)
	return err
}

func newAlertsRedeliver() *cobra.Command {
	var o deskFlags
	var to string
	c := &cobra.Command{
		Use:   "redeliver ID",
		Short: "Send the newest notification about an alert once more",
		Long: `Sends the newest notification about the alert whose id is, or begins with, ID once more, under its key: to all receivers
that were told, or to one. The service must run.`,
		Example: `  kelpie alerts redeliver 3f2a9c04
  kelpie alerts redeliver 3f2a9c04 --to team/slack`,
		Args: cobra.ExactArgs(1),
	}
	o.add(c.Flags())
	c.Flags().StringVar(&to, "to", "", "only to this `receiver`: team, or team/slack for one of its ways")
	c.RunE = func(c *cobra.Command, args []string) error {
		api, err := o.service(server.Operate)
		if err != nil {
			return err
		}
		answer, err := api.call(c.Context(), "POST", "/v1/alerts/"+args[0]+"/redeliver", map[string]string{"receiver": to})
		if err != nil {
			return err
		}
		if o.asJSON {
			_, err := c.OutOrStdout().Write(answer)
			return err
		}
		var n struct{ Sending int }
		if err := json.Unmarshal(answer, &n); err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.OutOrStdout(), "%s on the way\n", counted(n.Sending, "notification"))
		return err
	}
	return c
}

// service returns the API of a service, which must run.
func (d *deskFlags) service(scope server.Scope) (*client, error) {
	x, err := d.open(scope)
	if err != nil {
		return nil, err
	}
	if x.api == nil {
		if err := x.close(); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("the service does not run: nobody has %s open", x.cfg.Log.Dir)
	}
	return x.api, nil
}
