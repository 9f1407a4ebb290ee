package rules

import (
	"strings"
	"testing"

	"kelpie/event"
)

func TestRender(t *testing.T) {
	w := newWorld(sample)
	w.scope.By = []event.Path{{"customer_id"}, {"device", "id"}}
	key := []string{"c7", "d9"}
	f := func(src, want string) {
		t.Helper()
		x, err := CompileTemplate(src, &w.scope)
		if err != nil {
			t.Fatal(showError(src, err))
		}
		if got, _ := x.Render(&w.env, key); got != want {
			t.Errorf("%s\n got %s\nwant %s", src, got, want)
		}
	}
	f("", "")
	f("plain { text } }}", "plain { text } }}")
	f("{{customer_id}} placed {{n}} orders worth {{spend}}", "c7 placed 5 orders worth 99.5")
	f("{{ device.id }}", "d1")
	f("{{absent}}, {{status > 5}}, {{1 / 0}}", "?, ?, ?")
	f("{{0.1 + 0.2}} {{2 / 3}} {{amount}} {{big}} {{1e300 * 1.5}}", "0.3 0.666666666666667 100.1 9007199254740993 1.5e+300")
	f("{{flag}} {{tags}} {{'}}'}} {{\"{{\"}}", `true ["a", "b", null, 3] }} {{`)
	f("{{spend | round(0)}}%: {{n > 3 ? 'many' : 'few'}}", "100%: many")
	f("{{credit.limit}} {{prev.amount}} {{samples(usual)}} {{upper(status)}}", "1000 40 12 PAID")

	w.env.HasEvent = false // a close
	f("{{customer_id}} on {{device.id}}: {{status}}", "c7 on d9: ?")
	f("{{customer_id ?? 'nobody'}}", "c7")

	w = newWorld(`{"long": "` + strings.Repeat("ü", 5000) + `"}`)
	x, err := CompileTemplate("{{long}}", &w.scope)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := x.Render(&w.env, nil); len([]rune(got)) != maxShown || !strings.HasSuffix(got, "ü…") {
		t.Errorf("a long value is shown with %d characters", len([]rune(got)))
	}
}

// TestTemplateUses: a template says what it reads, once.
func TestTemplateUses(t *testing.T) {
	w := newWorld(sample)
	x, err := CompileTemplate("{{status}} {{n}} {{n + spend}} {{credit.limit}} {{prev.amount}} {{status}}", &w.scope)
	if err != nil {
		t.Fatal(err)
	}
	if len(x.Fields) != 1 || len(x.Facts) != 3 || len(x.Tables) != 1 || len(x.Prev) != 1 {
		t.Errorf("fields %v, facts %v, tables %v, previous %v", x.Fields, x.Facts, x.Tables, x.Prev)
	}
}
