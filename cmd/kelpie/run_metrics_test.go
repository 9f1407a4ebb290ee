package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"kelpie/config"
	"kelpie/engine"
	"kelpie/server"
	"kelpie/source"
)

// TestMetricsAreExplained wants every metric in docs/operations.md, in the words of its help.
func TestMetricsAreExplained(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range help {
		name := "kelpie_" + m.name
		if len(m.labels) > 0 {
			name += "{" + strings.Join(m.labels, ", ") + "}"
		}
		if line := fmt.Sprintf("| `%s` | %s |", name, m.help); !strings.Contains(string(page), "\n"+line+"\n") {
			t.Errorf("docs/operations.md lacks the line\n%s", line)
		}
	}
}

// TestDeployNamesMetrics wants every metric that deploy/ names to be one, and every alert to be in docs/operations.md.
func TestDeployNamesMetrics(t *testing.T) {
	known := map[string]bool{}
	for _, m := range help {
		for _, suffix := range []string{"", "_bucket", "_sum", "_count"} {
			known["kelpie_"+m.name+suffix] = true
		}
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	metric, alert := regexp.MustCompile(`kelpie_\w+`), regexp.MustCompile(`alert: (\w+)`)
	for _, name := range []string{"prometheus-rules.yml", "prometheus-rules.test.yml", "grafana-dashboard.json"} {
		b, err := os.ReadFile(filepath.Join("..", "..", "deploy", name))
		if err != nil {
			t.Fatal(err)
		}
		found := metric.FindAllString(string(b), -1)
		if len(found) == 0 {
			t.Errorf("deploy/%s names no metric", name)
		}
		for _, m := range found {
			if !known[m] {
				t.Errorf("deploy/%s: there is no metric %s", name, m)
			}
		}
		for _, a := range alert.FindAllStringSubmatch(string(b), -1) {
			if !strings.Contains(string(page), "`"+a[1]+"`") {
				t.Errorf("docs/operations.md does not say what to do about %s", a[1])
			}
		}
	}
}

// TestMetrics gathers the metrics of a service that has read something with a registry that takes nothing amiss, and
// wants all of them.
func TestMetrics(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"kelpie.yml": "rules: rules.yml\nsources: [{files: in.jsonl, dedupe: 1h}]\nalerts: {stdout: \"off\", file: alerts.jsonl, " +
			"receivers: [{name: nobody, webhook: {url: \"https://127.0.0.1:1/\"}}], routes: [{match: rule = none, receiver: nobody}]}\n" +
			"rejected: {kafka: {brokers: [\"127.0.0.1:1\"], topic: refused}}\ndecisions: {kafka: {brokers: [\"127.0.0.1:1\"], topic: decided}}\n",
		"rules.yml": killRules,
		"in.jsonl":  `{"type":"OrderCreated","time":"2026-01-05T10:00:00Z","customer_id":"c1","region":"eu","amount":1}` + "\nwhat\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := config.Load("kelpie.yml")
	if err != nil {
		t.Fatal(err)
	}
	set, err := loadConfigured(cfg)
	if err != nil {
		t.Fatal(err)
	}
	quiet := slog.New(slog.DiscardHandler)
	h, err := openHouse(cfg, quiet, houseOptions{out: os.Stdout})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := h.close(); err != nil {
			t.Error(err)
		}
	}()
	stream := engine.Input{Name: "topics", Stream: func(func() map[source.Partition][]byte) (source.Stream, error) { return stillStream{}, nil }}
	s := engine.NewService(engine.ServiceOptions{
		Log: h.log, Store: h.store, Dispatcher: h.dispatcher, Inputs: append(newInputs(cfg, true, nil, quiet), stream), Time: cfg.TimeSpec(),
		Rules: set, UntilEnd: true, Clock: wall{},
	})
	registry := prometheus.NewPedanticRegistry()
	api, err := server.New(server.Options{Spec: cfg.HTTP, Service: s, Log: h.log})
	if err != nil {
		t.Fatal(err)
	}
	api.Handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "http://localhost/healthz", nil))
	registry.MustRegister(newMetrics(h, s, api))
	gather(t, registry) // before it runs
	if err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := gather(t, registry)
	for _, m := range help {
		if !got["kelpie_"+m.name] {
			t.Errorf("no metric %s", m.name)
		}
	}
}

// stillStream has partitions, and no records.
type stillStream struct{}

func (stillStream) Fetch(context.Context) (*source.Batch, error)      { return nil, io.EOF }
func (stillStream) Release(*source.Batch)                             {}
func (stillStream) Close() error                                      { return nil }
func (stillStream) Quiet(source.Partition) (since time.Time, ok bool) { return since, true }
func (stillStream) Committed(source.Partition, []byte)                {}
func (stillStream) Problems() []string                                { return nil }
func (stillStream) Status() source.StreamStatus {
	s := source.StreamStatus{Cluster: true, Brokers: []source.BrokerStatus{{Address: "kafka-1:9092", Answers: true}}}
	for i := range 3 {
		s.Partitions = append(s.Partitions, source.PartitionStatus{Partition: source.Partition{Stream: "orders", ID: int32(i)}, End: int64(i * 10), Newest: 1})
	}
	return s
}

// TestManyPartitions wants no series of single partitions where there are many of them, and no more topics than there may be.
func TestManyPartitions(t *testing.T) {
	f := func(topics, partitions int, series map[string]int) {
		t.Helper()
		in := engine.InputStream{Input: "in"}
		for i := range topics {
			for k := range partitions {
				p := source.Partition{Stream: fmt.Sprintf("topic-%04d", i), ID: int32(k)}
				in.Partitions = append(in.Partitions, source.PartitionStatus{Partition: p, Folded: 1, End: 3})
			}
		}
		out := make(chan prometheus.Metric, 1000)
		s := scrape{newMetrics(nil, nil, nil), out}
		s.stream(&in)
		close(out)
		got := map[string]int{}
		for m := range out {
			got[regexp.MustCompile(`fqName: "kelpie_(\w+)"`).FindStringSubmatch(m.Desc().String())[1]]++
		}
		for name, n := range series {
			if got[name] != n {
				t.Errorf("%d topics of %d partitions: %d series %s, want %d", topics, partitions, got[name], name, n)
			}
		}
	}
	f(1, 100, map[string]int{"kafka_lag_records": 1, "kafka_lag_most_records": 1, "kafka_partitions": 1, "kafka_partition_lag_records": 100})
	f(2, 51, map[string]int{"kafka_lag_records": 2, "kafka_partition_lag_records": 0})
	f(300, 1, map[string]int{"kafka_lag_records": 101, "kafka_lag_most_records": 101, "kafka_partitions": 101, "kafka_partition_lag_records": 0})
}

func gather(t *testing.T, g prometheus.Gatherer) map[string]bool {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, f := range families {
		names[f.GetName()] = true
	}
	return names
}
