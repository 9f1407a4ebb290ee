package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"kelpie/source/kafka"
	"kelpie/source/kafka/kafkatest"
)

// TestRunWritesToKafka runs the service to its end, twice, and then asks it for a decision, with topics of a real Kafka for
// alerts, refused events and decisions: each is there once, with its headers and without what is personal, and so is a
// test.
func TestRunWritesToKafka(t *testing.T) {
	if os.Getenv(kafkatest.Jars) == "" {
		return
	}
	c := kafkatest.Start(t, kafkatest.Options{})
	admin := c.Admin(t)
	admin.Create("alerts", 2)
	admin.Create("refused", 2)
	admin.Create("decided", 2)
	dir, address := t.TempDir(), freeAddress(t)
	where := `kafka: {brokers: ["` + c.SASLPlain()[0] + `"], sasl: {mechanism: scram-sha-256, username: ` + kafkatest.User + `, password: "${file:password}"}, topic: `
	for name, text := range map[string]string{
		"kelpie.yml": `rules: rules.yml
sources: [{files: in.jsonl}]
http: {listen: "` + address + `"}
metrics: {listen: "off"}
mask: [customer]
rejected: {` + where + `refused}}
decisions: {` + where + `decided, key: customer}}
alerts:
  group_by: [rule, customer]
  receivers: [{name: fraud, ` + where + `alerts, compression: gzip}}]
`,
		"password": kafkatest.Password,
		"rules.yml": "rules:\n  large: {event: OrderCreated, by: customer, let: {orders: count over 1h}, when: orders >= 1}\n" +
			"  asked: {event: OrderAsked, by: customer, when: amount > 500, decide: block}\n",
		"in.jsonl": `{"type":"OrderCreated","time":"2026-01-05T10:00:00Z","customer":"ann@example.org"}
{"type":"OrderCreated","customer":"ann@example.org"}
what
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kelpie := func(args ...string) {
		t.Helper()
		var out, errOut bytes.Buffer
		if code := run(t.Context(), append(args, "-c", filepath.Join(dir, "kelpie.yml")), nil, &out, &errOut); code != 0 {
			t.Fatalf("%v: %d %s%s", args, code, out.String(), errOut.String())
		}
	}
	kelpie("run", "--until-end")
	kelpie("run", "--until-end")
	kelpie("receivers", "test", "fraud")
	got := recordsOf(t, c, 4)
	stop := serveOnce(t, filepath.Join(dir, "kelpie.yml"), address)
	answer := ask(t, address, `{"type":"OrderAsked","id":"o1","customer":"ann@example.org","amount":700}`)
	if !strings.Contains(answer, `"block"`) {
		t.Errorf("the answer is %s", answer)
	}
	got = recordsOf(t, c, 5)
	stop()
	f := func(topic string, want ...string) {
		t.Helper()
		i := slices.IndexFunc(got, func(r string) bool {
			return strings.HasPrefix(r, topic+" ") && !slices.ContainsFunc(want, func(w string) bool { return !strings.Contains(r, w) })
		})
		if i < 0 {
			t.Errorf("no record of %s with %q in\n%s", topic, want, strings.Join(got, "\n"))
			return
		}
		got = slices.Delete(got, i, i+1)
	}
	if strings.Contains(strings.Join(got, ""), "ann@") {
		t.Errorf("an address is in\n%s", strings.Join(got, "\n"))
	}
	f("alerts", `"rule":"large"} `, " kelpie-kind=opened kelpie-rule=large ", `"type":"alerts.opened"`)
	f("alerts", `{"rule":"example-rule"} `, " kelpie-kind=test ")
	f("refused", " log/0 ", " kelpie-position=log@2 kelpie-reason=missing-time ", `{"type":"OrderCreated","customer":"masked-`)
	f("decided", "decided masked-", " kelpie-position=log@", " kelpie-decision=block kelpie-rules=asked ", `"type":"DecisionMade"`)
	f("refused", " log/0 ", " kelpie-position=log@3 kelpie-reason=not-json ")
}

// recordsOf returns so many records of the topics, each as topic, key, headers and value.
func recordsOf(t *testing.T, c *kafkatest.Cluster, n int) (all []string) {
	t.Helper()
	r, err := kafka.Open(kafka.Spec{Connection: kafka.Connection{Brokers: c.Plain()}, Topics: []string{"alerts", "refused", "decided"}}, kafka.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for len(all) < n {
		b, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Len() {
			text := b.Partition.Topic + " " + string(b.Key(i))
			for name, value := range b.Headers(i) {
				text += " " + string(name) + "=" + string(value)
			}
			all = append(all, text+" "+string(b.Value(i)))
		}
		r.Release(b)
	}
	return all
}

// freeAddress returns an address at which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// serveOnce runs the service until stop is called, and returns when it is ready.
func serveOnce(t *testing.T, file, address string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	var out, errOut bytes.Buffer
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, []string{"run", "-c", file}, nil, &out, &errOut) }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if r, err := http.Get("http://" + address + "/readyz"); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				break
			}
		}
		select {
		case <-tick.C:
		case code := <-ended:
			t.Fatalf("it ended with %d: %s", code, errOut.String())
		}
	}
	return func() {
		t.Helper()
		cancel()
		if code := <-ended; code != 0 {
			t.Errorf("it ended with %d: %s", code, errOut.String())
		}
	}
}

// ask asks for a decision about an event that happens now.
func ask(t *testing.T, address, event string) string {
	t.Helper()
	body := strings.Replace(event, "{", `{"time":"`+time.Now().UTC().Format(time.RFC3339Nano)+`",`, 1)
	r, err := http.Post("http://"+address+"/v1/decisions", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	answer, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%d %s, %v", r.StatusCode, answer, err)
	}
	return string(answer)
}
