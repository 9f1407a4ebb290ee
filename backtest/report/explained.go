package report

import (
	"fmt"
	"strings"

	"kelpie/backtest"
)

// explainedSection tells every evaluation that was asked for.
func explainedSection(res *backtest.Result) *section {
	x := res.Explained
	if x == nil {
		return nil
	}
	s := &section{id: "why", title: "Why: " + x.Of}
	if len(x.Evaluations) == 0 {
		s.notes = append(s.notes, "No rule was judged: it is not the key of an event of these rules' types, nor the id or the position of such an event.")
	}
	for i := range x.Evaluations {
		s.lines = append(s.lines, evaluationLines(&x.Evaluations[i])...)
	}
	if x.More > 0 {
		s.lines = append(s.lines, fmt.Sprintf("and %s more", thousands(x.More)))
	}
	return s
}

func evaluationLines(e *backtest.Evaluation) []string {
	head := []string{e.Time.String(), e.Rule, e.Key.String()}
	switch {
	case e.Position != "" && e.Event != "":
		head = append(head, "event "+e.Event+" at "+e.Position)
	case e.Position != "":
		head = append(head, "event at "+e.Position)
	case e.Window != nil:
		head = append(head, "the window from "+e.Window.Start.String()+" closed")
	}
	switch {
	case e.Alert != "":
		head = append(head, "held, and alert "+e.Alert+" opened")
	case e.Held:
		head = append(head, "held, and no alert opened: one is open already, or for or cooldown asks for more")
	case e.Abstained != "":
		head = append(head, "no answer: "+e.Abstained)
	default:
		head = append(head, "did not hold")
	}
	if e.Warmup {
		head = append(head, "before the time that counts")
	}
	lines := []string{strings.Join(head, "  ")}
	for _, l := range e.Lines {
		if l != "" {
			lines = append(lines, "    "+l)
		}
	}
	return lines
}
