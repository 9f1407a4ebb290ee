package engine

import (
	"encoding/json"

	"kelpie/event"
	"kelpie/window"
)

// Lives puts the changes of alerts together into one line for each alert, in the order of opening.
type Lives struct {
	list []*life
	byID map[string]*life
}

type life struct {
	opened   Change
	resolved int64
	done     bool
}

// Add takes changes in fold order.
func (l *Lives) Add(changes []Change) {
	if l.byID == nil {
		l.byID = map[string]*life{}
	}
	for _, c := range changes {
		switch c.Kind {
		case Opened:
			x := &life{opened: c}
			l.list = append(l.list, x)
			l.byID[c.ID] = x
		case Resolved:
			if x := l.byID[c.ID]; x != nil {
				x.resolved, x.done = c.At, true
				delete(l.byID, c.ID)
			}
		}
	}
}

// Append appends the lives as JSON lines: rule, key, opened, what opened it, and resolved unless it is still open.
func (l *Lives) Append(b []byte) []byte {
	for _, x := range l.list {
		c := &x.opened
		b = append(b, `{"rule":`...)
		b = appendString(b, c.Rule.Name)
		b = append(b, `,"key":`...)
		b = appendKeyText(b, c.Key)
		b = append(b, `,"opened":"`...)
		b = append(b, event.FormatTime(c.Opened)...)
		b = append(b, '"')
		if c.EventID != "" {
			b = append(b, `,"id":`...)
			b = appendString(b, c.EventID)
		}
		if c.Position != "" {
			b = append(b, `,"position":`...)
			b = appendString(b, c.Position)
		}
		if c.Window != nil {
			b = append(b, `,"window":`...)
			b = appendSpan(b, window.Span(*c.Window))
		}
		if x.done {
			b = append(b, `,"resolved":"`...)
			b = append(b, event.FormatTime(x.resolved)...)
			b = append(b, '"')
		}
		b = append(b, '}', '\n')
	}
	return b
}

func appendKeyText(b []byte, key []string) []byte {
	if len(key) == 1 {
		return appendString(b, key[0])
	}
	t, _ := json.Marshal(key)
	return append(b, t...)
}
