package rules

import (
	"maps"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"kelpie/event"
)

// memberKey is one step from a value to a part of it: .name, ["name"] or [index].
type memberKey struct {
	name     string
	index    *node // nil for a name
	brackets bool
	from, to int
}

// reference checks a name with the steps behind it: orders, device.id, event["@timestamp"], prev.amount, split(x, "@")[1].
func (c *checker) reference(tree ast.Node) *node {
	base, keys := c.steps(tree)
	if c.err != nil {
		return c.failAt(&node{}, "", "")
	}
	id, ok := base.(*ast.IdentifierNode)
	if !ok {
		return c.members(c.value(base), keys)
	}
	n, rest := c.named(id, keys)
	if c.err == nil && len(rest) > 0 {
		return c.members(n, rest)
	}
	return n
}

// steps takes a chain of members apart.
func (c *checker) steps(tree ast.Node) (base ast.Node, keys []memberKey) {
	for base = tree; ; {
		switch t := base.(type) {
		case *ast.ChainNode:
			base = t.Node
			continue
		case *ast.MemberNode:
			keys = append(keys, c.step(t))
			base = t.Node
			continue
		}
		slices.Reverse(keys)
		return base, keys
	}
}

func (c *checker) step(t *ast.MemberNode) memberKey {
	from, to := c.lx.at(t.Property.Location().From, t.Property.Location().To)
	if s, ok := t.Property.(*ast.StringNode); ok {
		return memberKey{name: s.Value, brackets: strings.IndexByte("\"'`", c.lx.src[from]) >= 0, from: from, to: to}
	}
	n := c.value(t.Property)
	if n.isConst() && n.val.Kind == event.String {
		return memberKey{name: n.val.S, brackets: true, from: n.from, to: n.to}
	}
	return memberKey{index: n, brackets: true, from: n.from, to: n.to}
}

// named finds what a name means, and returns the steps that are left.
func (c *checker) named(id *ast.IdentifierNode, keys []memberKey) (*node, []memberKey) {
	name := id.Value
	from, to := c.lx.at(id.Location().From, id.Location().To)
	at := &node{from: from, to: to, name: name, weight: 1}
	if name == "event" && len(keys) > 0 && keys[0].brackets {
		path := names(keys)
		if len(path) == 0 {
			return c.fail(from, to, `write the name as text: event["name"]`, "a field of the event has a name"), nil
		}
		return c.field(at, path, keys)
	}
	if v, ok := c.sc.Params[name]; ok {
		at.op, at.val, at.typ = opConst, v, typeOf(v)
		return at, keys
	}
	if f, ok := c.sc.Facts[name]; ok {
		return c.fact(at, f, keys)
	}
	if t, ok := c.sc.Tables[name]; ok {
		return c.table(at, t, keys)
	}
	if why := c.sc.Refused[name]; why != "" {
		return c.fail(from, to, "", "%s", why), nil
	}
	switch {
	case name == "row" && c.sc.Row != nil:
		return c.row(at, keys)
	case name == "type" && len(keys) == 0:
		return c.ofEvent(at, opType, StringType), nil
	case name == "time" && len(keys) == 0:
		return c.ofEvent(at, opTime, NumberType), nil
	}
	if meant := notNames[name]; meant != "" && len(keys) == 0 {
		return c.fail(from, to, "write "+meant, "%s is not a word of this language", name), nil
	}
	return c.field(at, append([]string{name}, names(keys)...), keys)
}

// notNames are words of other languages that would otherwise be taken for fields that are never there.
var notNames = map[string]string{"null": "nil", "None": "nil", "NULL": "nil", "undefined": "nil", "True": "true", "TRUE": "true", "False": "false", "FALSE": "false"}

// names are the leading steps that are names: what can be a path.
func names(keys []memberKey) []string {
	var out []string
	for _, k := range keys {
		if k.index != nil {
			break
		}
		out = append(out, k.name)
	}
	return out
}

// widen extends a node over the steps that it takes.
func (c *checker) widen(n *node, keys []memberKey) *node {
	for _, k := range keys {
		n.to = max(n.to, k.to)
	}
	n.from, n.to = c.lx.balanced(n.from, n.to)
	n.name = c.lx.line(n.from, n.to)
	return n
}

// ofEvent is a node that needs the event.
func (c *checker) ofEvent(n *node, o op, t Type) *node {
	n.op, n.typ = o, t
	if c.sc.NoEvent {
		return c.failAt(n, "use a fact, such as last("+short(n.name)+"), or judge the rule on events: on: [event, close]",
			"%s is of an event, and this rule is judged when windows close, where there is none", short(n.name))
	}
	return n
}

// field is a field of the event. path begins with the name itself, or behind event.
func (c *checker) field(n *node, path []string, keys []memberKey) (*node, []memberKey) {
	taken := len(names(keys))
	n = c.widen(n, keys[:taken])
	if len(path) > 64 {
		return c.failAt(n, "", "a path of %d names; events are at most 64 levels deep", len(path)), nil
	}
	p := event.Path(path)
	typ, ok := c.declared(p)
	if !ok {
		return c.failAt(n, suggestion(p.String(), c.fieldNames()), "there is no field %s", p), nil
	}
	n = c.ofEvent(n, opField, typ)
	if c.err != nil {
		return n, nil
	}
	if c.sc.Slot != nil {
		n.slot = c.sc.Slot(p)
	}
	n.path = p
	use(&c.out.fields, n.slot)
	return c.orKey(n, p), keys[taken:]
}

// orKey lets a field that is a part of the rule's key stand for the key's text where there is no event.
func (c *checker) orKey(n *node, p event.Path) *node {
	i := slices.IndexFunc(c.sc.By, func(by event.Path) bool { return slices.Equal(by, p) })
	if i < 0 {
		return n
	}
	return &node{op: opKey, from: n.from, to: n.to, name: n.name, slot: i, args: []*node{n}, weight: 2}
}

// declared returns a field's declared type; ok is false for a field that is not declared where all must be.
func (c *checker) declared(p event.Path) (t Type, ok bool) {
	if t, ok = c.sc.Types[p.String()]; ok || !c.sc.Strict || c.sc.Types == nil {
		return t, true
	}
	for i := range p { // below something that may be anything
		if t, ok := c.sc.Types[p[:i].String()]; ok && t == AnyType && i > 0 {
			return AnyType, true
		}
	}
	inside := p.String() + "."
	for name := range c.sc.Types {
		if strings.HasPrefix(name, inside) {
			return AnyType, true // an object
		}
	}
	return AnyType, false
}

func (c *checker) fact(n *node, f FactName, keys []memberKey) (*node, []memberKey) {
	use(&c.out.facts, f.Index)
	if c.sc.Used != nil {
		c.sc.Used(f.Index)
	}
	n.op, n.slot, n.typ = opFact, f.Index, f.Type
	path := names(keys)
	if f.Type != EventType || len(keys) == 0 {
		return n, keys
	}
	if len(path) == 0 {
		return c.eventAlone(n), nil
	}
	fact := n.name
	n = c.widen(n, keys[:len(path)])
	ref := PrevRef{Fact: f.Index, Name: n.name}
	switch {
	case len(path) == 1 && path[0] == "time" && !keys[0].brackets:
		ref.Slot, n.typ = SlotTime, NumberType
	case len(path) == 1 && path[0] == "type" && !keys[0].brackets:
		ref.Slot, n.typ = SlotType, StringType
	default:
		typ, ok := c.declared(path)
		if !ok {
			return c.failAt(n, suggestion(event.Path(path).String(), c.declaredNames()), "the event %s has no field %s", fact, event.Path(path)), nil
		}
		n.typ = typ
		if c.sc.Slot != nil {
			ref.Slot = c.sc.Slot(path)
		}
	}
	n.op, n.slot = opPrev, 0
	if c.sc.Prev != nil {
		n.slot = c.sc.Prev(ref)
	}
	use(&c.out.prev, n.slot)
	return n, keys[len(path):]
}

func (c *checker) table(n *node, t TableName, keys []memberKey) (*node, []memberKey) {
	table, fields := n.name, slices.Sorted(maps.Keys(t.Fields))
	if len(keys) == 0 || keys[0].index != nil {
		return c.failAt(n, "name a field of it: "+some(table+".", fields), "%s is a table", table), nil
	}
	f, ok := t.Fields[keys[0].name]
	if !ok {
		return c.fail(keys[0].from, keys[0].to, orSome(suggestion(keys[0].name, fields), "it has ", fields), "the table %s has no field %s", table, keys[0].name), nil
	}
	n = c.widen(n, keys[:1])
	n.op, n.typ, n.slot = opTable, f.Type, 0
	if c.sc.Table != nil {
		n.slot = c.sc.Table(TableRef{Table: t.Index, Field: f.Index, Name: n.name})
	}
	use(&c.out.tables, n.slot)
	return n, keys[1:]
}

func (c *checker) row(n *node, keys []memberKey) (*node, []memberKey) {
	if len(keys) == 0 || keys[0].index != nil {
		return c.failAt(n, "name a field of it: "+some("row.", c.sc.Row), "row is the table's row"), nil
	}
	i := slices.Index(c.sc.Row, keys[0].name)
	if i < 0 {
		return c.fail(keys[0].from, keys[0].to, orSome(suggestion(keys[0].name, c.sc.Row), "it has ", c.sc.Row), "the row has no field %s", keys[0].name), nil
	}
	n = c.widen(n, keys[:1])
	n.op, n.slot = opRow, i
	return n, keys[1:]
}

// members takes steps into a value that is no path: an element of a list, a member of an object.
func (c *checker) members(n *node, keys []memberKey) *node {
	for _, k := range keys {
		if c.err != nil {
			return n
		}
		step := k.index
		if step == nil {
			step = &node{op: opConst, typ: StringType, val: event.StringValue(k.name), from: k.from, to: k.to, name: k.name, weight: 1}
		} else if !c.needs(step, NumberType, "[ ]") {
			return step
		}
		switch {
		case k.index == nil && n.typ != AnyType:
			return c.fail(k.from, k.to, "", "%s is %s; it has no field %s", short(n.name), aType[n.typ], k.name)
		case k.index != nil && n.typ == StringType:
			return c.fail(k.from, k.to, "write substring(text, from, to)", "%s is a string, not a list", short(n.name))
		case k.index != nil && n.typ != AnyType && n.typ != ListType:
			return c.fail(k.from, k.to, "", "%s is %s, not a list", short(n.name), aType[n.typ])
		}
		out := &node{op: opMember, args: []*node{n, step}, from: n.from, weight: n.weight + step.weight + 1}
		n = fold(c.widen(out, []memberKey{k}))
	}
	return n
}

// fieldNames are all names that may stand where a field does.
func (c *checker) fieldNames() []string {
	out := append(c.declaredNames(), "type", "time")
	out = append(out, slices.Sorted(maps.Keys(c.sc.Params))...)
	out = append(out, slices.Sorted(maps.Keys(c.sc.Facts))...)
	return append(out, slices.Sorted(maps.Keys(c.sc.Tables))...)
}

func (c *checker) declaredNames() []string { return slices.Sorted(maps.Keys(c.sc.Types)) }

// suggestion is "did you mean x?" for the name nearest to what was written, else for one that begins with it.
func suggestion(written string, candidates []string) string {
	if s := didYouMean(written, candidates); s != "" {
		return s
	}
	for _, name := range candidates {
		if len(written) > 2 && len(name) > 2 && (strings.HasPrefix(strings.ToLower(name), strings.ToLower(written)) || strings.HasPrefix(written, name)) {
			return "did you mean " + name + "?"
		}
	}
	return ""
}

// orSome is a hint, or the list of what there is if there is no hint.
func orSome(hint, before string, names []string) string {
	if hint != "" || len(names) == 0 {
		return hint
	}
	return before + some("", names)
}

// some lists a few names.
func some(prefix string, names []string) string {
	var out []string
	for i, name := range names {
		if i == 5 {
			out = append(out, "…")
			break
		}
		out = append(out, prefix+name)
	}
	return strings.Join(out, ", ")
}
