package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"kelpie/alert"
	"kelpie/alert/words"
	"kelpie/event"
)

// writeAlert writes an alert for people, with what became of the messages about it.
func writeAlert(out io.Writer, a *alert.Alert, sent []alert.Delivery, held []alert.Held) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%s\t%s\n", name, clean(fmt.Sprintf(format, args...), 2000))
	}
	line("id", "%s", a.ID)
	line("rule", "%s, %s, mode %s", a.Rule, a.Severity, a.Mode)
	line("key", "%s", cmp.Or(strings.Join(a.Key, ", "), "-"))
	if a.Message != "" {
		line("message", "%s", a.Message)
	}
	line("opened", "%s by %s", event.FormatTime(a.Opened), openerText(&a.Opener))
	line("updated", "%s, true %s", event.FormatTime(a.Updated), counted(int(a.Evaluations), "time"))
	if a.Open() {
		line("resolved", "no, it is firing")
	} else {
		line("resolved", "%s: %s", event.FormatTime(a.Resolved), reasonText(a.Reason))
	}
	for i, v := range a.Values {
		name := ""
		if i == 0 {
			name = "values"
		}
		line(name, "%s = %s%s", v.Name, event.AppendJSON(nil, v.Value), words.Note(v))
	}
	if len(a.Warming) > 0 {
		line("warming", "%s: their windows could not be full yet", strings.Join(a.Warming, ", "))
	}
	for _, name := range slices.Sorted(maps.Keys(a.Labels)) {
		line("label", "%s = %s", name, a.Labels[name])
	}
	if len(a.Actions) > 0 {
		line("actions", "%s", strings.Join(a.Actions, ", "))
	}
	if a.Evidence != nil {
		line("evidence", "%s to %s", event.FormatTime(a.Evidence.Start), event.FormatTime(a.Evidence.End))
	}
	for _, d := range sent {
		line("sent", "%s to %s: %s", d.Message, d.Receiver, deliveryText(&d))
	}
	for _, h := range held {
		line("held", "from %s: %s", h.Receiver, strings.TrimSpace(h.Reason+" "+h.By))
	}
	if a.Rules != "" {
		line("rules", "version %s", a.Rules)
	}
	return w.Flush()
}

func openerText(o *alert.Opener) string {
	switch {
	case o.Window != nil:
		return fmt.Sprintf("the window %s to %s", event.FormatTime(o.Window.Start), event.FormatTime(o.Window.End))
	case o.Event != "" && o.Position != "":
		return fmt.Sprintf("event %s at %s", o.Event, o.Position)
	}
	return "the event " + cmp.Or(o.Event, "at "+o.Position)
}

// reasonText says in words why an alert is over.
func reasonText(r alert.Reason) string {
	words := map[alert.Reason]string{
		alert.Condition: "its condition does not hold any more",
		alert.Left:      "events have left its window",
		alert.Empty:     "a window without an event has closed",
		alert.Expired:   "nothing was judged for as long as the rule waits",
		alert.Removed:   "the rule is not there any more",
		alert.Point:     "it was about a single event",
	}
	return cmp.Or(words[r], string(r))
}

func deliveryText(d *alert.Delivery) string {
	switch {
	case d.GivenUp:
		return fmt.Sprintf("given up after %s: %s", counted(d.Attempts, "attempt"), d.Error)
	case d.Done > 0:
		return fmt.Sprintf("%s, %s", event.FormatTime(d.Done), counted(d.Attempts, "attempt"))
	case d.Error != "":
		return fmt.Sprintf("waits, %s so far: %s", counted(d.Attempts, "attempt"), d.Error)
	}
	return "waits"
}
