package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kelpie/engine/oracle"
)

// TestCases runs `kelpie features` on every case, in every way of spreading and cutting the events, and wants each row,
// each alert and each refused line.
func TestCases(t *testing.T) {
	dirs, err := filepath.Glob("../../testdata/cases/*/rules.yml")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, rules := range dirs {
		dir := filepath.Dir(rules)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			for _, shards := range []int{1, 2, 7} {
				for _, batch := range []int{1, 3, 10_000} {
					t.Run(fmt.Sprintf("%d shards, batches of %d", shards, batch), func(t *testing.T) { runCase(t, dir, shards, batch) })
				}
			}
		})
	}
}

func runCase(t *testing.T, dir string, shards, batch int) {
	tmp := t.TempDir()
	alerts, rejected := filepath.Join(tmp, "alerts.jsonl"), filepath.Join(tmp, "rejected.jsonl")
	args := []string{"features", "-r", filepath.Join(dir, "rules.yml"), "--events", filepath.Join(dir, "events.jsonl"),
		"--alerts", alerts, "--rejected", rejected, "--shards", strconv.Itoa(shards), "--batch", strconv.Itoa(batch)}
	args = append(args, strings.Fields(string(read(t, filepath.Join(dir, "args"))))...)
	var out, errOut bytes.Buffer
	if code := run(t.Context(), args, nil, &out, &errOut); code != exitDone {
		t.Fatalf("exit code %d: %s", code, errOut.String())
	}
	compareLines(t, "rows", read(t, filepath.Join(dir, "features.jsonl")), out.Bytes())
	compareLines(t, "alerts", read(t, filepath.Join(dir, "alerts.jsonl")), read(t, alerts))
	compareRejected(t, dir, read(t, rejected))
	compareOpenings(t, read(t, alerts))
}

func compareLines(t *testing.T, what string, want, got []byte) {
	t.Helper()
	diffs, err := oracle.Compare(want, got, 5)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range diffs {
		t.Errorf("%s: %s", what, d)
	}
}

// refusedLine is a refused line as cases list it.
type refusedLine struct {
	Line   int
	Reason string
}

func compareRejected(t *testing.T, dir string, got []byte) {
	t.Helper()
	var want, have []refusedLine
	if b, err := os.ReadFile(filepath.Join(dir, "rejected.json")); err == nil {
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatal(err)
		}
	}
	d := json.NewDecoder(bytes.NewReader(got))
	for d.More() {
		var r refusedLine
		if err := d.Decode(&r); err != nil {
			t.Fatal(err)
		}
		have = append(have, r)
	}
	if !slices.Equal(want, have) {
		t.Errorf("refused lines: want %v, got %v", want, have)
	}
}

// compareOpenings checks that every alert stands under what opened it: none twice.
func compareOpenings(t *testing.T, alerts []byte) {
	t.Helper()
	seen := map[string]bool{}
	for line := range bytes.Lines(alerts) {
		text, _, _ := strings.Cut(string(line), `,"resolved"`)
		if seen[text] {
			t.Errorf("an alert stands twice: %s", line)
		}
		seen[text] = true
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
