package rules

import (
	"slices"
	"strings"

	"kelpie/event"
	"kelpie/rules/yaml"
)

// reader reads values of one file's tree and reports what is wrong with them.
type reader struct {
	*loader
	*source
	node *yaml.Node // of a test: its mapping
}

// errorAt reports a mistake in the bytes of the file.
func (rd *reader) errorAt(from, to int, hint, format string, args ...any) {
	rd.wrong++
	if len(rd.errs) < maxErrors {
		rd.errs = append(rd.errs, rd.error(from, to, hint, format, args...))
	}
}

// fail reports a mistake about a whole node: of a scalar all of it, of a mapping or list where it begins.
func (rd *reader) fail(n *yaml.Node, hint, format string, args ...any) {
	end := n.End
	if n.Kind != yaml.Scalar {
		end = n.Offset + 1
	}
	rd.errorAt(n.Offset, end, hint, format, args...)
}

// failIn reports a mistake in a part of a scalar's text.
func (rd *reader) failIn(s span, hint, format string, args ...any) {
	from := s.node.At(s.off)
	to := from + 1
	if s.text != "" {
		to = max(to, s.node.At(s.off+len(s.text)-1)+1)
	}
	rd.errorAt(from, to, hint, format, args...)
}

// whole is the span of a scalar's text without white space around it.
func whole(n *yaml.Node) span { return trimmed(span{n.Text, n, 0}) }

// mapping returns the values of a mapping by key and refuses keys that are not known. ok is false for what is none.
func (rd *reader) mapping(n *yaml.Node, what string, known ...string) (values map[string]*yaml.Node, ok bool) {
	values = map[string]*yaml.Node{}
	switch n.Kind {
	case yaml.Bad:
		return values, false
	case yaml.Map:
	case yaml.Empty:
		rd.fail(n, "", "%s must be a mapping (key: value), and nothing stands here", what)
		return values, false
	default:
		rd.fail(n, "", "%s must be a mapping (key: value), not %s", what, n.Kind)
		return values, false
	}
	for _, e := range n.Entries {
		name := e.Key.Text
		if !slices.Contains(known, name) {
			rd.unknownKey(e.Key, what, known)
			continue
		}
		if _, twice := values[name]; !twice {
			values[name] = e.Value
		}
	}
	return values, true
}

// later are keys of the language that this version does not read.
var later = []string{"sequence", "within"}

func (rd *reader) unknownKey(key *yaml.Node, what string, known []string) {
	switch {
	case slices.Contains(later, key.Text) && slices.Contains(known, "when"):
		rd.fail(key, "", "%s: is not supported yet", key.Text)
	default:
		hint := didYouMean(key.Text, known)
		if hint == "" {
			hint = "known are " + strings.Join(known, ", ")
		}
		rd.fail(key, hint, "%s has no key %q", what, key.Text)
	}
}

// holdsBad reports whether some part of a tree could not be read.
func holdsBad(n *yaml.Node) bool {
	return n.Kind == yaml.Bad || slices.ContainsFunc(n.Entries, func(e yaml.Entry) bool { return holdsBad(e.Value) })
}

// items returns the items of a list; a missing one has none.
func (rd *reader) items(n *yaml.Node, what, item string) (out []*yaml.Node) {
	if n == nil || n.Kind == yaml.Empty || n.Kind == yaml.Bad {
		return nil
	}
	if n.Kind != yaml.List {
		rd.fail(n, "begin each with a dash", "%s must be a list, not %s", what, n.Kind)
		return nil
	}
	for _, e := range n.Entries {
		switch e.Value.Kind {
		case yaml.Bad:
		case yaml.Empty:
			rd.fail(e.Value, "", "%s must stand here", item)
		default:
			out = append(out, e.Value)
		}
	}
	return out
}

// text returns a scalar's text without white space around it; ok is false, and a mistake reported, if there is none.
func (rd *reader) text(n *yaml.Node, what string) (s span, ok bool) {
	switch {
	case n == nil || n.Kind == yaml.Bad:
		return s, false
	case n.Kind != yaml.Scalar:
		rd.fail(n, "", "%s must be a text, not %s", what, n.Kind)
		return s, false
	}
	s = whole(n)
	if s.text == "" {
		rd.fail(n, "", "%s is empty", what)
		return s, false
	}
	return s, true
}

// texts returns a text or a list of texts, each once.
func (rd *reader) texts(n *yaml.Node, what string) (out []span) {
	if n == nil {
		return nil
	}
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.List {
		nodes = rd.items(n, what, what)
	}
	seen := map[string]bool{}
	for _, n := range nodes {
		s, ok := rd.text(n, what)
		switch {
		case ok && seen[s.text]:
			rd.failIn(s, "", "%s stands here twice", s.text)
		case ok:
			seen[s.text] = true
			out = append(out, s)
		}
	}
	return out
}

// choice returns one of a few words, or other where the key is not given or wrong.
func (rd *reader) choice(n *yaml.Node, what, other string, words ...string) string {
	if n == nil {
		return other
	}
	s, ok := rd.text(n, what)
	if !ok {
		return other
	}
	if !slices.Contains(words, s.text) {
		rd.failIn(s, didYouMean(s.text, words), "%s must be one of %s, not %q", what, strings.Join(words, ", "), s.text)
		return other
	}
	return s.text
}

// duration returns a duration in milliseconds; one that must be positive is refused if it is 0.
func (rd *reader) duration(n *yaml.Node, what string, positive bool) (ms int64, ok bool) {
	if n == nil {
		return 0, false
	}
	s, ok := rd.text(n, what)
	if !ok {
		return 0, false
	}
	return rd.durationIn(s, what, positive)
}

func (rd *reader) durationIn(s span, what string, positive bool) (ms int64, ok bool) {
	ms, err := ParseDuration(s.text)
	switch {
	case err != nil:
		rd.failIn(s, "", "%s: %s", what, err)
	case ms == 0 && positive:
		rd.failIn(s, "", "%s must be longer than 0", what)
	default:
		return ms, true
	}
	return 0, false
}

// path parses a field's path.
func (rd *reader) path(s span, what string) (p event.Path, ok bool) {
	p, err := event.ParsePath(s.text)
	if err != nil {
		msg := err.Error()
		if i := strings.LastIndex(msg, ": "); i >= 0 {
			msg = msg[i+2:]
		}
		rd.failIn(s, `a path is written device.id or "@timestamp"`, "%s: %q is no path: %s", what, s.text, msg)
		return nil, false
	}
	if rd.Types != nil && rd.Strict && !rd.knows(p) {
		rd.failIn(s, didYouMean(p.String(), fieldNames(rd.Types)), "%s: there is no field %s", what, p)
		return nil, false
	}
	return rd.typePath(p), true
}

// knows reports whether a path is a declared field, holds one, or lies within one of any type.
func (l *loader) knows(p event.Path) bool {
	name := p.String()
	if _, ok := l.Types[name]; ok || name == "type" || name == "time" {
		return true
	}
	for f, t := range l.Types {
		if strings.HasPrefix(f, name+".") || t == AnyType && strings.HasPrefix(name, f+".") {
			return true
		}
	}
	return false
}

func fieldNames(types map[string]Type) (names []string) {
	for name := range types {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// typePath puts the configured place of the event's type in place of the name `type`.
func (l *loader) typePath(p event.Path) event.Path {
	if len(p) == 1 && p[0] == "type" {
		if t, err := event.ParsePath(l.Event.WithDefaults().Type); err == nil {
			return t
		}
	}
	return p
}

// paths parses a key: a path or a list of paths.
func (rd *reader) paths(spans []span, what string) (out []event.Path) {
	for _, s := range spans {
		if p, ok := rd.path(s, what); ok {
			out = append(out, p)
		}
	}
	return out
}

// srcError reports a mistake in an expression that is a part of a scalar.
func (rd *reader) srcError(in span, e *SrcError) {
	off := min(max(e.Offset, 0), len(in.text))
	width := max(1, min(e.Width, len(in.text)-off))
	rd.failIn(span{in.text[off:min(off+width, len(in.text))], in.node, in.off + off}, e.Hint, "%s", e.Message)
}
