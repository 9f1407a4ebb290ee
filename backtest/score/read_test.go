package score

import (
	"strings"
	"testing"
)

func read(s string, c Columns) (*Labels, error) { return ReadLabels(strings.NewReader(s), "l.csv", c) }

func TestReadRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"":                                      "l.csv: no labels: the file is empty",
		"a,b\n":                                 "l.csv:1: the columns a, b say of nothing that it is labelled",
		"id,id\n":                               `l.csv:1: two columns are called "id"`,
		"id,fraud\ne1,perhaps\n":                `l.csv:2: column fraud: "perhaps" is neither a positive`,
		"id,fraud\ne1,1\ne1,0\n":                `l.csv:3: event "e1" is labelled twice and differently: positive in line 2, negative here`,
		"id,fraud\ne1,1\n,1\n":                  "l.csv:3: the row names no event, alert or key",
		"id,fraud\ne1,1\ne2\n":                  "l.csv: record on line 3: wrong number of fields",
		"id,fraud\ne1,\"1":                      `l.csv: parse error on line 2, column 6: extraneous or missing " in quoted-field`,
		"id,known\ne1,soon\n":                   `l.csv:2: column known: "soon" is not a time`,
		"id,amount\ne1,much\n":                  `l.csv:2: column amount: "much" is not a number`,
		"id,amount\ne1,NaN\n":                   `l.csv:2: column amount: "NaN" is not a number`,
		"key,from,to\nc1,9,1\n":                 `l.csv:2: the time of key "c1" ends before it begins`,
		"key,from,to\nc1,,1\n":                  `l.csv:2: column from: "" is not a time`,
		"key,from,to,label\nc,1,9,1\nc,5,6,0\n": `l.csv: key "c" is labelled positive in line 2 and negative in line 3 for times that overlap`,
	} {
		_, err := read(in, Columns{})
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", in, err, want)
		}
	}
	if _, err := read("id,x\ne1,1\n", Columns{Verdict: "y"}); err == nil || !strings.Contains(err.Error(), `no column "y" among id, x`) {
		t.Errorf("a column that is not there: %v", err)
	}
}

func TestRead(t *testing.T) {
	l, err := read("\ufeffid , fraud,scenario,known,amount\ne1,1,3,2018-04-01,7.5\ne1,TRUE,3,,\ne2,no,,,\n", Columns{})
	if err != nil {
		t.Fatal(err)
	}
	e := l.Events["e1"]
	if e.Verdict != Positive || e.Class != "3" || e.Known != 1522540800000 || e.Amount != 7.5 || e.Line != 2 {
		t.Errorf("e1: %+v", e)
	}
	if l.Positive != 1 || l.Negative != 1 || l.Repeated != 1 || l.Implied {
		t.Errorf("%+v", l)
	}
	if l, err = read("ref\ne1\n", Columns{Event: "ref"}); err != nil || !l.Implied || l.Events["e1"].Verdict != Positive {
		t.Errorf("a file without verdicts: %+v, %v", l, err)
	}
	if l, err = read("alert,label\na1,fp\n", Columns{}); err != nil || l.Alerts["a1"].Verdict != Negative {
		t.Errorf("alerts: %+v, %v", l, err)
	}
}

func FuzzReadLabels(f *testing.F) {
	f.Add("id,fraud,scenario\ne1,1,2\n")
	f.Add("key,from,to,label\nc1,2018-04-01,2018-04-02T10:00:00Z,1\n")
	f.Add("alert,verdict,known\n\"a,1\",fp,1522540800000\n")
	f.Fuzz(func(t *testing.T, s string) {
		l, err := read(s, Columns{})
		if err != nil {
			return
		}
		if n := len(l.Events) + len(l.Alerts) + len(l.Spans); n != l.Positive+l.Negative {
			t.Errorf("%d labels are kept, %d counted", n, l.Positive+l.Negative)
		}
	})
}
