package event

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"
)

// TestBadLines reads a file with one line of every kind that is refused, and of those that only look like it.
func TestBadLines(t *testing.T) {
	type rejection struct {
		Line   int
		Reason Reason
	}
	events, err := os.ReadFile("testdata/bad-lines/events.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/bad-lines/rejected.json")
	if err != nil {
		t.Fatal(err)
	}
	var rejected []rejection
	if err := json.Unmarshal(text, &rejected); err != nil {
		t.Fatal(err)
	}
	want := map[int]Reason{2: NotJSON, 30: NotJSON} // lines of white space: a source skips them
	for _, r := range rejected {
		want[r.Line] = r.Reason
	}
	d := newDecoder(t, "customer_id", "amount")
	var r Record
	for i, line := range bytes.Split(bytes.TrimSuffix(events, []byte("\n")), []byte("\n")) {
		ref := d.Decode(line, &r)
		var got Reason
		if ref != nil {
			got = ref.Reason
			t.Logf("line %d: %v", i+1, ref)
		}
		if got != want[i+1] {
			t.Errorf("line %d: got %q, want %q: %s", i+1, got, want[i+1], line)
		}
	}
}

func newDecoder(t testing.TB, paths ...string) *Decoder {
	t.Helper()
	s := Schema{Types: []string{"OrderCreated", "OrderPaid"}}
	for _, text := range paths {
		p, err := ParsePath(text)
		if err != nil {
			t.Fatal(err)
		}
		s.Paths = append(s.Paths, p)
	}
	d, err := NewDecoder(&s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
