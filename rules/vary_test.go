package rules

import (
	"fmt"
	"strings"
	"testing"
)

const varied = `
tables:
  credit:
    key: customer
    on:
      LimitSet: {limit: limit}
rules:
  over:
    event: Paid
    by: customer
    params: {least: 10, share: 5%, words: [a, b], name: "7", span: 10m}
    let:
      spent: sum(amount) over 1h
      large: count where amount > least over 1h
    when: spent > credit.limit * share and large > 2 and kind in words and kind != name
    alert: "{{customer}} spent {{spent}}"
  plain:
    event: Paid
    when: amount > 10
`

func TestVary(t *testing.T) {
	set, err := LoadBytes("r.yml", []byte(varied), Options{})
	if err != nil {
		t.Fatal(err)
	}
	f := func(want string, values ...ParamValue) {
		t.Helper()
		r, err := set.Vary("over", values...)
		if err != nil {
			t.Errorf("%v: %v", values, err)
			return
		}
		var got []string
		for _, p := range r.Params {
			got = append(got, fmt.Sprintf("%s=%v", p.Name, p.Value))
		}
		o := set.Rule("over")
		if g := strings.Join(got, " "); g != want || r.At != o.At || fmt.Sprint(r.TableRefs, r.FieldSlots, r.By, r.Facts[0].Shows) != fmt.Sprint(o.TableRefs, o.FieldSlots, o.By, o.Facts[0].Shows) {
			t.Errorf("%v: params are %s, want %s", values, g, want)
		}
		if same := r.Text == o.Text; same != (len(values) == 0) {
			t.Errorf("%v: the text is %s", values, r.Text)
		}
		if shared := r.Facts[0].Text == o.Facts[0].Text; !shared {
			t.Errorf("%v: a fact that reads no param has become %s", values, r.Facts[0].Text)
		}
	}
	base := fmt.Sprintf("least=%v share=%v words=%v name=%v span=%v", set.Rule("over").Params[0].Value, set.Rule("over").Params[1].Value,
		set.Rule("over").Params[2].Value, set.Rule("over").Params[3].Value, set.Rule("over").Params[4].Value)
	f(base)
	twenty, _ := set.Vary("over", ParamValue{"least", "20"})
	if twenty.Facts[1].Text == set.Rule("over").Facts[1].Text {
		t.Error("a fact that reads the param is the same")
	}
	f(strings.Replace(base, fmt.Sprint("least=", set.Rule("over").Params[0].Value), fmt.Sprint("least=", twenty.Params[0].Value), 1), ParamValue{"least", "20"})
	eight, _ := set.Vary("over", ParamValue{"name", "8"})
	if v := eight.Params[3].Value; v.S != "8" {
		t.Errorf("a text has become %v", v)
	}

	wrong := func(rule, want string, values ...ParamValue) {
		t.Helper()
		if _, err := set.Vary(rule, values...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s with %v: %v, want %q", rule, values, err, want)
		}
	}
	wrong("ovr", "there is no rule ovr (did you mean over?)", ParamValue{"least", "1"})
	wrong("over", "has no param last: it has least, share, words, name, span (did you mean least?)", ParamValue{"last", "1"})
	wrong("plain", "rule plain has no params", ParamValue{"least", "1"})
	wrong("over", `"" is no value`, ParamValue{"least", ""})
	wrong("over", "is no value of the param least", ParamValue{"least", "{a: 1}"})
	wrong("over", "is no value of the param least", ParamValue{"least", "1\nother: 2"})
	wrong("over", "rule over with share: text and least: 1:", ParamValue{"share", "text"}, ParamValue{"least", "1"})
	wrong("over", "is no value of the param least", ParamValue{"least", "[1"})
}
