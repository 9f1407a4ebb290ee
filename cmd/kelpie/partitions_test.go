package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"kelpie/traffic"
)

// TestPartitions folds a stream as one file, and the same events spread over files that are partitions read side by
// side. In the order of event time the rows are the same, but for their positions.
func TestPartitions(t *testing.T) {
	g, err := traffic.New(traffic.Config{Seed: 5, Events: 12_000, Customers: 300, Rate: 5, Attacks: 4,
		Disorder: traffic.Disorder{Share: 0.2, Bound: 3000}})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var whole bytes.Buffer
	parts := make([]bytes.Buffer, 3)
	for i := 0; ; i++ {
		line, ok := g.Next(nil)
		if !ok {
			break
		}
		whole.Write(line)
		if i < 9000 { // the last part ends early, the first goes on longest
			parts[i%3].Write(line)
		} else {
			parts[i%2].Write(line)
		}
	}
	file := func(name string, b *bytes.Buffer) string {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	one := []string{"--events", file("whole.jsonl", &whole)}
	var many []string
	for i := range parts {
		many = append(many, "--events", file("part"+strconv.Itoa(i)+".jsonl", &parts[i]))
	}
	want := foldShop(t, one...)
	for _, batch := range []string{"1", "7", "0"} {
		got := foldShop(t, append(many, "--partitions", "--batch", batch)...)
		compareLines(t, "rows with batches of "+batch, want, got)
	}
	if bytes.Count(want, []byte(`"fired":true`)) == 0 {
		t.Error("nothing fired, so little was compared")
	}
}

// foldShop returns the rows of the example of a shop, without positions.
func foldShop(t *testing.T, args ...string) []byte {
	t.Helper()
	var out, errOut bytes.Buffer
	args = append([]string{"features", "-r", "../../examples/orders/rules", "--order", "time", "--disorder", "4s", "--drain"}, args...)
	if code := run(t.Context(), args, nil, &out, &errOut); code != exitDone {
		t.Fatalf("exit code %d: %s", code, errOut.String())
	}
	var rows []byte
	for line := range bytes.Lines(out.Bytes()) {
		var row map[string]any
		if err := json.Unmarshal(line, &row); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		delete(row, "position")
		b, err := json.Marshal(row)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(append(rows, b...), '\n')
	}
	return rows
}
