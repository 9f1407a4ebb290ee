package alert_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/alert"
	"kelpie/state"
)

func matchers(t *testing.T, texts ...string) (ms alert.Matchers) {
	t.Helper()
	for _, text := range texts {
		m, err := alert.ParseMatcher(text)
		if err != nil {
			t.Fatal(err)
		}
		ms = append(ms, m)
	}
	return ms
}

func TestMatchers(t *testing.T) {
	a := &alert.Alert{
		Rule: "burst", Severity: "high", Mode: "alert", By: []string{"device.id", "team"}, Key: []string{"d 1", "x"},
		Labels: map[string]string{"team": "fraud", "rule": "other"},
	}
	f := func(text string, want bool) {
		t.Helper()
		if got := matchers(t, text).Match(a.LabelSet()); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	f("severity = high", true)
	f(`rule="burst"`, true)
	f("rule = other", false)
	f("team = fraud", true)
	f(`team =~ "fraud|risk", severity != low`, true)
	f(`team =~ "fraud|risk", severity = low`, false)
	f(`team =~ "frau"`, false)
	f(`device_id = "d 1"`, true)
	f(`key = "d 1,x"`, true)
	f("nothing = ''", false)
	f(`nothing = ""`, true)
	f(`nothing != ""`, false)
	f(`severity !~ "h.*"`, false)

	for _, text := range []string{"", " ", "severity", "a b = c", `x =~ "("`, `x = "a" b`, strings.Repeat("x", 3000) + "=1"} {
		if m, err := alert.ParseMatcher(text); err == nil {
			t.Errorf("%q is read as %s", text, m)
		}
	}
	if got := matchers(t, "b!=1 , a =~x ", "c = 2").String(); got != `b!="1",a=~"x",c="2"` {
		t.Errorf("written as %s", got)
	}
}

func TestSilenceIsValidated(t *testing.T) {
	good := alert.Silence{ID: "s", Match: matchers(t, "rule = burst"), From: 10, To: 20, By: "ann"}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	f := func(change func(*alert.Silence), want string) {
		t.Helper()
		s := good
		change(&s)
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	f(func(s *alert.Silence) { s.Match = nil }, "match: at least one")
	f(func(s *alert.Silence) { s.Match = matchers(t, `rule =~ ".*"`, "team != a") }, "match: this would silence everything")
	f(func(s *alert.Silence) { s.To = s.From }, "to: must be after")
	f(func(s *alert.Silence) { s.By = "" }, "by: who")
	f(func(s *alert.Silence) { s.Comment = strings.Repeat("x", 5000) }, "comment: at most")
	f(func(s *alert.Silence) { s.Match = make(alert.Matchers, 33) }, "match: at most")
}

// TestBookOfSilences follows silences through the commits of the fold.
func TestBookOfSilences(t *testing.T) {
	store, err := state.Open("state", state.Options{FS: vfs.NewMem(), Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	book := alert.NewBook(store)
	commit := func() {
		t.Helper()
		if !book.Urgent() {
			t.Error("a change of silences may wait")
		}
		b := store.NewBatch()
		defer b.Close()
		before := store.SilencesVersion()
		epoch, err := book.Flush(b)
		if err := errors.Join(err, store.Commit(b, true)); err != nil {
			t.Fatal(err)
		}
		book.Committed(epoch)
		if store.SilencesVersion() == before {
			t.Error("nobody hears of the change")
		}
		if book.Urgent() {
			t.Error("what has been committed is urgent")
		}
	}
	kept := func(want ...string) {
		t.Helper()
		all, err := alert.Silences(store)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range all {
			got = append(got, s.ID+" "+string(s.State(50)))
		}
		if strings.Join(got, ", ") != strings.Join(want, ", ") {
			t.Errorf("kept are %q, want %q", got, want)
		}
	}
	add := func(id string, from, to, added int64) {
		t.Helper()
		s := alert.Silence{ID: id, Match: matchers(t, "rule = burst"), From: from, To: to, By: "ann", Comment: "known <&>", Added: added}
		if err := book.AddSilence(s); err != nil {
			t.Fatal(err)
		}
	}
	add("a", 10, 100, 5)
	add("b", 60, 200, 6)
	commit()
	kept("a active", "b pending")
	if err := book.ExpireSilence("a", alert.Mark{By: "bob", At: 40}); err != nil {
		t.Fatal(err)
	}
	if err := book.ExpireSilence("a", alert.Mark{By: "bob", At: 41}); !errors.Is(err, alert.ErrSilenceOver) {
		t.Errorf("ended twice: %v", err)
	}
	if err := book.ExpireSilence("c", alert.Mark{At: 41}); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("ended what is not there: %v", err)
	}
	commit()
	kept("a expired", "b pending")
	s, err := book.Silence("a")
	if err != nil || s.Expired == nil || s.Expired.By != "bob" || s.To != 40 {
		t.Errorf("silence a is %+v, %v", s, err)
	}
	month := int64(30 * 24 * 3600 * 1000)
	add("c", month, 2*month, month+150)
	if _, err := book.Silence("a"); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("what is forgotten with the next commit is there: %v", err)
	}
	commit()
	kept("b pending", "c pending")
	if err := book.AddSilence(alert.Silence{ID: "d"}); err == nil {
		t.Error("any silence is taken")
	}
}

func TestSilenceJSON(t *testing.T) {
	s := alert.Silence{
		ID: "s1", Match: matchers(t, "rule = burst, key != c1", `team =~ "a|b"`), From: 1_767_607_200_000, To: 1_767_610_800_000,
		By: "ann", Comment: "deploy", Added: 1_767_607_200_000, Expired: &alert.Mark{By: "bob", At: 1_767_607_260_000},
	}
	b, err := json.Marshal(s)
	const want = `{"id":"s1","match":["rule=\"burst\",key!=\"c1\"","team=~\"a|b\""],"from":"2026-01-05T10:00:00.000Z",` +
		`"to":"2026-01-05T11:00:00.000Z","by":"ann","comment":"deploy","added":"2026-01-05T10:00:00.000Z",` +
		`"expired":{"by":"bob","at":"2026-01-05T10:01:00.000Z"}}`
	if err != nil || string(b) != want {
		t.Errorf("written as %s, %v", b, err)
	}
	var back alert.Silence
	if err := json.Unmarshal(b, &back); err != nil || back.Match.String() != s.Match.String() || *back.Expired != *s.Expired || back.To != s.To {
		t.Errorf("read back as %+v, %v", back, err)
	}
	if json.Unmarshal([]byte(`{"match":["nonsense"]}`), &back) == nil {
		t.Error("a silence with a wrong matcher is read")
	}
}

func TestSilencedBy(t *testing.T) {
	all := []*alert.Silence{
		{ID: "a", Match: matchers(t, "rule = order-burst"), From: 10, To: 20},
		{ID: "b", Match: matchers(t, "rule = order-burst", "team = fraud"), From: 15, To: 30},
		{ID: "c", Match: matchers(t, "rule = other"), From: 0, To: 100},
	}
	a := &alert.Alert{Rule: "order-burst", Labels: map[string]string{"team": "fraud"}}
	for now, want := range map[int64]string{9: "", 10: "a", 15: "a,b", 20: "b", 30: ""} {
		if got := strings.Join(alert.SilencedBy(all, a, nil, now), ","); got != want {
			t.Errorf("at %d silenced by %q, want %q", now, got, want)
		}
	}
}
