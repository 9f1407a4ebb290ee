package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"kelpie/engine"
)

// writePlan prints how rules are carried out.
func writePlan(out io.Writer, x *engine.Explanation) error {
	w := tabwriter.NewWriter(out, 0, 8, 3, ' ', 0)
	fmt.Fprintf(w, "\nEvent types: %s\nFields that are decoded: %s\n", list(x.Types, "any"), list(x.Fields, "none"))
	fmt.Fprintf(w, "\nRows: one per key\n")
	for i := range x.Rows {
		writeRowPlan(w, &x.Rows[i])
	}
	fmt.Fprintf(w, "\nFacts: each is kept once for all rules that name it\n")
	for _, f := range x.Facts {
		share := ""
		if len(f.Rules) > 1 {
			share = fmt.Sprintf("shared by %d: ", len(f.Rules))
		}
		fmt.Fprintf(w, "  %s\tby %s\tkept as %s%s\t%s%s\n", f.Fact, keyName(f.Key), f.Kept, exactness(f), share, strings.Join(f.Rules, ", "))
	}
	fmt.Fprintf(w, "\nRules: what each needs of history, and so how long a new one warms up\n")
	for _, r := range x.Rules {
		history := r.History
		if history == "0s" {
			history = "none"
		}
		fmt.Fprintf(w, "  %s\tby %s\ton %s\t%s\t%s\n", r.Rule, keyName(r.Key), strings.Join(r.Judged, " and "), history,
			strings.Join(append(r.Windows, r.Tables...), ", "))
	}
	return w.Flush()
}

func writeRowPlan(w io.Writer, r *engine.RowPlan) {
	fmt.Fprintf(w, "  by %s\t%s", keyName(r.Key), list(r.Rules, "no rule"))
	if len(r.Tables) > 0 {
		fmt.Fprintf(w, "; tables %s", strings.Join(r.Tables, ", "))
	}
	if r.Alone != "" {
		fmt.Fprintf(w, " (one shard: %s reads several keys)", r.Alone)
	}
	fmt.Fprintf(w, "\n    \t%d bytes and the key\n", r.Fixed)
	for _, e := range r.PerEvent {
		fmt.Fprintf(w, "    \t+ %d bytes an event, %s: %s\n", e.Bytes, e.Kept, e.Events)
	}
	for _, c := range r.PerWindow {
		most := "open ones only"
		if c.AtMost > 0 {
			most = fmt.Sprintf("at most %d", c.AtMost)
		}
		fmt.Fprintf(w, "    \t+ %d bytes a window %s, %s\n", c.Bytes, c.Window, most)
	}
}

func keyName(key string) string {
	if key == "" {
		return "(no key)"
	}
	return key
}

func list(items []string, none string) string {
	if len(items) == 0 {
		return none
	}
	return strings.Join(items, ", ")
}

// exactness says of a fact that is not always exact how far it is.
func exactness(f engine.FactPlan) string {
	if f.Exact == 0 {
		return ""
	}
	return fmt.Sprintf(", exact up to %s values, then ±%.2g%%", thousands(int64(f.Exact)), 100*f.Off)
}
