package engine_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/engine"
	"kelpie/event"
	"kelpie/rules"
	"kelpie/state"
)

// TestMigrate tells stories of rules that change.
//
//	rules       the rules from now on; says how many rows were looked at, and which alerts ended
//	events      a time after the beginning, a type and fields each; says the rows of features, and what became of alerts
//	tick T      time goes on without an event
//	crash       what was not committed (after each block of events it is, unless it says nocommit) is lost
//	lost        asks for the alerts that ended once more, without a commit
//	rows        the keys in the store, with the number of blocks of each row
//	warming     the facts that are warming up
func TestMigrate(t *testing.T) {
	datadriven.Walk(t, "testdata/migrate", func(t *testing.T, path string) {
		s := &story{TB: t}
		defer s.close()
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			s.TB = t
			return s.do(d)
		})
	})
}

// story is a state that goes through different rules.
type story struct {
	testing.TB
	store  *state.Store
	rules  string
	time   engine.TimeSpec
	engine *engine.Engine
	events int
	out    strings.Builder
}

func (s *story) close() {
	if s.store != nil {
		if err := s.store.Close(); err != nil {
			s.Error(err)
		}
	}
}

func (s *story) do(d *datadriven.TestData) string {
	s.out.Reset()
	switch d.Cmd {
	case "rules":
		s.settings(d)
		s.rules = d.Input
		s.recover()
	case "events":
		s.fold(strings.Split(d.Input, "\n"))
		if !d.HasArg("nocommit") {
			s.commit()
		}
	case "tick":
		fx, err := s.engine.Tick(s.at(d.CmdArgs[0].Key))
		s.say(fx, err)
		s.commit()
	case "crash":
		s.recover()
	case "rows":
		s.listRows()
	case "warming":
		for _, rule := range slices.Sorted(maps.Keys(s.engine.Warming())) {
			fmt.Fprintf(&s.out, "%s: %s\n", rule, strings.Join(s.engine.Warming()[rule], ", "))
		}
	default:
		d.Fatalf(s, "unknown command %s", d.Cmd)
	}
	if s.out.Len() == 0 {
		return "ok\n"
	}
	return s.out.String()
}

func (s *story) settings(d *datadriven.TestData) {
	for _, a := range d.CmdArgs {
		ms := s.duration(a.Vals[0])
		switch a.Key {
		case "disorder":
			s.time.Disorder = ms
		case "lateness":
			s.time.Lateness = ms
		default:
			d.Fatalf(s, "unknown setting %s", a.Key)
		}
	}
}

var dawn = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func (s *story) duration(text string) int64 {
	ms, err := rules.ParseDuration(text)
	if err != nil {
		s.Fatal(err)
	}
	return ms
}

func (s *story) at(text string) int64 { return dawn.UnixMilli() + s.duration(text) }

// since writes a time as the stories do.
func since(ms int64) string { return rules.FormatDuration(ms - dawn.UnixMilli()) }

// recover goes on from the store with the rules.
func (s *story) recover() {
	if s.store == nil {
		var err error
		s.store, err = state.Open("state", state.Options{FS: vfs.NewMem(), Seed: 1, Cache: 1 << 20, MemTable: 1 << 20, PageSize: smallPage})
		if err != nil {
			s.Fatal(err)
		}
	}
	units, err := engine.LoadUnits(s.store)
	if err != nil {
		s.Fatal(err)
	}
	p, err := engine.NewPlan(ruleSet(s, s.rules), event.Spec{}, s.time, units)
	if err != nil {
		s.Fatal(err)
	}
	looked := int64(0)
	s.engine, err = engine.Recover(p, units, s.store, engine.Options{Rows: true, Migrated: func(n int64) { looked = n }})
	if err != nil {
		fmt.Fprintf(&s.out, "error: %v\n", err)
		return
	}
	if looked > 0 {
		fmt.Fprintf(&s.out, "%d rows\n", looked)
	}
	s.changes(s.engine.Dropped())
}

// fold folds events and says what they bring about.
func (s *story) fold(lines []string) {
	n := s.engine.Partition(event.Position{Stream: "events.jsonl"})
	b := &engine.Batch{Partition: n}
	for _, line := range lines {
		s.events++
		words := strings.Fields(line)
		x := map[string]any{"time": s.at(words[0]), "type": words[1], "id": fmt.Sprint("e", s.events)}
		for _, w := range words[2:] {
			name, value, _ := strings.Cut(w, "=")
			x[name] = value
			var v any
			if json.Unmarshal([]byte(value), &v) == nil {
				x[name] = v
			}
		}
		text, err := json.Marshal(x)
		if err != nil {
			s.Fatal(err)
		}
		at := len(b.Buf)
		b.Buf = append(b.Buf, text...)
		b.Lines = append(b.Lines, engine.Line{Start: at, End: len(b.Buf), Offset: int64(s.events)})
	}
	fx, err := s.engine.Step(b)
	s.say(fx, err)
}

func (s *story) commit() {
	p := s.engine.Flush()
	if err := s.store.Commit(p.Batch, false); err != nil {
		s.Fatal(err)
	}
	s.engine.Committed(p)
	s.engine.Trim(0)
}

func (s *story) say(fx *engine.Effects, err error) {
	if err != nil {
		s.Fatal(err)
	}
	for _, line := range fx.Rows {
		var r struct {
			Rule      string
			Key       any
			Time      time.Time
			Values    map[string]json.RawMessage
			Fired     bool
			Abstained string
			Window    *struct{ Start, End time.Time }
		}
		if err := json.Unmarshal(line, &r); err != nil {
			s.Fatal(err)
		}
		fmt.Fprintf(&s.out, "%s %v %s:", r.Rule, r.Key, since(r.Time.UnixMilli()))
		for _, name := range slices.Sorted(maps.Keys(r.Values)) {
			fmt.Fprintf(&s.out, " %s=%s", name, r.Values[name])
		}
		if r.Fired {
			s.out.WriteString(" fired")
		}
		if r.Abstained != "" {
			fmt.Fprintf(&s.out, " abstained: %s", r.Abstained)
		}
		if r.Window != nil {
			fmt.Fprintf(&s.out, " window %s to %s", since(r.Window.Start.UnixMilli()), since(r.Window.End.UnixMilli()))
		}
		s.out.WriteByte('\n')
	}
	s.changes(fx.Changes)
}

func (s *story) changes(all []engine.Change) {
	for _, c := range all {
		fmt.Fprintf(&s.out, "  %s %s %s at %s", c.Rule.Name, strings.Join(c.Key, ","), c.Kind, since(c.At))
		if c.Kind == engine.Resolved {
			fmt.Fprintf(&s.out, " (%s)", c.Reason)
		}
		if c.Message != "" {
			fmt.Fprintf(&s.out, " %q", c.Message)
		}
		if c.Warming != nil {
			fmt.Fprintf(&s.out, " warming: %s", strings.Join(c.Warming, ", "))
		}
		s.out.WriteByte('\n')
	}
}

// listRows lists the rows in the store.
func (s *story) listRows() {
	dims, err := s.store.Dimensions()
	if err != nil {
		s.Fatal(err)
	}
	var lines []string
	for _, dim := range dims {
		err := s.store.ScanRows(dim, -1, func(_ uint64, key, value []byte) error {
			lines = append(lines, fmt.Sprintf("%q: %d blocks\n", key, value[24]))
			return nil
		})
		if err != nil {
			s.Fatal(err)
		}
	}
	slices.Sort(lines)
	s.out.WriteString(strings.Join(lines, ""))
}
