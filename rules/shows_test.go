package rules

import (
	"strings"
	"testing"

	"kelpie/event"
)

// TestShows holds what can be seen of events in what a rule computes.
func TestShows(t *testing.T) {
	f := func(expression, want string) {
		t.Helper()
		src := `
tables:
  customer:
    key: id
    on:
      Changed: {mail: email, known: "row.mail ?? mail2", orders: "+= 1", spent: "+= amount", flag: "email == nil"}
rules:
  r:
    event: Paid
    by: [id, '"key.part"']
    let:
      mail: last(email) over 1h
      prev: previous over 1h
      uses: ratio(email != nil) over 1h
      fact: ` + expression + `
    when: uses > 1
`
		set, err := LoadBytes("rules.yml", []byte(src), Options{})
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			return
		}
		r := set.Rules[0]
		if got := strings.Join(r.Facts[r.Fact("fact")].Shows, " "); got != want {
			t.Errorf("%s shows %q, want %q", expression, got, want)
		}
	}
	f("email", "email")
	f("card.number", "card.number")
	f(`event["a b"].c`, `"a b".c`)
	f("upper(email) + card", "card email")
	f("card.parts[0]", "card.parts")
	f("mail", "email")
	f("len(mail)", "email")
	f("prev.email", "email")
	f("prev.time", "")
	f("uses", "")
	f(`email == "a@example.com"`, "")
	f(`'email matches "a.*" ? name : city'`, "city name")
	f(`secret ?? false`, "secret")
	f("customer.mail", "email")
	f("customer.known", "email mail2")
	f("customer.orders", "")
	f("customer.spent", "amount")
	f("customer.flag", "")
	f("id", "id")
	f("count over 1h", "")
	f("distinct(email) over 1h", "")
	f("ratio(email == nil) over 1h", "")
	f("unseen(email) over 1h", "")
	f("gap over 1h", "")
	f("sum(amount) over 1h", "amount")
	f("p95(amount) over 1h", "amount")
	f("first(email) over 1h", "email")
	f("max(amount + fee) over 1h", "amount fee")
	f("last(email) of Registered over 1h", "email")
}

// TestMessageShows holds where in a message what can be seen.
func TestMessageShows(t *testing.T) {
	f := func(alert, want string) {
		t.Helper()
		src := "rules:\n  r:\n    event: Paid\n    by: id\n    let: {mail: last(email) over 1h, n: count over 1h}\n    when: n > 1\n" + alert
		set, err := LoadBytes("rules.yml", []byte(src), Options{})
		if err != nil {
			t.Fatal(err)
		}
		env := &Env{Facts: []event.Value{event.StringValue("a@b"), event.IntValue(3)}}
		text, shown := set.Rules[0].Message(env, []string{"c1"})
		for i := len(shown) - 1; i >= 0; i-- {
			x := shown[i]
			text = text[:x.From] + "<" + strings.Join(x.Fields, " ") + "=" + text[x.From:x.To] + ">" + text[x.To:]
		}
		if text != want {
			t.Errorf("got  %s\nwant %s", text, want)
		}
	}
	f("", "r for <id=c1>: mail = <email=a@b>, n = 3")
	f("    alert: 'of {{id}}: {{n}} by {{mail}}{{mail}}.'\n", "of <id=c1>: 3 by <email=a@b><email=a@b>.")
}
