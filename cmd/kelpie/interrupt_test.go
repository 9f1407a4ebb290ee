package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// TestInterrupt interrupts `kelpie features` while it waits for more of standard input. What came before is there: rows
// as soon as nothing more comes, alerts and refused lines at the end.
func TestInterrupt(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	file := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if text != "" {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return path
	}
	rules := file("rules.yml", "rules: {big: {event: E, by: k, let: {n: count over 1m}, when: n > 1}}")
	alerts, rejected := file("alerts.jsonl", ""), file("rejected.jsonl", "")
	in, feed, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	defer feed.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out := &watched{lines: 2, seen: cancel} // interrupt when two rows have come
	var errOut bytes.Buffer
	if _, err := feed.WriteString(`{"type":"E","time":1767607200,"k":"a"}` + "\n" + `{"type":"E","time":1767607201,"k":"a"}` + "\nwhat\n"); err != nil {
		t.Fatal(err)
	}
	args := []string{"features", "-r", rules, "--events", "-", "--alerts", alerts, "--rejected", rejected}
	if code := run(ctx, args, in, out, &errOut); code != exitInterrupted {
		t.Fatalf("exit code %d: %s", code, errOut.String())
	}
	for name, want := range map[string]string{
		alerts:   `{"rule":"big","key":"a","opened":"2026-01-05T10:00:01.000Z","position":"stdin:2"}` + "\n",
		rejected: `{"position":"stdin:3","line":3,"reason":"not-json","offset":0,`,
	} {
		if got := string(read(t, name)); !strings.HasPrefix(got, want) {
			t.Errorf("%s holds %q, want %q", filepath.Base(name), got, want)
		}
	}
	if !strings.HasSuffix(errOut.String(), "kelpie: interrupted\n") {
		t.Errorf("said %q", errOut.String())
	}
}

// watched is an output that calls seen when it has so many lines.
type watched struct {
	mu    sync.Mutex
	lines int
	seen  func()
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.lines -= bytes.Count(p, []byte("\n")); w.lines <= 0 {
		w.seen()
	}
	return len(p), nil
}
