package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"kelpie/engine"
	"kelpie/event"
	"kelpie/journal"
	"kelpie/rules"
	"kelpie/source"
	"kelpie/state"
)

// found is what a state holds, and what kelpie features prints, of some events.
type found struct {
	alerts []string // as kelpie alerts list prints them, without places
	tables []string // all rows
	facts  []string // of each rule for some keys
	lives  []string // of the alerts: rule, key, opened, by what, resolved
}

// compare compares what the service found with what is found in a file of all events in order of their times, which is the
// same whoever reads them. With order: arrival it is a fold of the records in the order that our log notes.
func (p *proof) compare() {
	p.t.Helper()
	if p.order == "time" {
		p.compareWith(p.expected())
		return
	}
	p.agree(p.refold(p.records()))
}

// compareWith compares what the service found with what is found in a file.
func (p *proof) compareWith(want found) {
	p.t.Helper()
	got := p.foundBy("kelpie.yml")
	got.lives = livesOf(p.t, got.alerts)
	if len(want.alerts) < 20 {
		p.t.Errorf("%d alerts: too few to say anything", len(want.alerts))
	}
	for _, x := range []struct {
		what      string
		got, want []string
	}{{"alerts", got.alerts, want.alerts}, {"rows of tables", got.tables, want.tables}, {"facts", got.facts, want.facts}, {"lives", got.lives, want.lives}} {
		if !slices.Equal(x.got, x.want) {
			p.t.Errorf("%d %s, want %d: %s", len(x.got), x.what, len(x.want), firstDifference(x.got, x.want))
		}
	}
	if p.t.Failed() {
		return
	}
	messages := map[string]string{}
	for _, line := range want.alerts {
		var a struct{ ID, State string }
		parseJSON(p.t, line, &a)
		messages[a.ID+"/opened"] = a.ID
		if a.State == "resolved" {
			messages[a.ID+"/resolved"] = a.ID
		}
	}
	p.delivered(messages)
}

// firstDifference is of sorted lines.
func firstDifference(got, want []string) string {
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	at := func(lines []string) string { return strings.Join(lines[min(i, len(lines)):min(i+1, len(lines))], "") }
	return "got\n" + at(got) + "\nwant\n" + at(want)
}

// expected reads a file of all events that count, in order of their times, and of their places where times are the same. With
// order: arrival that is for one partition, and in order of places.
func (p *proof) expected() found {
	type placed struct {
		at   int64
		line []byte
	}
	var all []placed
	for _, line := range p.before {
		all = append(all, placed{timeOf(p.t, line), line})
	}
	for _, at := range p.places() {
		for _, line := range p.parts[at] {
			if line != nil {
				all = append(all, placed{timeOf(p.t, line), line})
			}
		}
	}
	if p.order == "time" {
		slices.SortStableFunc(all, func(a, b placed) int { return cmp.Compare(a.at, b.at) })
	}
	var text bytes.Buffer
	for _, x := range all {
		text.Write(x.line)
		text.WriteByte('\n')
	}
	p.write("sorted.jsonl", text.String())
	p.write("sorted.yml", "data: sorted\nrules: rules\ntime: "+p.time+"\nsources: [{files: sorted.jsonl}]\n"+
		"alerts: {stdout: \"off\"}\nmetrics: {listen: \"off\"}\nhttp: {listen: \"off\"}\n")
	p.kelpie("sorted.yml", "run", "--until-end")
	f := p.foundBy("sorted.yml")
	lives := filepath.Join(p.dir, "lives.jsonl")
	p.kelpie("sorted.yml", "features", "--events", filepath.Join(p.dir, "sorted.jsonl"), "--alerts", lives)
	written, err := os.ReadFile(lives)
	if err != nil {
		p.t.Fatal(err)
	}
	f.lives = livesOf(p.t, sortedLines(string(written)))
	return f
}

// places returns the partitions in order.
func (p *proof) places() (all []source.Partition) {
	for at := range p.parts {
		all = append(all, at)
	}
	slices.SortFunc(all, source.Partition.Compare)
	return all
}

var placeOf = regexp.MustCompile(`,?"position":"[^"]*"`)

// foundBy returns what is in the state of a configuration.
func (p *proof) foundBy(config string) (f found) {
	f.alerts = sortedLines(placeOf.ReplaceAllString(p.kelpie(config, "alerts", "list", "--json", "--limit", "0"), ""))
	dir := strings.Replace(strings.TrimSuffix(config, ".yml"), "kelpie", "data", 1)
	s, err := state.Open(filepath.Join(p.dir, dir, "state"), state.Options{ReadOnly: true})
	if err != nil {
		p.t.Fatal(err)
	}
	defer s.Close()
	plan, err := engine.StoredPlan(s, "")
	if err != nil || plan == nil {
		p.t.Fatalf("%v, %v", plan, err)
	}
	for _, t := range plan.Set.Tables {
		f.tables = append(f.tables, sortedLines(p.kelpie(config, "tables", "get", t.Name))...)
	}
	for _, r := range plan.Set.Rules {
		for _, key := range p.someKeys(r) {
			x, err := plan.FactsNow(s, r.Name, []string{key})
			if err != nil {
				p.t.Fatal(err)
			}
			f.facts = append(f.facts, string(x.AppendJSON(nil)))
		}
	}
	return f
}

// someKeys returns keys of a rule, of the first events and the last ones.
func (p *proof) someKeys(r *rules.Rule) (keys []string) {
	const some = 50
	last := max(some, p.fed-some)
	for _, line := range append(slices.Clone(p.lines[:min(some, p.fed)]), p.lines[min(last, p.fed):p.fed]...) {
		var fields map[string]any
		parseJSON(p.t, string(line), &fields)
		if key, is := fields[r.By[0].String()].(string); is && !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// livesOf returns the lives of alerts: of those that kelpie features writes, and of those that are listed.
func livesOf(t *testing.T, lines []string) (all []string) {
	for _, line := range lines {
		var x struct {
			Rule, Key, Opened, Resolved, ID string
			Window                          *json.RawMessage
			Opener                          *struct {
				Event  string
				Window *json.RawMessage
			}
		}
		parseJSON(t, line, &x)
		if x.Opener != nil {
			x.ID, x.Window = x.Opener.Event, x.Opener.Window
		}
		if x.Window != nil {
			x.ID = string(*x.Window)
		}
		all = append(all, fmt.Sprintf("%s %q opened %s by %s resolved %q", x.Rule, x.Key, x.Opened, x.ID, x.Resolved))
	}
	slices.Sort(all)
	return all
}

func sortedLines(text string) []string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	slices.Sort(lines)
	return lines
}

func parseJSON(t *testing.T, text string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}

// timeOf returns the time of an event, ms.
func timeOf(t *testing.T, line []byte) int64 {
	var x struct{ Time string }
	parseJSON(t, string(line), &x)
	at, ok := event.ParseTime(event.StringValue(x.Time))
	if !ok {
		t.Fatalf("no time: %s", line)
	}
	return at
}

func (p *proof) parse(r *journal.Record, v any) {
	p.t.Helper()
	parseJSON(p.t, string(r.Payload), v)
}

// refold folds the records of the topics in memory, in the order that our log notes.
func (p *proof) refold(records []journal.Record) map[string]string {
	f := p.newFold()
	at := map[source.Partition]int64{}
	for i := range records {
		r := &records[i]
		switch r.Kind {
		case journal.PartitionsAssigned:
			var x struct{ Assigned []source.Partition }
			p.parse(r, &x)
			for _, q := range x.Assigned {
				f.e.Wake(f.part(q))
			}
		case journal.RecordsRead:
			var x source.Run
			p.parse(r, &x)
			if x.From != at[x.Partition] && x.Records > 0 {
				p.t.Errorf("log@%d: %s from %d, want %d", r.Offset, x.Partition, x.From, at[x.Partition])
			}
			for at[x.Partition] = x.From; at[x.Partition] < x.To; at[x.Partition]++ {
				if all := p.parts[x.Partition]; at[x.Partition] < int64(len(all)) && all[at[x.Partition]] != nil {
					f.step(x.Partition, at[x.Partition], all[at[x.Partition]])
				}
			}
		case journal.TimeAdvanced:
			var x struct {
				Watermark int64
				Idle      string
				End       bool
			}
			p.parse(r, &x)
			switch {
			case x.End:
				f.take(f.e.End(false))
			case x.Watermark != 0:
				f.take(f.e.Tick(x.Watermark))
			case strings.HasPrefix(x.Idle, "stream "):
				f.e.Idle(f.names[strings.TrimPrefix(x.Idle, "stream ")])
			}
		}
	}
	for q, lines := range p.parts {
		if at[q] < int64(len(lines)) {
			p.t.Errorf("%s was read up to %d, want %d", q, at[q], len(lines))
		}
	}
	return f.lives
}

// refolded folds records one by one, and knows the lives of the alerts.
type refolded struct {
	t     *testing.T
	e     *engine.Engine
	names map[string]int
	lives map[string]string
}

func (p *proof) newFold() *refolded {
	set, err := rules.Load([]string{filepath.Join(p.dir, "rules")}, rules.Options{})
	if err != nil {
		p.t.Fatal(err)
	}
	plan, err := engine.NewPlan(set, event.Spec{}, engine.TimeSpec{ByTime: p.order == "time", Disorder: 2000, Future: 300_000}, engine.NewUnits())
	if err != nil {
		p.t.Fatal(err)
	}
	return &refolded{t: p.t, e: engine.New(plan, engine.Options{}), names: map[string]int{}, lives: map[string]string{}}
}

func (f *refolded) part(p source.Partition) int {
	i := f.e.Partition(event.Position{Stream: p.Stream, Partition: p.ID, Kind: event.KafkaPosition})
	f.names[p.String()] = i
	return i
}

func (f *refolded) step(p source.Partition, offset int64, line []byte) {
	f.take(f.e.Step(&engine.Batch{Partition: f.part(p), Buf: line, Lines: []engine.Line{{End: len(line), Offset: offset}}}))
}

func (f *refolded) take(fx *engine.Effects, err error) {
	if err != nil {
		f.t.Fatal(err)
	}
	for _, c := range fx.Changes {
		switch c.Kind {
		case engine.Opened:
			f.lives[c.ID] = fmt.Sprintf("%s %q opened %d by %s %v: %s", c.Rule.Name, c.Key, c.Opened, c.Position, c.Window, c.Message) + " firing"
		case engine.Resolved:
			f.lives[c.ID] = f.lives[c.ID][:len(f.lives[c.ID])-len(" firing")] + fmt.Sprintf(" resolved %d %s", c.At, c.Reason)
		}
	}
}
