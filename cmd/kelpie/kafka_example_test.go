package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kelpie/source/kafka/kafkatest"
)

// exampleBroker is what the example calls its broker.
const exampleBroker = "127.0.0.1:9092"

// TestExampleKafka does what the README of examples/kafka says, step by step, with a real Kafka and its own tools. The
// alerts are those of the same events in a file, they find all that was planted, and are in their topic.
func TestExampleKafka(t *testing.T) {
	if withoutKafka(t) {
		return
	}
	examples, err := filepath.Abs(filepath.Join("..", "..", "examples"))
	if err != nil {
		t.Fatal(err)
	}
	c := kafkatest.Start(t, kafkatest.Options{})
	e := &exampleSteps{t: t, cluster: c, broker: c.Plain()[0]}
	copyExample(t, filepath.Join(examples, "kafka"), func(text string) string {
		text = strings.ReplaceAll(text, exampleBroker, e.broker)
		return strings.ReplaceAll(text, "../orders", filepath.Join(examples, "orders"))
	})
	for _, step := range stepsOf(t, filepath.Join(examples, "kafka", "README.md")) {
		e.take(step)
	}
	records := strings.Count(e.last, `"type":"alerts.opened"`)
	if records == 0 {
		t.Errorf("no alert is in its topic: %s", e.last)
	}
	found, _ := call(t, exitDone, "alerts", "list", "-c", "kelpie.yml", "--limit", "0", "--json")
	call(t, exitDone, "features", "-c", "kelpie.yml", "--events", "shop.jsonl", "--alerts", "found.jsonl")
	expected, err := os.ReadFile("found.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	got, want := openings(t, found), openings(t, string(expected))
	if !slices.Equal(got, want) || len(want) == 0 {
		t.Errorf("found\n%s\nand from the file\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	labels, err := os.ReadFile("labels.csv")
	if err != nil {
		t.Fatal(err)
	}
	planted, err := csv.NewReader(bytes.NewReader(labels)).ReadAll() // kind, rule, key, …
	if err != nil || len(planted) < 5 {
		t.Fatalf("%d lines of labels, %v", len(planted), err)
	}
	for _, l := range planted[1:] {
		if !slices.ContainsFunc(got, func(o string) bool { return strings.HasPrefix(o, l[1]+" "+l[2]+" ") }) {
			t.Errorf("%s of %s is not found", l[1], l[2])
		}
	}
}

// copyExample copies an example to a folder of this test, which becomes the working folder, and changes its configuration.
func copyExample(t *testing.T, from string, change func(string) string) {
	t.Helper()
	t.Chdir(t.TempDir())
	text, err := os.ReadFile(filepath.Join(from, "kelpie.yml"))
	if err == nil {
		err = os.WriteFile("kelpie.yml", []byte(change(string(text))), 0o600)
	}
	if err == nil {
		err = os.CopyFS("rules", os.DirFS(filepath.Join(from, "rules")))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// stepsOf returns the commands of the block "sh steps" of a page.
func stepsOf(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	_, steps, found := strings.Cut(string(text), "```sh steps\n")
	steps, _, ends := strings.Cut(steps, "```")
	if !found || !ends {
		t.Fatalf("%s has no steps", page)
	}
	return strings.Split(strings.TrimSpace(steps), "\n")
}

// exampleSteps takes the steps of a README.
type exampleSteps struct {
	t       *testing.T
	cluster *kafkatest.Cluster
	broker  string
	last    string // what the last step has printed
}

func (e *exampleSteps) take(step string) {
	e.t.Helper()
	words := strings.Fields(strings.ReplaceAll(step, exampleBroker, e.broker))
	if words[0] == "kelpie" {
		e.last, _ = call(e.t, exitDone, words[1:]...)
		return
	}
	if words[0] != "kafka-tool" || len(words) < 2 {
		e.t.Fatalf("nobody knows how to do %q", step)
	}
	var in io.Reader
	if n := len(words); words[n-2] == "<" {
		f, err := os.Open(words[n-1])
		if err != nil {
			e.t.Fatal(err)
		}
		defer f.Close()
		in, words = f, words[:n-2]
	}
	c, err := e.cluster.Tool(path.Base(words[1]), words[2:]...)
	if err != nil {
		e.t.Fatal(err)
	}
	var out, said bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = in, &out, &said
	if err := c.Run(); err != nil {
		e.t.Fatalf("%s: %v\n%s", step, err, said.String())
	}
	e.last = out.String()
}

// openings returns rule, key and time of alerts, a JSON object a line each, in order.
func openings(t *testing.T, lines string) (all []string) {
	t.Helper()
	for line := range strings.Lines(lines) {
		var a struct {
			Rule, Opened string
			Key          any
		}
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		all = append(all, fmt.Sprint(a.Rule, " ", a.Key, " ", a.Opened))
	}
	slices.Sort(all)
	return slices.Compact(all)
}
