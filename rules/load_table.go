package rules

import (
	"cmp"
	"slices"
	"strings"

	"kelpie/rules/yaml"
)

// tableKeys are the keys of a table, in the order in which `kelpie fmt` writes them.
var tableKeys = []string{"key", "on"}

// readTables reads the tables, and makes their names known to the rules' expressions.
func (l *loader) readTables() {
	for i, d := range l.tables.sorted() {
		t := &Table{Name: d.name.Text, At: d.place(d.name.Offset)}
		tr := &tableReader{reader: d.reader, t: t, index: map[string]int{}}
		known := d.validName(d.name, "a table")
		tr.read(d)
		l.set.Tables = append(l.set.Tables, t)
		if known {
			name := TableName{Index: i, Fields: map[string]TableField{}}
			for j, f := range t.Fields {
				name.Fields[f] = TableField{Index: j, Type: tr.fieldType(j)}
			}
			l.scope[t.Name] = name
		}
		t.Text = declarationText("tables", d, canonicalTable)
	}
}

// tableReader reads one table.
type tableReader struct {
	*reader
	t       *Table
	index   map[string]int // of its fields
	updates []tableUpdateText
}

// tableUpdateText is one update before its expression is compiled, which needs all fields of the table.
type tableUpdateText struct {
	event string
	field int
	op    byte
	expr  span
}

func (tr *tableReader) read(d declaration) {
	keys, ok := tr.mapping(d.body, "a table", tableKeys...)
	if !ok {
		return
	}
	if keys["key"] == nil {
		tr.fail(d.name, "write key: customer_id", "the table %s has no key:", tr.t.Name)
	}
	tr.t.Key = tr.paths(tr.texts(keys["key"], "key"), "key")
	tr.t.KeySlots = tr.slotsOf(tr.t.Key)
	on := keys["on"]
	switch {
	case on == nil:
		tr.fail(d.name, "write on: and below it, for each event type, the fields that it sets", "the table %s has no on:", tr.t.Name)
	case on.Kind == yaml.Bad:
	case on.Kind != yaml.Map:
		tr.fail(on, "write on: {OrderPaid: {outstanding: -= amount}}", "on must be a mapping from event types to fields, not %s", on.Kind)
	default:
		for _, e := range on.Entries {
			tr.event(e)
		}
		tr.compile()
	}
}

// event reads what one event type does to a row.
func (tr *tableReader) event(e yaml.Entry) {
	typ := e.Key.Text
	if typ == "" {
		tr.fail(e.Key, "", "an event type is missing here")
		return
	}
	if typ != "*" {
		tr.types[typ] = true
	}
	if e.Value.Kind == yaml.Bad {
		return
	}
	if e.Value.Kind != yaml.Map {
		tr.fail(e.Value, "write {field: expression}", "what %s does to a row must be a mapping from fields to expressions, not %s", typ, e.Value.Kind)
		return
	}
	for _, u := range e.Value.Entries {
		s, ok := tr.text(u.Value, "the field "+u.Key.Text)
		if !ok || !tr.fieldName(u.Key) {
			continue
		}
		field, ok := tr.index[u.Key.Text]
		if !ok {
			field = len(tr.t.Fields)
			tr.index[u.Key.Text] = field
			tr.t.Fields = append(tr.t.Fields, u.Key.Text)
		}
		op := byte('=')
		if strings.HasPrefix(s.text, "+=") || strings.HasPrefix(s.text, "-=") {
			op = s.text[0]
			s = trimmed(span{s.text[2:], s.node, s.off + 2})
		}
		if s.text == "" {
			tr.fail(u.Value, "", "an expression must stand behind %c=", op)
			continue
		}
		tr.updates = append(tr.updates, tableUpdateText{typ, field, op, s})
	}
}

// fieldName checks the name of a table's field, which stands behind a dot only.
func (tr *tableReader) fieldName(key *yaml.Node) bool {
	ws := words(key.Text)
	if len(ws) == 1 && ws[0].kind == nameWord && ws[0].text == key.Text && !strings.Contains(key.Text, "$") {
		return true
	}
	tr.fail(key, "", "a field's name is used in expressions: letters, digits and _, beginning with a letter; not %q", key.Text)
	return false
}

// compile compiles the updates, all of which see all fields of the row.
func (tr *tableReader) compile() {
	fields := tr.t.Fields
	if fields == nil {
		fields = []string{}
	}
	refused := map[string]string{}
	for name := range tr.loader.tables {
		refused[name] = name + " is a table, and an update sees only the event's fields and its own row"
	}
	for _, u := range tr.updates {
		sc := &Scope{Types: tr.Types, Strict: tr.Strict, Row: fields, Slot: tr.slot, Refused: refused}
		x := tr.expression(u.expr, sc)
		if x == nil {
			continue
		}
		if u.op != '=' && x.Type != NumberType && x.Type != AnyType {
			tr.failIn(u.expr, "", "%c= takes a number, and this is a %s", u.op, x.Type)
		}
		tr.add(u.event, FieldUpdate{u.field, u.op, x})
	}
	slices.SortFunc(tr.t.On, func(a, b TableUpdate) int { return cmp.Compare(a.Event, b.Event) })
}

func (tr *tableReader) add(typ string, u FieldUpdate) {
	i := slices.IndexFunc(tr.t.On, func(o TableUpdate) bool { return o.Event == typ })
	if i < 0 {
		i = len(tr.t.On)
		tr.t.On = append(tr.t.On, TableUpdate{Event: typ})
	}
	tr.t.On[i].Set = append(tr.t.On[i].Set, u)
}

// fieldType returns the type that all updates of a field give it, AnyType where they differ.
func (tr *tableReader) fieldType(field int) Type {
	t, first := AnyType, true
	for _, on := range tr.t.On {
		for _, u := range on.Set {
			if u.Field != field {
				continue
			}
			is := u.Expr.Type
			if u.Op != '=' {
				is = NumberType
			}
			if !first && is != t {
				return AnyType
			}
			t, first = is, false
		}
	}
	return t
}
