package backtest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"kelpie/engine"
	"kelpie/event"
	"kelpie/rules"
)

// burst is a rule that fires on the third event of a key within a minute.
const burst = `
rules:
  burst:
    event: Tried
    by: who
    params: {most: 2}
    let: {tries: count over 1m}
    when: tries > most
    alert: "{{who}} tried {{tries}} times"
  never:
    event: Tried
    by: who
    when: missing_field > 1
`

func load(t testing.TB, text string, o rules.Options) *rules.Set {
	t.Helper()
	set, err := rules.LoadBytes("rules.yml", []byte(text), o)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// tried is one event as a line.
func tried(at string, who string, id int) string {
	return fmt.Sprintf(`{"type":"Tried","time":"2026-01-0%s","id":"e%d","who":%q}`+"\n", at, id, who)
}

// history is events of three keys on two days.
func history() string {
	var b strings.Builder
	for i := range 4 {
		b.WriteString(tried(fmt.Sprintf("1T10:00:%02dZ", i), "ann", i))
	}
	b.WriteString("no event\n")
	for i := range 3 {
		b.WriteString(tried(fmt.Sprintf("2T11:00:%02dZ", i), "bob", 10+i))
	}
	for i := range 3 {
		b.WriteString(tried(fmt.Sprintf("2T12:00:%02dZ", i), "ann", 20+i))
	}
	b.WriteString(tried("2T13:00:00Z", "cid", 30))
	return b.String()
}

// backtest runs variants over lines.
func backtest(t testing.TB, spec *Spec, lines string) *Result {
	t.Helper()
	h, err := OpenFiles([]string{"-"}, strings.NewReader(lines), event.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	res, err := Run(context.Background(), spec, h)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestRun(t *testing.T) {
	rec := &recorder{}
	res := backtest(t, &Spec{Variants: []Variant{{Name: "rules", Role: Today, Set: load(t, burst, rules.Options{})}}, Shards: 2, Sinks: []Sink{rec}}, history())
	h := res.History
	if h.Records != 12 || h.Events != 11 || h.Refused["not-json"] != 1 || h.First.String() != "2026-01-01T10:00:00.000Z" || h.Last.String() != "2026-01-02T13:00:00.000Z" || h.Days != 1.125 {
		t.Errorf("the history is %+v", h)
	}
	x := res.Variants[0].Rules[0]
	if x.Rule != "burst" || x.Alerts != 3 || x.Keys != 2 || x.Open != 0 || x.Evaluations != 11 || fmt.Sprint(x.Days) != "[{2026-01-01 1} {2026-01-02 2}]" ||
		fmt.Sprint(x.TopKeys) != "[{ann 2} {bob 1}]" || x.WorstDay.Alerts != 2 || x.WorstHour.Start.String() != "2026-01-01T10:00:00.000Z" {
		t.Errorf("burst came to %+v", x)
	}
	if s := x.Samples; len(s) != 3 || s[0].EventID != "e2" || s[0].Position != "stdin:3" || s[0].Message != "ann tried 3 times" || string(s[0].Values["tries"].(json.RawMessage)) != "3" {
		t.Errorf("its alerts are %+v", s)
	}
	if x := res.Variants[0].Rules[1]; x.Rule != "never" || x.Abstained.Missing != 11 || x.Alerts != 0 || x.First != NoTime {
		t.Errorf("never came to %+v", x)
	}
	want := `opened burst [ann]; resolved burst [ann] left; opened burst [bob]; resolved burst [bob] left; opened burst [ann]; resolved burst [ann] left; 4 fired; 11 events of 3 keys`
	if got := rec.String(); got != want {
		t.Errorf("the sink was told\n%s, want\n%s", got, want)
	}
}

// recorder is a sink that writes down what it is told.
type recorder struct {
	said   []string
	fired  int
	events int
	fields map[string]bool
}

func (r *recorder) Opened(a *Alert) error {
	r.said = append(r.said, fmt.Sprint("opened ", a.Rule.Name, " ", a.Key))
	return nil
}

func (r *recorder) Resolved(a *Alert) error {
	r.said = append(r.said, fmt.Sprint("resolved ", a.Rule.Name, " ", a.Key, " ", a.Reason))
	return nil
}

func (r *recorder) Fired(*Firing) error {
	r.fired++
	return nil
}

func (r *recorder) Fields() []event.Path { return []event.Path{{"who"}} }

func (r *recorder) Event(e *Event) error {
	if r.fields == nil {
		r.fields = map[string]bool{}
	}
	r.events++
	r.fields[strings.Clone(e.Value(0).S)] = true
	return nil
}

func (r *recorder) Watches(rule *Rule) bool { return rule.Name == "burst" }

func (r *recorder) Observe(*Rule, *engine.Observation) {}

func (r *recorder) String() string {
	return strings.Join(r.said, "; ") + fmt.Sprintf("; %d fired; %d events of %d keys", r.fired, r.events, len(r.fields))
}

// TestResultJSON reads a result again from its JSON.
func TestResultJSON(t *testing.T) {
	res := backtest(t, &Spec{Variants: []Variant{{Name: "rules", Role: Today, Set: load(t, burst, rules.Options{})}}}, history())
	first, err := json.Marshal(res)
	if err != nil {
		t.Fatal(err)
	}
	var again Result
	if err := json.Unmarshal(first, &again); err != nil {
		t.Fatal(err)
	}
	second, err := json.Marshal(&again)
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("read and written again it is %s, %v, want %s", second, err, first)
	}
}
