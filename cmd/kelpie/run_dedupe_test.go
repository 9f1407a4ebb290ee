package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kelpie/source/kafka/kafkatest"
)

// TestRunDedupe reads a topic of a real Kafka in which events come again, in the same partition and another one, before a new
// start and behind it: each counts once.
func TestRunDedupe(t *testing.T) {
	if os.Getenv(kafkatest.Jars) == "" {
		return
	}
	c := kafkatest.Start(t, kafkatest.Options{})
	admin := c.Admin(t)
	admin.Create("orders", 2)
	now := time.Now()
	write := func(partition int, ids ...int) {
		t.Helper()
		var b kafkatest.Batch
		for i, id := range ids {
			b.Records = append(b.Records, kafkatest.Record{Offset: int64(i), Time: now.UnixMilli(), Value: fmt.Appendf(nil,
				`{"type":"Order","id":"o%d","time":%d,"customer":"ann"}`, id, now.UnixMilli()+int64(id))})
		}
		admin.Write("orders", partition, b)
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"kelpie.yml": "rules: rules.yml\nhttp: {listen: \"off\"}\nmetrics: {listen: \"off\"}\nalerts: {stdout: \"off\", file: alerts.jsonl}\n" +
			"sources: [{dedupe: 1h, kafka: {brokers: [\"" + c.Plain()[0] + "\"], topics: orders, group: counters}}]\n",
		"rules.yml": "rules:\n  third: {event: Order, by: customer, let: {orders: count over 1h}, when: orders > 2}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	opened := func() string {
		t.Helper()
		var out, errOut bytes.Buffer
		if code := run(t.Context(), []string{"run", "--until-end", "-c", filepath.Join(dir, "kelpie.yml")}, nil, &out, &errOut); code != 0 {
			t.Fatalf("%d %s%s", code, out.String(), errOut.String())
		}
		b, err := os.ReadFile(filepath.Join(dir, "alerts.jsonl"))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return string(b)
	}
	write(0, 1, 1, 2)
	write(1, 1, 2)
	if got := opened(); got != "" {
		t.Errorf("two orders, of which some came again: %s", got)
	}
	write(1, 2, 1)
	if got := opened(); got != "" {
		t.Errorf("the same after a new start: %s", got)
	}
	write(0, 3, 3)
	if got := opened(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `"event":"o3"`) {
		t.Errorf("the third order: %s", got)
	}
}
