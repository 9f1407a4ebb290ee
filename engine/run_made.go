package engine

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"kelpie/event"
)

// madeDecision is a DecisionMade of the log.
type madeDecision struct {
	offset  int64
	payload []byte
}

// decisionEvent writes the DecisionMade that follows an event, whose type is at a path.
func decisionEvent(typ event.Path, line []byte, d *Decision) []byte {
	was := []byte("null")
	out := event.AppendReplaced(make([]byte, 0, len(line)+256), line, typ, func(dst, old []byte) []byte {
		if len(old) > 0 {
			was = old
		}
		return appendString(dst, DecisionMade)
	})
	return event.AppendReplaced(make([]byte, 0, len(out)+256), out, event.Path{"decision"}, func(dst, _ []byte) []byte {
		dst = appendString(append(dst, `{"answer":`...), d.Answer)
		dst = append(append(dst, `,"of":`...), was...)
		dst = append(dst, `,"rules":[`...)
		for i, rule := range d.Rules {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendString(dst, rule)
		}
		dst = append(dst, `],"position":"log@`...)
		dst = append(strconv.AppendInt(dst, d.Offset, 10), '"')
		if d.Exceeded {
			dst = append(dst, `,"exceeded":true`...)
		}
		return append(dst, '}')
	})
}

// decided notes that decisions are in the log.
func (l *loop) decided(x *stretch) error {
	for i := range x.lines {
		if l.s.o.KeepMade {
			l.made = append(l.made, madeDecision{x.lines[i].Offset, slices.Clone(x.payload(i))})
		}
		d, err := x.decision(i)
		if err != nil {
			return fmt.Errorf("engine: log@%d: %w", x.lines[i].Offset, err)
		}
		known, ok, err := l.s.decisions.get(l.s.o.Store, d.Offset)
		if err != nil {
			return err
		}
		if !ok {
			known = Decision{Alerts: []string{}, Offset: d.Offset, Appended: x.appended}
		}
		known.Answer, known.Rules, known.Made = d.Answer, d.Rules, true
		l.s.decisions.put(known)
	}
	return nil
}

// decision returns what the DecisionMade of a line says: answer, rules and the offset of the event that was asked about.
func (x *stretch) decision(i int) (d Decision, err error) {
	if x.requests != nil && x.requests[i].decision != nil {
		return *x.requests[i].decision, nil
	}
	var made struct {
		Decision struct {
			Answer   string   `json:"answer"`
			Rules    []string `json:"rules"`
			Position string   `json:"position"`
		} `json:"decision"`
	}
	if err := json.Unmarshal(x.payload(i), &made); err != nil {
		return d, err
	}
	if _, err := fmt.Sscanf(made.Decision.Position, "log@%d", &d.Offset); err != nil {
		return d, fmt.Errorf("%q is no position of the log", made.Decision.Position)
	}
	d.Answer, d.Rules = made.Decision.Answer, made.Decision.Rules
	return d, nil
}
