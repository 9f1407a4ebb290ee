package oracle

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kelpie/event"
	"kelpie/rules"
)

const cases = "../../testdata/cases"

// TestCases runs the oracle on every case and wants each row, alert and refusal.
func TestCases(t *testing.T) {
	dirs, err := filepath.Glob(filepath.Join(cases, "*", "rules.yml"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, d := range dirs {
		dir := filepath.Dir(d)
		t.Run(filepath.Base(dir), func(t *testing.T) { runCase(t, dir) })
	}
}

func runCase(t *testing.T, dir string) {
	set, err := rules.Load([]string{filepath.Join(dir, "rules.yml")}, rules.Options{})
	if err != nil {
		t.Fatal(err)
	}
	raw := bytes.Split(bytes.TrimSuffix(read(t, dir, "events.jsonl"), []byte("\n")), []byte("\n"))
	out, err := Run(set, arguments(t, string(read(t, dir, "args"))), FileLines("events.jsonl", raw))
	if err != nil {
		t.Fatal(err)
	}
	compare(t, "rows", read(t, dir, "features.jsonl"), WriteRows(out.Rows))
	compare(t, "alerts", read(t, dir, "alerts.jsonl"), WriteAlerts(out.Alerts))
	compareRejected(t, dir, out.Rejected)
}

func compare(t *testing.T, what string, want, got []byte) {
	t.Helper()
	diffs, err := Compare(want, got, 20)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range diffs {
		t.Errorf("%s: %s", what, d)
	}
}

// compareRejected compares the refused lines, where the case says any.
func compareRejected(t *testing.T, dir string, got []Rejected) {
	type line struct {
		Line   int64
		Reason event.Reason
	}
	var want, have []line
	if b, err := os.ReadFile(filepath.Join(dir, "rejected.json")); err == nil {
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range got {
		have = append(have, line{r.Pos.Offset, r.Reason})
	}
	for i := range max(len(want), len(have)) {
		if i >= len(want) || i >= len(have) || want[i] != have[i] {
			t.Fatalf("refused lines: want %v, got %v", want, have)
		}
	}
}

// arguments reads a case's further arguments of `kelpie features`.
func arguments(t *testing.T, args string) (o Options) {
	t.Helper()
	f := strings.Fields(args)
	for i := 0; i < len(f); i++ {
		if f[i] == "--drain" {
			o.Drain = true
			continue
		}
		if i+1 == len(f) {
			t.Fatalf("args: %q", args)
		}
		switch f[i] {
		case "--order":
			o.ByTime = f[i+1] == "time"
		case "--disorder":
			o.Disorder = duration(t, f[i+1])
		case "--lateness":
			o.Lateness = duration(t, f[i+1])
		default:
			t.Fatalf("args: %q", args)
		}
		i++
	}
	if !strings.Contains(args, "--disorder") {
		o.Disorder = 2000
	}
	return o
}

func duration(t *testing.T, s string) int64 {
	t.Helper()
	d, err := time.ParseDuration(s)
	if err != nil {
		t.Fatal(err)
	}
	return d.Milliseconds()
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
