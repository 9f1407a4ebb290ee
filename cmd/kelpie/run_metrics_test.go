package main

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"kelpie/config"
	"kelpie/engine"
	"kelpie/server"
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
		"kelpie.yml": "rules: rules.yml\nsources: [{files: in.jsonl}]\nalerts: {stdout: \"off\", file: alerts.jsonl, " +
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
	s := engine.NewService(engine.ServiceOptions{
		Log: h.log, Store: h.store, Dispatcher: h.dispatcher, Inputs: newInputs(cfg, true, nil, quiet), Time: cfg.TimeSpec(),
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
