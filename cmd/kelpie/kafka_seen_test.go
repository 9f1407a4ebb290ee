package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"kelpie/event"
	"kelpie/server"
	"kelpie/source/kafka/kafkatest"
)

// seen is a service that reads a topic, as those see it who look after it.
type seen struct {
	t       *testing.T
	file    string // its configuration
	api     string
	metrics string
	began   int64 // ms: the time of the first event
}

// TestSeenWithKafka looks at a service that reads a topic of a real Kafka: its status and metrics, the events behind an
// alert and in lists; then after retention has removed some, and while the broker is dead.
func TestSeenWithKafka(t *testing.T) {
	if withoutKafka(t) {
		return
	}
	c := kafkatest.Start(t, kafkatest.Options{})
	admin := c.Admin(t)
	admin.Create("orders", 3)
	s := newSeen(t, c.Plain()[0])
	admin.Write("orders", 1, kafkatest.Batch{Records: []kafkatest.Record{s.order(0, "ann"), s.order(1, "ann"), s.order(2, "bob"), {Time: s.began, Key: []byte("bob")}, s.order(4, "ann")}})
	admin.Write("orders", 2, kafkatest.Batch{Records: []kafkatest.Record{s.order(3, "bob"), s.order(5, "bob")}})
	stop := serveOnce(t, s.file, s.api)
	defer stop()
	s.await("all is folded", func() bool { x := s.status(); return len(x.Sources) == 2 && x.Sources[1].Folded == 6 })
	s.healthy(c.Plain()[0])
	s.listed()
	ann := s.evidence("ann", "orders/1@0 orders/1@1 orders/1@4", "")
	s.evidence("bob", `orders/1@2 orders/2@0 orders/2@1`, "")
	admin.DeleteBefore("orders", 1, 2)
	s.evidence("ann", "orders/1@4", `2 records of orders/1 were removed before they were read, 0 to 1: the topic keeps less than we are behind`)
	out, said := call(t, exitNo, "alerts", "show", ann, "--events", "-c", s.file)
	if !strings.Contains(out, "1 event in its windows:\norders/1@4 ") || !strings.Contains(said, "kelpie: 2 records of orders/1 were removed") {
		t.Errorf("%s%s", out, said)
	}
	c.Kill(1)
	s.await("the broker is missed", func() bool {
		code, body := s.get(s.metrics, "/readyz")
		return code == http.StatusServiceUnavailable && strings.Contains(body, "input kafka:orders: ") && strings.Contains(body, c.Plain()[0])
	})
	if _, body := s.get(s.metrics, "/metrics"); !strings.Contains(body, `kelpie_kafka_broker_up{broker="`+c.Plain()[0]+`",input="kafka:orders"} 0`) {
		t.Errorf("a broker that is dead is up:\n%s", body)
	}
}

func newSeen(t *testing.T, broker string) *seen {
	dir := t.TempDir()
	s := &seen{t: t, file: filepath.Join(dir, "kelpie.yml"), api: freeAddress(t), metrics: freeAddress(t), began: time.Now().Add(-time.Minute).UnixMilli()}
	for name, text := range map[string]string{
		"kelpie.yml": fmt.Sprintf("rules: rules.yml\nsources: [{kafka: {brokers: [%q], topics: [orders]}}]\nhttp: {listen: %q}\nmetrics: {listen: %q}\nalerts: {stdout: \"off\"}\n", broker, s.api, s.metrics),
		"rules.yml":  "rules:\n  burst: {event: OrderCreated, by: customer, let: {orders: count over 10m}, when: orders > 2}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// order is an order of a customer so many seconds after the first one.
func (s *seen) order(after int64, customer string) kafkatest.Record {
	at := s.began + after*1000
	return kafkatest.Record{Time: at, Value: fmt.Appendf(nil, `{"type":"OrderCreated","time":%q,"customer":%q}`, event.FormatTime(at), customer)}
}

func (s *seen) get(address, path string) (code int, body string) {
	r, err := http.Get("http://" + address + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return r.StatusCode, string(text)
}

func (s *seen) status() (x server.Status) {
	_, body := s.get(s.api, "/v1/status")
	if err := json.Unmarshal([]byte(body), &x); err != nil {
		s.t.Fatal(err)
	}
	return x
}

func (s *seen) await(what string, f func() bool) {
	s.t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for over := time.After(patience); !f(); {
		select {
		case <-tick.C:
		case <-over:
			_, body := s.get(s.metrics, "/readyz")
			s.t.Fatalf("not after %v: %s; %s", patience, what, body)
		}
	}
}

// healthy looks at status and metrics.
func (s *seen) healthy(broker string) {
	newest := event.FormatTime(s.began + 5000)
	out, _ := call(s.t, exitDone, "status", "-c", s.file)
	for _, want := range []string{"from kafka:orders  6 folded, 1 refused, ", "\n  orders           3 partitions, 0 behind, newest record " + newest + "\n"} {
		if !strings.Contains(out, want) {
			s.t.Errorf("the status lacks %q:\n%s", want, out)
		}
	}
	_, body := s.get(s.metrics, "/metrics")
	for _, want := range []string{
		`kelpie_kafka_lag_records{input="kafka:orders",topic="orders"} 0`, `kelpie_kafka_partition_lag_records{input="kafka:orders",partition="2",topic="orders"} 0`,
		`kelpie_kafka_partitions{input="kafka:orders",topic="orders"} 3`, `kelpie_kafka_broker_up{broker="` + broker + `",input="kafka:orders"} 1`,
		`kelpie_kafka_cluster_up{input="kafka:orders"} 1`, `kelpie_gaps_total{input="kafka:orders"} 0`, `kelpie_refused_total{reason="no-value"} 1`,
		`kelpie_events_total{input="kafka:orders",outcome="folded"} 6`, `kelpie_events_total{input="kafka:orders",outcome="refused"} 1`,
	} {
		if !strings.Contains(body, want+"\n") {
			s.t.Errorf("the metrics lack %s", want)
		}
	}
}

// listed looks at lists of events.
func (s *seen) listed() {
	f := func(want string, args ...string) {
		s.t.Helper()
		out, said := call(s.t, exitDone, append([]string{"events"}, append(args, "-c", s.file)...)...)
		if got := strings.Join(positionsIn(out), " "); got != want || said != "" {
			s.t.Errorf("%v: %s, want %s; %s", args, got, want, said)
		}
	}
	f("orders/1@0 orders/1@1 orders/1@4", "list", "--key", "customer=ann")
	f("orders/1@2 orders/1@3 orders/1@4", "after", "orders/1@1", "--limit", "3")
	f("orders/1@2 orders/2@0", "between", event.FormatTime(s.began+2000), event.FormatTime(s.began+4000), "--key", "customer=bob")
	out, said := call(s.t, exitNo, "events", "list", "--data", filepath.Join(filepath.Dir(s.file), "data"))
	if out != "" || !strings.Contains(said, "records of kafka:orders are in their topics and cannot be read: no configuration") {
		s.t.Errorf("without a configuration: %s%s", out, said)
	}
}

// positionsIn returns the positions of records, in order: partitions may be read in any.
func positionsIn(text string) (all []string) {
	for _, m := range regexp.MustCompile(`"position":"(orders/[^"]*)"`).FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	slices.Sort(all)
	return all
}

// evidence looks at the events behind the alert of a customer, and at what is missing. It returns the alert's id.
func (s *seen) evidence(customer, want, missing string) (id string) {
	s.t.Helper()
	var list struct{ Alerts []struct{ ID string } }
	_, body := s.get(s.api, "/v1/alerts?key="+customer)
	if err := json.Unmarshal([]byte(body), &list); err != nil || len(list.Alerts) != 1 {
		s.t.Fatalf("%v: %s", err, body)
	}
	_, body = s.get(s.api, "/v1/alerts/"+list.Alerts[0].ID+"/events")
	var answer struct {
		Whole   bool
		Missing []string
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.Whole != (missing == "") || strings.Join(answer.Missing, "; ") != missing {
		s.t.Errorf("%v: %s", err, body)
	}
	if got := strings.Join(positionsIn(body), " "); got != want {
		s.t.Errorf("the events of %s: %s, want %s", customer, got, want)
	}
	return list.Alerts[0].ID
}
