package backtest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"testing"

	"pgregory.net/rapid"

	"kelpie/engine"
	"kelpie/engine/oracle"
	"kelpie/event"
	"kelpie/rules"
)

// pieces is a history of lines that is cut into parts of so many.
type pieces struct {
	lines [][]byte
	size  int
	at    int
	err   error // in place of the end
}

func (p *pieces) Names() []string { return []string{"lines"} }
func (p *pieces) Total() int64    { return int64(len(p.lines)) }
func (p *pieces) Close() error    { return nil }

func (p *pieces) Next(context.Context) (*Part, error) {
	if p.at == len(p.lines) {
		if p.err != nil {
			return nil, p.err
		}
		return nil, io.EOF
	}
	part := &Part{Partition: event.Position{Stream: "lines"}}
	for n := min(p.size, len(p.lines)-p.at); n > 0; n-- {
		start := len(part.Buf)
		part.Buf = append(part.Buf, p.lines[p.at]...)
		p.at++
		part.Lines = append(part.Lines, engine.Line{Start: start, End: len(part.Buf), Offset: int64(p.at)})
		part.Bytes++
	}
	return part, nil
}

// TestOneResult runs random rules over random streams, part of which counts, and wants the same result however the stream is
// cut and spread over shards.
func TestOneResult(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := oracle.Random(t)
		set, err := rules.LoadBytes("rules.yml", []byte(s.RulesYAML), rules.Options{})
		if err != nil {
			t.Fatal(err)
		}
		spec := Spec{Time: engine.TimeSpec{ByTime: s.Options.ByTime, Disorder: s.Options.Disorder, Lateness: s.Options.Lateness},
			Drain: s.Options.Drain, Variants: []Variant{{Name: "rules", Role: Today, Set: set}}, Shards: 1}
		whole, err := Run(t.Context(), &spec, &pieces{lines: s.Lines, size: len(s.Lines) + 1})
		if err != nil {
			t.Fatal(err)
		}
		if first, last := int64(whole.History.First), int64(whole.History.Last); last > first {
			spec.From = rapid.Int64Range(first, last).Draw(t, "from")
			spec.To = rapid.Int64Range(spec.From, last+1).Draw(t, "to") + 1
		}
		spec.Warmup = rapid.SampledFrom([]int64{0, AutoWarmup, AllWarmup, 1500}).Draw(t, "warmup")
		var want []byte
		for _, way := range [][2]int{{1, len(s.Lines) + 1}, {1, 1}, {2, 3}, {3, 7}} {
			spec.Shards = way[0]
			res, err := Run(t.Context(), &spec, &pieces{lines: s.Lines, size: way[1]})
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(res, "", " ")
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = got
			}
			if string(want) != string(got) {
				t.Fatalf("%s\nfrom %s to %s, warm-up %d: with %d shards in parts of %d: %s", s, Time(spec.From), Time(spec.To), spec.Warmup, way[0], way[1], differ(string(got), string(want)))
			}
		}
	})
}

// TestWarmup counts what a rule comes to where only a part of the history counts.
func TestWarmup(t *testing.T) {
	set := load(t, `
rules:
  burst:
    event: Tried
    by: who
    let: {tries: count over 1h}
    when: tries > 2
`, rules.Options{})
	var lines [][]byte
	for _, at := range []string{"09:00", "09:20", "09:40", "10:10", "10:20", "11:50"} {
		lines = append(lines, fmt.Appendf(nil, `{"type":"Tried","time":"2026-01-01T%s:00Z","who":"ann"}`, at))
	}
	f := func(warmup int64, want string) {
		t.Helper()
		from, _ := event.ParseTime(event.StringValue("2026-01-01T10:00:00Z"))
		res, err := Run(t.Context(), &Spec{From: from, Warmup: warmup, Variants: []Variant{{Name: "rules", Set: set}}}, &pieces{lines: lines, size: 2})
		if err != nil {
			t.Fatal(err)
		}
		x, h := res.Variants[0].Rules[0], res.History
		got := fmt.Sprintf("%d events, %d warm-up, %d outside; %d judged, %d alerts, %d of them warming, full %s", h.Events, h.Warmup, h.Outside, x.Evaluations, x.Alerts, x.Warming, x.Full)
		if got != want {
			t.Errorf("warm-up %d: %s, want %s", warmup, got, want)
		}
	}
	f(0, "3 events, 0 warm-up, 3 outside; 3 judged, 0 alerts, 0 of them warming, full 2026-01-01T11:10:00.000Z")
	f(AutoWarmup, "6 events, 3 warm-up, 0 outside; 3 judged, 1 alerts, 0 of them warming, full 2026-01-01T10:00:00.000Z")
	f(AllWarmup, "6 events, 3 warm-up, 0 outside; 3 judged, 1 alerts, 0 of them warming, full 2026-01-01T10:00:00.000Z")
	f(45*60*1000, "5 events, 2 warm-up, 1 outside; 3 judged, 1 alerts, 1 of them warming, full 2026-01-01T10:20:00.000Z")
}

// TestPartial says what has been found until the history broke off, or the run was interrupted.
func TestPartial(t *testing.T) {
	set := load(t, burst, rules.Options{})
	spec := &Spec{Variants: []Variant{{Name: "rules", Set: set}}}
	lines := [][]byte{[]byte(tried("1T10:00:00Z", "ann", 1)), []byte(tried("1T10:00:01Z", "ann", 2))}
	res, err := Run(t.Context(), spec, &pieces{lines: lines, size: 1, err: io.ErrUnexpectedEOF})
	if err == nil || res == nil || res.Partial != "unexpected EOF" || res.History.Events != 2 {
		t.Errorf("a history that breaks off gives %+v, %v", res, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	spec.Progress = func(p Progress) {
		if p.Events == 1 {
			cancel()
		}
	}
	files, err := OpenFiles([]string{"laws_test.go"}, nil, event.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	cancel()
	if res, err = Run(ctx, spec, files); err != nil || res.Partial != "interrupted" {
		t.Errorf("an interrupted run gives %+v, %v", res, err)
	}
}
