package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"kelpie/event"
	"kelpie/rules/yaml"
)

// typeNames and timeNames are what fields for an event's type and time are usually called; earlier ones are likelier.
var (
	typeNames = []string{"type", "event_type", "eventType", "event", "kind", "EventID", "event_id", "action", "name", "@stream", "_path", "category"}
	timeNames = []string{"time", "timestamp", "@timestamp", "ts", "event_time", "eventTime", "created_at", "date", "TimeCreated", "SystemTime"}
)

// suggestSpec looks for fields that can be the type and the time, where the given ones are missing in most events.
func (in *Inference) suggestSpec() {
	given := in.Spec
	always := func(f FieldStats) bool { return 100*f.Present >= 99*in.Events }
	if t := in.likeliest(typeNames, func(f FieldStats) bool {
		return always(f) && f.Type != ListType && f.Type != AnyType && f.Distinct < maxInferDistinct && f.Times < f.Present
	}); t != "" && in.Refused[event.MissingType] > 0 {
		in.Spec.Type = t
	}
	if t := in.likeliest(timeNames, func(f FieldStats) bool { return always(f) && 100*f.Times >= 99*f.Present }); t != "" &&
		(in.Refused[event.MissingTime]+in.Refused[event.UnparsableTime] > 0 || in.Refused[event.MissingType] > 0 && !in.hasTime(given.Time)) {
		in.Spec.Time = t
	}
	in.Changed = in.Spec != given
}

// hasTime reports whether a path is a field that holds times.
func (in *Inference) hasTime(path string) bool {
	return slices.ContainsFunc(in.Fields, func(f FieldStats) bool { return f.Path.String() == path && f.Times > 0 })
}

// likeliest returns the path of a field that fits and has the likeliest name: the names in order, shorter paths first.
// A field with another name is never taken.
func (in *Inference) likeliest(names []string, fit func(FieldStats) bool) string {
	var found []FieldStats
	for _, f := range in.Fields {
		if fit(f) && slices.Contains(names, f.Path[len(f.Path)-1]) {
			found = append(found, f)
		}
	}
	if found == nil {
		return ""
	}
	rank := func(f FieldStats) int { return slices.Index(names, f.Path[len(f.Path)-1]) }
	best := slices.MinFunc(found, func(a, b FieldStats) int {
		return cmp.Or(cmp.Compare(len(a.Path), len(b.Path)), cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Path.String(), b.Path.String()))
	})
	return best.Path.String()
}

// Config writes the part `event:` of a configuration that fits the sample: where type and time stand if that is not
// the default, and the type of every field.
func (in *Inference) Config() string {
	var b strings.Builder
	b.WriteString("event:\n")
	def := event.Spec{}.WithDefaults()
	if in.Spec.Preset != "" {
		b.WriteString("  preset: " + yaml.Text(in.Spec.Preset, false) + "\n")
	}
	for _, s := range []struct{ key, path, def string }{{"type", in.Spec.Type, def.Type}, {"time", in.Spec.Time, def.Time}, {"id", in.Spec.ID, def.ID}} {
		if s.path != s.def {
			b.WriteString("  " + s.key + ": " + yaml.Text(s.path, false) + "\n")
		}
	}
	if len(in.Fields) == 0 {
		b.WriteString("  fields: {}\n")
		return b.String()
	}
	b.WriteString("  fields:\n")
	width := 0
	for _, f := range in.Fields {
		width = max(width, len(yaml.Text(f.Path.String(), false)))
	}
	for _, f := range in.Fields {
		line := fmt.Sprintf("    %-*s %s", width+1, yaml.Text(f.Path.String(), false)+":", f.typeWord())
		if note := in.note(f); note != "" {
			line = fmt.Sprintf("%-*s # %s", width+14, line, note)
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// typeWord is the field's type as the configuration writes it.
func (f *FieldStats) typeWord() string {
	if f.Type == AnyType {
		return "any"
	}
	return f.Type.String()
}

// note says how often a field is there, and what it holds, where the type alone does not.
func (in *Inference) note(f FieldStats) string {
	var notes []string
	if f.Present == 0 {
		return "always null"
	}
	if f.Present < in.Events {
		notes = append(notes, fmt.Sprintf("in %s of events", share(f.Present, in.Events)))
	}
	if f.Type == AnyType {
		var kinds []string
		for k, n := range f.kinds {
			if n > 0 {
				kinds = append(kinds, fmt.Sprintf("%s %s", share(n, f.Present), [...]string{"objects", "numbers", "strings", "bools", "lists", "events"}[k]))
			}
		}
		notes = append(notes, strings.Join(kinds, ", "))
	}
	return strings.Join(notes, "; ")
}

// share writes n of all as a percentage that is neither 0 nor 100 unless it is so exactly.
func share(n, all int64) string {
	switch p := float64(n) * 100 / float64(all); {
	case p < 0.1:
		return "under 0.1%"
	case n < all && p > 99.9:
		return "over 99.9%"
	case p < 10 || p > 90 && n < all:
		return fmt.Sprintf("%.1f%%", p)
	default:
		return fmt.Sprintf("%.0f%%", p)
	}
}
