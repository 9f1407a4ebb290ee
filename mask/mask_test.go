package mask

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kelpie/event"
)

var key = []byte("0123456789abcdef0123456789abcdef")

var declaredFields = []Field{
	{Path: "customer.email"}, {Path: "card", Show: Show{4, true}}, {Path: `"e-mail address"`}, {Path: "name", Show: Show{1, false}},
}

func TestTokens(t *testing.T) {
	m := New(declaredFields, key)
	ann, bob := m.Text("ann@example.com", "customer.email"), m.Text("bob@example.com", "customer.email")
	if !IsToken(ann) || ann == bob || strings.Contains(ann, "ann") || len(ann) != len("masked-")+10 {
		t.Errorf("tokens are %s and %s", ann, bob)
	}
	if other := New(declaredFields, []byte("another key")).Text("ann@example.com", "customer.email"); other == ann {
		t.Errorf("%s does not depend on the key", ann)
	}
	f := func(want, text string, fields ...string) {
		t.Helper()
		got := m.Text(text, fields...)
		if IsToken(got) {
			got = "masked" + got[len("masked-")+10:]
		}
		if got != want {
			t.Errorf("%q of %v is %q, want %q", text, fields, got, want)
		}
	}
	f("masked-1111", "4111111111111111", "card")
	f("masked", "1234567", "card") // half of it would be seen
	f("masked-ä", "änne", "name")
	f("masked", "4111111111111111", "card.number") // inside what is declared: nobody knows which part
	f("masked", `{"email":"x"}`, "customer")       // around it
	f("masked", "4111111111111111", "card", "customer.email")
	f("masked", "4111111111111111", "amount", "card", "customer.email")
	f("plain", "plain", "amount", "customer.emails", "cards", "customer_email")
	f("masked", "x@y", `"e-mail address"`)
	if v := m.Value(event.IntValue(4111111111111111), "card"); v.S != m.Text("4111111111111111", "card") {
		t.Errorf("a number is masked as %v", v)
	}
	if v := m.Value(event.Value{}, "card"); !v.IsMissing() {
		t.Errorf("what is missing is masked as %v", v)
	}
	if got := m.Label("customer_email", "ann@example.com"); got != ann {
		t.Errorf("the label is %q, want %q", got, ann)
	}
	if got := m.Label("customer_email", ann); got != ann {
		t.Errorf("a token is masked again: %q", got)
	}
	if got := m.Label("region", "eu"); got != "eu" {
		t.Errorf("the label of another field is %q", got)
	}
	var none *Fields
	if none.Text("x", "card") != "x" || none.Covers("card") || none.Label("key", "x") != "x" || New(nil, key) != nil {
		t.Error("without fields something is masked")
	}
}

func TestEvent(t *testing.T) {
	m := New(declaredFields, key)
	ann, card := m.Text("ann", "customer.email"), m.Text("4111111111111111", "card")
	f := func(in, want string) {
		t.Helper()
		want = strings.NewReplacer("ANN", ann, "CARD", card).Replace(want)
		got, ok := m.Event([]byte(in))
		if !ok || string(got) != want {
			t.Errorf("%s\nis  %s, %v\nwant %s", in, got, ok, want)
		}
	}
	f(`{ "id": 1,  "customer" : {"email": "ann" , "city":"x"}, "n": 1.50 }`, `{ "id": 1,  "customer" : {"email": "ANN" , "city":"x"}, "n": 1.50 }`)
	f(`{"card":4111111111111111,"card":"4111111111111111"}`, `{"card":"CARD","card":"CARD"}`)
	f(`{"c\u0061rd":"4111111111111111"}`, `{"c\u0061rd":"CARD"}`)
	f(`{"customer":[{"email":"ann"},[{"email":"ann","x":1}],2]}`, `{"customer":[{"email":"ANN"},[{"email":"ANN","x":1}],2]}`)
	f(`{"card":null,"customer":"ann"}`, `{"card":null,"customer":"ann"}`)
	f(`{"order":{"card":"x","email":"ann"}}`, `{"order":{"card":"x","email":"ann"}}`)
	for _, in := range []string{`{"card":"4111`, "4111", `"4111"`, `[{"card":"4111"}]`, ""} {
		if got, ok := m.Event([]byte(in)); ok || got != nil {
			t.Errorf("%q is no object: %s", in, got)
		}
	}
	raw, detail := m.Refused([]byte(`{"card":"4111`), `"\q411" is no escape`)
	if string(raw) != "masked: 13 bytes that are no JSON object" || detail != `"…" is no escape` {
		t.Errorf("refused: %s, %s", raw, detail)
	}
}

// FuzzEvent puts any text where a declared field is: it is nowhere in what leaves, which is JSON and says the rest as it was.
func FuzzEvent(f *testing.F) {
	f.Add(`{"customer":{"email":`, `"ann@example.com"`, `},"n":1}`)
	f.Add(`{"card": "x", "card" : `, `[{"a":"b"}]`, ` , "x":[1, 2]}`)
	f.Add(`{"customer":[{"email":`, `12345678901234567890`, `}]}`)
	f.Add(`[{"card":`, `1`, `}]`)
	f.Add(`{"customer":{"email":"\ud800","email":`, `"\udc00"`, `}}`)
	m := New(declaredFields, key)
	f.Fuzz(func(t *testing.T, before, value, behind string) {
		in := before + value + behind
		out, ok := m.Event([]byte(in))
		var was, is any
		err := json.Unmarshal([]byte(in), &was)
		if _, object := was.(map[string]any); ok != (err == nil && object) {
			t.Fatalf("%s: %v", in, ok)
		}
		if !ok {
			return
		}
		if err := json.Unmarshal(out, &is); err != nil {
			t.Fatalf("%s\nbecomes %s: %v", in, out, err)
		}
		if got := show(is); got != show(hide(was, m.tree)) {
			t.Errorf("%s\nbecomes %s", in, out)
		}
	})
}

// hide takes what is declared out of a decoded value.
func hide(v any, l *level) any {
	switch x := v.(type) {
	case []any:
		for i := range x {
			x[i] = hide(x[i], l)
		}
	case map[string]any:
		for name, value := range x {
			next := l.below[name]
			switch {
			case next == nil:
			case next.whole && value != nil:
				x[name] = "masked"
			default:
				x[name] = hide(value, next)
			}
		}
	}
	return v
}

// show writes a value with all tokens alike.
func show(v any) string {
	var walk func(v any) any
	walk = func(v any) any {
		switch x := v.(type) {
		case string:
			if IsToken(x) {
				return "masked"
			}
		case []any:
			for i := range x {
				x[i] = walk(x[i])
			}
		case map[string]any:
			for name := range x {
				x[name] = walk(x[name])
			}
		}
		return v
	}
	b, _ := json.Marshal(walk(v))
	return string(b)
}

func TestKeep(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	keep := func(fields ...Field) *Fields {
		t.Helper()
		m, err := Keep(dir, fields)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	if m := keep(); m != nil {
		t.Error("something is masked that nobody has declared")
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a file is made where nothing is masked")
	}
	email := Field{Path: "email"}
	token := keep(email).Text("ann", "email")
	if info, err := os.Stat(filepath.Join(dir, fileName)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if got := keep(Field{Path: "card"}, email).Text("ann", "email"); got != token {
		t.Errorf("the token is %s after a start, and was %s", got, token)
	}
	for _, fields := range [][]Field{nil, {email}} {
		if m, err := Read(dir, fields); err != nil || m.Text("ann", "email") != token {
			t.Errorf("somebody who looks sees %s, %v", m.Text("ann", "email"), err)
		}
	}
	if m, err := Read(dir, []Field{}); err != nil || m != nil {
		t.Errorf("a configuration that masks nothing: %v, %v", m, err)
	}
	if m := keep(); m != nil {
		t.Error("what is not declared any more is masked")
	}
	if m, err := Read(dir, nil); err != nil || m != nil {
		t.Errorf("%v, %v", m, err)
	}
	if m, err := Read(t.TempDir(), []Field{email}); err != nil || !IsToken(m.Text("ann", "email")) {
		t.Errorf("where no service has been: %v, %v", m, err)
	}
	if err := os.WriteFile(filepath.Join(dir, fileName), []byte(`{"key":"YQ=="}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Keep(dir, []Field{email}); err == nil || !strings.Contains(err.Error(), "1 bytes, not 32") {
		t.Errorf("a short key: %v", err)
	}
}

func TestShowText(t *testing.T) {
	for text, want := range map[string]Show{"nothing": {}, "last 4": {4, true}, "first 8": {8, false}} {
		var s Show
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("%s is %+v, %v", text, s, err)
		}
		if b, err := s.MarshalText(); err != nil || string(b) != text {
			t.Errorf("%s is written as %s, %v", text, b, err)
		}
	}
	for _, text := range []string{"", "last", "last 0", "last 9", "last 4 ", "middle 2", "4"} {
		if err := new(Show).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
