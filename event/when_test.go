package event

import (
	"bytes"
	"testing"
)

// FuzzTimeFinder compares with a Decoder: of what it takes a time that is found is the event's.
func FuzzTimeFinder(f *testing.F) {
	for _, line := range shopEvents(5) {
		f.Add(line)
	}
	for _, text := range []string{
		` {"type":"a","time":1700000000,"at":{"time":1.5e12}}`, `{"at":{"time":[{"x":"}\""},1],"y":{}},"time":"2026-01-05T10:00:00Z","type":"a"}`,
		`{"type":"a","t\u0069me":1,"at":{"time":2}}`, `{"type":"a","time":1,"time":2}`, `{"type":"\"time\":5","time":-7 }`, `{"x":{"time":5},"type":1,"time":9}`,
		`{"time":"2026-01-05T10:00:00\u005a","type":"a"}`, `{"type":"a","time":null}`, `{"type":"a","time"`, `{"time":tru`, `[1]`, `{}`, ``,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, path := range []string{"time", "at.time"} {
			spec := Spec{Time: path}
			d, err := NewDecoder(&Schema{Spec: spec})
			if err != nil {
				t.Fatal(err)
			}
			finder, err := NewTimeFinder(spec)
			if err != nil {
				t.Fatal(err)
			}
			ms, ok := finder.Find(b)
			var r Record
			if d.Decode(b, &r) == nil && ok && ms != r.Time {
				t.Errorf("%s: found %d, the event's time is %d", b, ms, r.Time)
			}
		}
	})
}

// TestTimeFinder holds that common events do not need a Decoder.
func TestTimeFinder(t *testing.T) {
	finder, err := NewTimeFinder(Spec{})
	if err != nil {
		t.Fatal(err)
	}
	d := newDecoder(t)
	for _, line := range append(shopEvents(20), []byte(`{"at":{"time":[{"x":"}\""},1],"y":{}},"time":1700000000,"type":"a"}`), []byte(`{"type":"a","time":5}`)) {
		var r Record
		if ref := d.Decode(line, &r); ref != nil {
			t.Fatal(ref)
		}
		if ms, ok := finder.Find(line); !ok || ms != r.Time {
			t.Errorf("%s: found %d, %v, want %d", line, ms, ok, r.Time)
		}
	}
	line := bytes.TrimSpace(shopEvents(1)[0])
	if n := testing.AllocsPerRun(100, func() { finder.Find(line) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkTimeFinder finds the times of events; BenchmarkDecodeNothing decodes them for the time alone.
func BenchmarkTimeFinder(b *testing.B) {
	finder, err := NewTimeFinder(Spec{})
	if err != nil {
		b.Fatal(err)
	}
	lines := shopEvents(1000)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, ok := finder.Find(lines[i%len(lines)]); !ok {
			b.Fatal("no time")
		}
	}
}

func BenchmarkDecodeNothing(b *testing.B) {
	d := newDecoder(b)
	lines := shopEvents(1000)
	var r Record
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if d.Decode(lines[i%len(lines)], &r) != nil {
			b.Fatal("refused")
		}
	}
}
