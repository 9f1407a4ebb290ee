package event

import (
	"slices"
	"strings"
	"testing"
)

func TestParsePath(t *testing.T) {
	f := func(text, canonical string, want ...string) {
		t.Helper()
		p, err := ParsePath(text)
		if err != nil || !slices.Equal(p, want) {
			t.Errorf("%s: got %q, %v, want %q", text, p, err, want)
		}
		if got := p.String(); got != canonical {
			t.Errorf("%s is written %s, want %s", text, got, canonical)
		}
	}
	f(`type`, `type`, "type")
	f(`device.id`, `device.id`, "device", "id")
	f(`"@timestamp"`, `@timestamp`, "@timestamp")
	f(`@timestamp`, `@timestamp`, "@timestamp")
	f(`winlog."event data".ip`, `winlog."event data".ip`, "winlog", "event data", "ip")
	f(`a."b c".d`, `a."b c".d`, "a", "b c", "d")
	f(`"a.b"."c"`, `"a.b".c`, "a.b", "c")
	f(`"say \"hi\"\u0041\n"`, `"say \"hi\"A\n"`, "say \"hi\"A\n")
	f(`""`, `""`, "")
	f(`x-y_z.größe.日本`, `x-y_z.größe.日本`, "x-y_z", "größe", "日本")
	f(`200`, `200`, "200")
}

func TestParsePathErrors(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		if p, err := ParsePath(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %q, %v, want an error with %q", text, p, err, want)
		}
	}
	f(``, "character 1: a part is empty")
	f(`.a`, "character 1: a part is empty")
	f(`a.`, "character 3: a part is empty")
	f(`a..b`, "character 3: a part is empty")
	f(`a b`, `character 2: a name with ' ' in it needs double quotes`)
	f(`größe x`, `character 6: a name with ' '`)
	f(`items[0]`, "does not go into lists")
	f(`'a'`, "double quotes")
	f(`"a`, "the quote is not closed")
	f(`"a\"`, "the quote is not closed")
	f(`"a"b`, "character 4: expected a dot")
	f(`x."\q"`, "character 3: a quoted part is a JSON string")
	f("a\xff", "not UTF-8")
	f(strings.Repeat("a.", 64)+"a", "more than 64 parts")
}

func FuzzPath(f *testing.F) {
	for _, s := range []string{`a.b`, `"@timestamp"`, `a."b c".d`, `""`, `"\u0041".x`, "a\u2028", `"\ud83e\udd85"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePath(s)
		if err != nil {
			return
		}
		q, err := ParsePath(p.String())
		if err != nil || !slices.Equal(p, q) {
			t.Fatalf("%q is %q, written %s, which is %q, %v", s, p, p, q, err)
		}
	})
}
