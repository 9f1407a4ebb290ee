package oracle

import (
	"bytes"
	"encoding/json"
	"strconv"

	"kelpie/event"
)

// WriteRows writes rows as JSON lines, in the form of the cases.
func WriteRows(rows []Row) []byte {
	var b bytes.Buffer
	for _, r := range rows {
		b.WriteString(`{"rule": ` + quote(r.Rule) + `, "key": `)
		b.Write(r.Key.json())
		b.WriteString(`, "time": ` + timeText(r.Time))
		if r.ID != "" {
			b.WriteString(`, "id": ` + quote(r.ID))
		}
		if r.Position != "" {
			b.WriteString(`, "position": ` + quote(r.Position))
		}
		b.WriteString(`, "values": {`)
		for i, v := range r.Values {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(quote(v.Name) + ": ")
			b.Write(event.AppendJSON(nil, v.Value))
		}
		b.WriteString(`}, "fired": ` + strconv.FormatBool(r.Fired))
		b.WriteString(windowText(r.Window))
		if r.Late {
			b.WriteString(`, "late": true`)
		}
		if r.Abstained != "" {
			b.WriteString(`, "abstained": ` + quote(r.Abstained))
		}
		if r.Inexact != nil {
			names, _ := json.Marshal(r.Inexact)
			b.WriteString(`, "inexact": `)
			b.Write(names)
		}
		if r.Approx != nil {
			off, _ := json.Marshal(r.Approx)
			b.WriteString(`, "approx": `)
			b.Write(off)
		}
		b.WriteString("}\n")
	}
	return b.Bytes()
}

// WriteAlerts writes the alerts' lives as JSON lines, in order of opening.
func WriteAlerts(alerts []Alert) []byte {
	var b bytes.Buffer
	for _, a := range alerts {
		b.WriteString(`{"rule": ` + quote(a.Rule) + `, "key": `)
		b.Write(a.Key.json())
		b.WriteString(`, "opened": ` + timeText(a.Opened))
		if a.ID != "" {
			b.WriteString(`, "id": ` + quote(a.ID))
		}
		if a.Position != "" {
			b.WriteString(`, "position": ` + quote(a.Position))
		}
		b.WriteString(windowText(a.Window))
		if a.Resolved != nil {
			b.WriteString(`, "resolved": ` + timeText(*a.Resolved))
		}
		b.WriteString("}\n")
	}
	return b.Bytes()
}

// json writes a key: the keys of a compound `by` are a list.
func (k Key) json() []byte {
	if len(k) == 1 {
		return []byte(quote(k[0]))
	}
	list, _ := json.Marshal([]string(k))
	return list
}

func windowText(w *Span) string {
	if w == nil {
		return ""
	}
	return `, "window": {"start": ` + timeText(w.Start) + `, "end": ` + timeText(w.End) + `}`
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func timeText(ms int64) string { return quote(event.FormatTime(ms)) }
