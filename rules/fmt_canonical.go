package rules

import (
	"slices"
	"strings"
	"unicode/utf8"

	"kelpie/rules/yaml"
)

// canonicalFile lays out a whole file.
func canonicalFile(n *yaml.Node) *layout {
	return mapLayout(n, func(key string, v *yaml.Node) *layout {
		switch key {
		case "rules":
			return namedLayout(v, canonicalRule)
		case "tables":
			return namedLayout(v, canonicalTable)
		case "tests":
			l := listLayout(v, canonicalTest)
			l.apart = !l.flow
			return l
		}
		return anyLayout(v)
	}).apartIf(true)
}

// declarationText is the canonical YAML of one rule or table: a file that holds it alone, without comments, in block
// style. What a reader of the language does not see makes no difference to it.
func declarationText(section string, d declaration, body func(*yaml.Node) *layout) string {
	l := body(d.body)
	l.bare()
	named := &layout{entries: []layoutEntry{{key: writtenKey(d.name), value: l}}}
	p := &printer{}
	p.collection(&layout{entries: []layoutEntry{{key: section, value: named}}}, 0)
	return p.b.String()
}

// bare takes away comments and everything that is a matter of taste.
func (l *layout) bare() {
	l.foot, l.align, l.apart = nil, false, false
	l.flow = l.list
	for i := range l.entries {
		e := &l.entries[i]
		e.head, e.tail, e.blank = nil, "", false
		e.value.bare()
	}
}

func (l *layout) apartIf(b bool) *layout {
	l.apart = b
	return l
}

// namedLayout lays out a mapping from names to rules or tables.
func namedLayout(n *yaml.Node, body func(*yaml.Node) *layout) *layout {
	l := mapLayout(n, func(_ string, v *yaml.Node) *layout { return body(v) })
	l.flow = false
	return l.apartIf(true)
}

// canonicalRule lays out a rule.
func canonicalRule(n *yaml.Node) *layout {
	l := mapLayout(n, func(key string, v *yaml.Node) *layout {
		switch key {
		case "event", "by", "actions", "on":
			return textsLayout(v)
		case "where", "ready", "when", "resolve":
			return expressionLayout(v)
		case "params", "labels":
			return anyLayout(v)
		case "let":
			facts := mapLayout(v, func(_ string, f *yaml.Node) *layout { return canonicalFact(f) })
			facts.align = true
			return facts
		}
		return textLayout(v)
	})
	l.flow = false
	l.order(ruleKeys)
	return l
}

// canonicalTable lays out a table.
func canonicalTable(n *yaml.Node) *layout {
	l := mapLayout(n, func(key string, v *yaml.Node) *layout {
		if key != "on" {
			return textsLayout(v)
		}
		on := mapLayout(v, func(_ string, fields *yaml.Node) *layout {
			return mapLayout(fields, func(_ string, x *yaml.Node) *layout { return expressionLayout(x) })
		})
		on.align, on.flow = true, false
		return on
	})
	l.flow = false
	l.order(tableKeys)
	return l
}

// canonicalTest lays out a test.
func canonicalTest(n *yaml.Node) *layout {
	l := mapLayout(n, func(key string, v *yaml.Node) *layout {
		switch key {
		case "given", "expect":
			l := listLayout(v, anyLayout)
			l.flow = len(l.entries) == 0
			return l
		case "time":
			return anyLayout(v)
		}
		return textLayout(v)
	})
	l.flow = false
	l.order(testKeys)
	for i := range l.entries {
		l.entries[i].blank = false
	}
	return l
}

// order sorts the entries by a list of keys; keys that are not in it stay behind, in order of writing.
func (l *layout) order(keys []string) {
	rank := func(e layoutEntry) int {
		if i := slices.Index(keys, e.key); i >= 0 {
			return i
		}
		return len(keys)
	}
	sorted := slices.Clone(l.entries)
	slices.SortStableFunc(sorted, func(a, b layoutEntry) int { return rank(a) - rank(b) })
	if !slices.EqualFunc(sorted, l.entries, func(a, b layoutEntry) bool { return a.key == b.key }) {
		for i := range sorted {
			sorted[i].blank = false // empty lines divide an order that is gone
		}
	}
	l.entries = sorted
}

// canonicalFact lays out a fact: an aggregate in its short form.
func canonicalFact(n *yaml.Node) *layout {
	if n.Kind != yaml.Map && n.Kind != yaml.Scalar {
		return anyLayout(n)
	}
	var f *factSyntax
	if n.Kind == yaml.Map {
		if hasComments(n) {
			return anyLayout(n)
		}
		rr := &ruleReader{reader: &reader{loader: newLoader(Options{}), source: newSource("", "")}}
		if f = rr.factMap(n); f == nil || rr.wrong > 0 {
			return anyLayout(n)
		}
		f.quoteTypes()
	} else if s := whole(n); isAggregateText(words(s.text)) {
		f, _ = parseFact(s)
	}
	if f == nil {
		return expressionLayout(n)
	}
	short := f.short()
	back, err := parseFact(span{text: short, node: n})
	if err != nil || back.short() != short {
		return anyLayout(n)
	}
	return lineLayout(short)
}

// quoteTypes puts event types as the map form has them into the quotes that the short form needs.
func (f *factSyntax) quoteTypes() {
	inner := f
	if f.series != nil {
		inner = f.series
	}
	for i := range inner.types {
		inner.types[i].text = typeText(inner.types[i].text)
	}
}

// short writes an aggregate as written, clauses in one order.
func (f *factSyntax) short() string {
	var b strings.Builder
	b.WriteString(f.head.text)
	if f.series != nil {
		b.WriteString("(" + f.series.short() + ")")
	} else if f.arg.given() {
		b.WriteString("(" + squeeze(f.arg.text) + ")")
	}
	clause := func(name string, s span) {
		if s.given() {
			b.WriteString(" " + name + " " + squeeze(s.text))
		}
	}
	if f.series == nil {
		writeItems(&b, " of ", f.types)
		clause("where", f.where)
	}
	clause("over", f.over)
	clause("over session", f.session)
	clause("max", f.max)
	clause("each", f.each)
	clause("before", f.before)
	writeItems(&b, " by ", f.keys)
	clause("at", f.at)
	return b.String()
}

// writeItems writes the items of a clause, in brackets if there are several.
func writeItems(b *strings.Builder, word string, items []span) {
	if len(items) == 0 {
		return
	}
	var out []string
	for _, s := range items {
		out = append(out, s.text)
	}
	if len(out) == 1 {
		b.WriteString(word + out[0])
		return
	}
	b.WriteString(word + "[" + strings.Join(out, ", ") + "]")
}

// squeeze writes an expression in one line: white space outside strings becomes one space. One with comments to the
// end of a line is left as it is.
func squeeze(s string) string {
	var b strings.Builder
	gap := false
	for i := 0; i < len(s); {
		n, kind := 1, signWord
		switch c := s[i]; {
		case c == '\'' || c == '"' || c == '`':
			n = stringLength(s[i:])
		case c == '/' && i+1 < len(s) && s[i+1] == '/':
			return s
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			kind = spaceWord
		}
		if kind == spaceWord {
			gap = b.Len() > 0
		} else {
			if gap {
				b.WriteByte(' ')
			}
			gap = false
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

// mapLayout lays out a mapping; value lays out the value of a key.
func mapLayout(n *yaml.Node, value func(key string, v *yaml.Node) *layout) *layout {
	if n.Kind != yaml.Map {
		return anyLayout(n)
	}
	l := &layout{flow: n.Style == yaml.Flow, foot: n.Foot, entries: []layoutEntry{}}
	for _, e := range n.Entries {
		l.entries = append(l.entries, layoutEntry{writtenKey(e.Key), value(e.Key.Text, e.Value), e.Head, e.Tail, e.Blank})
	}
	return l
}

// writtenKey writes a key: as it is where it needs no quotes.
func writtenKey(n *yaml.Node) string {
	if n.Style == yaml.Plain {
		return n.Text
	}
	return yaml.Text(n.Text, true)
}

// listLayout lays out a list.
func listLayout(n *yaml.Node, value func(*yaml.Node) *layout) *layout {
	if n.Kind != yaml.List {
		return anyLayout(n)
	}
	l := &layout{list: true, flow: n.Style == yaml.Flow, foot: n.Foot, entries: []layoutEntry{}}
	for _, e := range n.Entries {
		l.entries = append(l.entries, layoutEntry{"", value(e.Value), e.Head, e.Tail, e.Blank})
	}
	return l
}

// textsLayout lays out a text or a list of texts in one line.
func textsLayout(n *yaml.Node) *layout {
	if n.Kind != yaml.List || hasComments(n) {
		return textLayout(n)
	}
	if len(n.Entries) == 1 {
		return textLayout(n.Entries[0].Value)
	}
	l := listLayout(n, func(v *yaml.Node) *layout {
		if v.Kind == yaml.Scalar && v.Style != yaml.Plain {
			return &layout{text: yaml.Text(whole(v).text, true)}
		}
		return anyLayout(v)
	})
	l.flow = true
	return l
}

// hasComments reports whether a comment stands somewhere in a collection.
func hasComments(n *yaml.Node) bool {
	return n.Foot != nil || slices.ContainsFunc(n.Entries, func(e yaml.Entry) bool {
		return e.Head != nil || e.Tail != "" || hasComments(e.Value)
	})
}

// anyLayout lays out a value as it is written: plain scalars, which may be numbers, stay plain, and quoted ones quoted.
func anyLayout(n *yaml.Node) *layout {
	switch {
	case n.Kind == yaml.Map:
		return mapLayout(n, func(_ string, v *yaml.Node) *layout { return anyLayout(v) })
	case n.Kind == yaml.List:
		return listLayout(n, anyLayout)
	case n.Kind == yaml.Empty:
		return &layout{foot: n.Foot}
	case strings.Contains(n.Text, "\n"):
		return blockLayout(n.Text)
	case n.Style == yaml.Plain:
		return &layout{text: n.Text}
	}
	return &layout{text: yaml.Quote(n.Text)}
}

// textLayout lays out a text.
func textLayout(n *yaml.Node) *layout {
	if n.Kind != yaml.Scalar {
		return anyLayout(n)
	}
	s := whole(n).text
	if strings.Contains(s, "\n") {
		return blockLayout(s)
	}
	return scalarLayout(n, s)
}

// scalarLayout lays out a scalar's text without line breaks; what was plain stays so.
func scalarLayout(n *yaml.Node, s string) *layout {
	if n.Style == yaml.Plain && n.Text == s && utf8.RuneCountInString(s) <= fmtWidth {
		return &layout{text: s}
	}
	return lineLayout(s)
}

// expressionLayout lays out an expression: in one line, whatever its lines were.
func expressionLayout(n *yaml.Node) *layout {
	if n.Kind != yaml.Scalar {
		return anyLayout(n)
	}
	s := squeeze(whole(n).text)
	if strings.Contains(s, "\n") {
		return blockLayout(s)
	}
	return scalarLayout(n, s)
}

// blockLayout lays out a text of several lines as a literal block.
func blockLayout(s string) *layout {
	if strings.HasPrefix(s, " ") || strings.HasPrefix(s, "\n") || strings.Contains(s, "\t") || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\n' }) {
		return &layout{text: yaml.Quote(s)}
	}
	header := "|-"
	if body, ok := strings.CutSuffix(s, "\n"); ok {
		header, s = "|", body
		if strings.HasSuffix(s, "\n") {
			return &layout{text: yaml.Quote(s + "\n")}
		}
	}
	return &layout{lines: append([]string{header}, strings.Split(s, "\n")...)}
}

// lineLayout lays out a text without line breaks: a very long one in a folded block.
func lineLayout(s string) *layout {
	if s == "" || utf8.RuneCountInString(s) <= fmtWidth || strings.Contains(s, "  ") || strings.ContainsAny(s, "\t") || strings.HasPrefix(s, " ") || strings.HasSuffix(s, " ") {
		return &layout{text: yaml.Text(s, false)}
	}
	lines := []string{">-"}
	rest := s
	for utf8.RuneCountInString(rest) > fmtWidth-10 {
		i := strings.LastIndexByte(cutRunes(rest, fmtWidth-10), ' ')
		if i < 0 {
			if i = strings.IndexByte(rest, ' '); i < 0 {
				break
			}
		}
		lines = append(lines, rest[:i])
		rest = rest[i+1:]
	}
	return &layout{lines: append(lines, rest)}
}

// cutRunes returns the first n characters of s.
func cutRunes(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}
