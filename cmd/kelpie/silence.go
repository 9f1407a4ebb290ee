package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"kelpie/alert"
	"kelpie/engine"
	"kelpie/event"
	"kelpie/journal"
	"kelpie/server"
)

func newSilence() *cobra.Command {
	return group(&cobra.Command{
		Use:   "silence",
		Short: "Silence alerts for a while",
		Long:  "Nobody is told of alerts that a silence matches; they open and resolve as ever, and can be seen.\n\n" + deskHelp,
		Example: `  kelpie silence add 'rule = order-burst' 'customer_id = c17' --for 2h --comment "load test"
  kelpie silence list`,
	}, newSilenceAdd(), newSilenceList(), newSilenceExpire())
}

func newSilenceAdd() *cobra.Command {
	var o deskFlags
	var length duration
	var comment string
	c := &cobra.Command{
		Use:   "add MATCHER...",
		Short: "Silence the alerts that match, from now on",
		Long: `Silences the alerts whose labels fulfil all matchers, in Alertmanager's words: = != =~ !~. Labels are rule, severity,
mode, key, the rule's own, and the fields of the key.

` + deskHelp,
		Example: `  kelpie silence add 'rule = order-burst' --for 2h
  kelpie silence add 'team =~ "fraud|risk"' 'severity != critical' --for 1d --by ann --comment "migration"`,
		Args: cobra.MinimumNArgs(1),
	}
	o.addBy(c.Flags())
	c.Flags().Var(&length, "for", "for how long, such as 2h")
	c.Flags().StringVar(&comment, "comment", "", "a `text` that is kept with it")
	c.RunE = func(c *cobra.Command, args []string) (err error) {
		if length <= 0 {
			return fmt.Errorf("silence add: say for how long: --for 2h")
		}
		x := alert.Silence{Comment: comment, From: time.Now().UnixMilli()}
		x.To = x.From + int64(length)
		for _, text := range args {
			m, err := alert.ParseMatcher(text)
			if err != nil {
				return err
			}
			x.Match = append(x.Match, m)
		}
		d, err := o.open(server.Operate)
		if err != nil {
			return err
		}
		defer func() {
			if e := d.close(); err == nil {
				err = e
			}
		}()
		x.By = d.speaker()
		if d.api == nil {
			id, payload, err := engine.SilenceEntry(x)
			if err != nil {
				return err
			}
			at, err := d.write(c.Context(), journal.SilenceAdded, payload)
			if err != nil {
				return err
			}
			return written(c, o.asJSON, at, "silence "+id)
		}
		body := map[string]any{"match": args, "for": length.String(), "comment": comment}
		if x.By != "" {
			body["by"] = x.By
		}
		answer, err := d.api.call(c.Context(), "POST", "/v1/silences", body)
		return printSilence(c.OutOrStdout(), o.asJSON, answer, err)
	}
	return c
}

// printSilence prints one silence that the API has answered with.
func printSilence(out io.Writer, asJSON bool, answer []byte, err error) error {
	if err != nil {
		return err
	}
	if asJSON {
		_, err := out.Write(answer)
		return err
	}
	var x alert.Silence
	if err := json.Unmarshal(answer, &x); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "silence %s: %s until %s\n", x.ID, x.Match, event.FormatTime(x.To))
	return err
}

func newSilenceList() *cobra.Command {
	var o deskFlags
	var all bool
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the silences that hold or will hold",
		Long:    "Lists silences, as they are in the state.\n\n" + lookHelp,
		Example: "  kelpie silence list\n  kelpie silence list --all --json\n  kelpie silence list --url https://kelpie.example.com:9470",
		Args:    cobra.NoArgs,
	}
	o.add(c.Flags())
	o.data.addUnmask(c.Flags())
	c.Flags().BoolVar(&all, "all", false, "also those that are over and still kept")
	c.RunE = func(c *cobra.Command, _ []string) error {
		api, err := o.addressed()
		if err != nil {
			return err
		}
		var found []server.ListedSilence
		if api != nil {
			found, err = o.silencesAfar(c.Context(), api)
		} else {
			found, err = o.silences()
		}
		if err != nil {
			return err
		}
		if !all {
			found = slices.DeleteFunc(found, func(x server.ListedSilence) bool { return x.State == alert.SilenceExpired })
		}
		return writeSilences(c.OutOrStdout(), found, o.asJSON)
	}
	return c
}

// silences reads the silences from the folder, as they may be seen.
func (d *deskFlags) silences() (list []server.ListedSilence, err error) {
	_, s, masks, err := d.data.openShown()
	if err != nil {
		return nil, err
	}
	defer s.Close()
	found, err := alert.Silences(s)
	now := time.Now().UnixMilli()
	for _, x := range found {
		list = append(list, server.ListedSilence{Silence: x.Masked(masks), State: x.State(now)})
	}
	return list, err
}

func writeSilences(out io.Writer, list []server.ListedSilence, asJSON bool) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	if !asJSON {
		fmt.Fprintln(w, "ID\tSTATE\tFROM\tTO\tBY\tMATCH\tCOMMENT")
	}
	for _, x := range list {
		if !asJSON {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", x.ID, x.State, event.FormatTime(x.From), event.FormatTime(x.To), clean(x.By, 40), clean(x.Match.String(), textWidth), clean(x.Comment, textWidth))
			continue
		}
		line, err := x.MarshalJSON()
		if err != nil {
			return err
		}
		if _, err := out.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return w.Flush()
}

func newSilenceExpire() *cobra.Command {
	var o deskFlags
	var comment string
	c := &cobra.Command{
		Use:     "expire ID",
		Short:   "End a silence now",
		Long:    "Ends a silence: alerts that are firing are told then.\n\n" + deskHelp,
		Example: "  kelpie silence expire JQ2XW7K5\n  kelpie silence expire JQ2XW7K5 --by ann --comment fixed",
		Args:    cobra.ExactArgs(1),
	}
	o.addBy(c.Flags())
	c.Flags().StringVar(&comment, "comment", "", "a `text` that is kept with it")
	c.RunE = func(c *cobra.Command, args []string) (err error) {
		d, err := o.open(server.Operate)
		if err != nil {
			return err
		}
		defer func() {
			if e := d.close(); err == nil {
				err = e
			}
		}()
		if d.api != nil {
			body := map[string]string{"comment": comment}
			if by := d.speaker(); by != "" {
				body["by"] = by
			}
			answer, err := d.api.call(c.Context(), "DELETE", "/v1/silences/"+url.PathEscape(args[0]), body)
			return printSilence(c.OutOrStdout(), o.asJSON, answer, err)
		}
		payload, err := engine.ExpiryEntry(args[0], d.speaker(), comment)
		if err != nil {
			return err
		}
		at, err := d.write(c.Context(), journal.SilenceExpired, payload)
		if err != nil {
			return err
		}
		return written(c, o.asJSON, at, "silence "+args[0]+" ends")
	}
	return c
}
