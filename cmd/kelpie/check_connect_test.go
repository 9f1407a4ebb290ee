package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kelpie/source/kafka/kafkatest"
)

// TestCheckConnect tries connections to Kafka: to nobody, and to a real one, where there is one.
func TestCheckConnect(t *testing.T) {
	f := func(broker string, code int, want ...string) {
		t.Helper()
		dir := t.TempDir()
		for name, text := range map[string]string{
			"kelpie.yml":  fmt.Sprintf("sources: [{kafka: {brokers: [%q], topics: [orders], timeout: 5s}}]\nrejected: {kafka: {brokers: [%q], topic: refused}}\n", broker, broker),
			"rules/r.yml": "rules:\n  large: {event: OrderCreated, by: customer, when: amount > 1}\n",
		} {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var out, errOut bytes.Buffer
		got := run(t.Context(), []string{"check", "-c", filepath.Join(dir, "kelpie.yml"), "--connect"}, nil, &out, &errOut)
		if got != code {
			t.Errorf("%s: %d, want %d: %s", broker, got, code, errOut.String())
		}
		for _, w := range want {
			if !strings.Contains(out.String(), w) {
				t.Errorf("%s: no %q in\n%s", broker, w, out.String())
			}
		}
	}
	f("127.0.0.1:1", 1, "1 rule", "kafka:orders: ", "rejected: ", "127.0.0.1:1")
	if os.Getenv(kafkatest.Jars) == "" {
		return
	}
	c := kafkatest.Start(t, kafkatest.Options{})
	c.Admin(t).Create("orders", 3)
	f(c.Plain()[0], 1, "kafka:orders: connected to ", "orders (3 partitions)", "rejected: topic refused: there is none")
	c.Admin(t).Create("refused", 1)
	f(c.Plain()[0], 0, "rejected: connected to ", "refused (1 partition)")
}
