package server_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/engine"
	"kelpie/rules"
	"kelpie/server"
	"kelpie/source"
)

// shop is a rule with a table.
const shop = `
tables:
  credit: {key: customer_id, on: {OrderCreated: {last: customer_id}}}
rules:
  burst: {event: OrderCreated, by: customer_id, let: {orders: count over 10m, idle: gap over 1h}, when: orders > 1}
  pair:  {event: OrderCreated, by: [customer_id, type], let: {orders: count each 1h}, when: orders > 100}
`

// TestTables lists tables, and shows the row and the facts of a key.
func TestTables(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	h.rules = shop
	h.open()
	h.bursts("c1", "c2")
	f := func(path string, status int, says string) {
		t.Helper()
		if x := h.ask("GET", path, "", nil); x.status != status || !strings.Contains(x.body, says) {
			t.Errorf("%s: %d %s", path, x.status, x.body)
		}
	}
	f("/v1/tables", 200, `{"table":"credit","key":["customer_id"],"fields":["last"],"events":["OrderCreated"]}`)
	f("/v1/tables/credit/c1", 200, `{"key":"c1","row":{"last":"c1"}}`)
	f("/v1/tables/credit/c9", 404, "credit has no row c9")
	f("/v1/tables/credt/c9", 404, "did you mean credit?")
	f("/v1/features?rule=burst&key=c2", 200, `"values":{"orders":2,"idle":0},"warming":["orders","idle"]}`)
	f("/v1/features?rule=pair&key=c2&key=OrderCreated", 200, `"key":["c2","OrderCreated"]`)
	f("/v1/features?rule=pair&key=c2&key=OrderCreated", 200, `"values":{"orders":2}`)
	f("/v1/features?rule=pair&key=c2", 400, "has 2 parts (customer_id, type), and 1 are given")
	f("/v1/features?rule=burst&key=c9", 404, "nothing is kept of this key")
	f("/v1/features?rule=brst&key=c9", 404, "did you mean burst?")
	f("/v1/features?key=c9", 400, "rule: it is needed")
}

// TestReload reads other rules, the same again, and some with a mistake.
func TestReload(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	var text atomic.Pointer[string]
	set := func(s string) { text.Store(&s) }
	set(burst)
	h.load = func() (*rules.Set, error) {
		return rules.LoadBytes("rules.yml", []byte(*text.Load()), rules.Options{})
	}
	h.open()
	f := func(status int, outcome string) (d struct {
		Outcome, Version string
		Mistakes         []struct {
			File, Message, Hint string
			Line, Column        int
		}
	}) {
		t.Helper()
		x := h.ask("POST", "/v1/reload", "", nil)
		if x.status != status || !strings.Contains(x.body, fmt.Sprintf(`"outcome":%q`, outcome)) {
			t.Errorf("%d %s", x.status, x.body)
		}
		decode(t, x.body, &d)
		return d
	}
	first := f(200, "same").Version
	set(strings.Replace(burst, "orders > 1", "nosuch(orders) > 1", 1))
	d := f(422, "refused")
	if len(d.Mistakes) != 1 || d.Version != first || d.Mistakes[0].Line != 3 || d.Mistakes[0].Column < 10 || d.Mistakes[0].File != "rules.yml" {
		t.Errorf("%+v", d)
	}
	var s struct {
		Rules struct {
			Refusal         string
			Reloads_refused int
		}
	}
	if h.ask("GET", "/v1/status", "", &s); s.Rules.Reloads_refused != 1 || !strings.Contains(s.Rules.Refusal, "nosuch") {
		t.Errorf("%+v", s)
	}
	h.refusedReload(t, "rules.yml:3:", first)
	set(strings.Replace(burst, "orders > 1", "orders > 2", 1))
	if d := f(200, "adopted"); d.Version == first || len(d.Version) != 32 {
		t.Errorf("%+v", d)
	}
	h.until("adopted", func() bool {
		h.ask("GET", "/v1/status", "", &s)
		x := h.ask("GET", "/v1/rules/burst", "", nil)
		return strings.Contains(x.body, "orders > 2")
	})
}

// refusedReload wants a service that is ready and says that newer rules are refused, and where, but not what they say.
func (h *house) refusedReload(t *testing.T, where, version string) {
	t.Helper()
	text := h.ask("GET", "/readyz", "", nil)
	lines := strings.Split(strings.TrimSpace(text.body), "\n")
	if text.status != 200 || len(lines) != 2 || lines[0] != "ok" || strings.Contains(text.body, "nosuch") {
		t.Fatalf("%d %q", text.status, text.body)
	}
	x := h.ask("GET", "/readyz", "", nil, "Accept", "text/plain;q=0.5, application/json")
	var r struct {
		Ready             bool
		Problems, Remarks []string
	}
	decode(t, x.body, &r)
	if !r.Ready || len(r.Problems) != 0 || len(r.Remarks) != 1 || "remark: "+r.Remarks[0] != lines[1] ||
		!strings.Contains(r.Remarks[0], where) || !strings.Contains(r.Remarks[0], version) {
		t.Errorf("%+v, and as text %q", r, lines)
	}
	for _, accept := range []string{"application/json;q=0", "*/*", "text/html", "application/json;"} {
		if x := h.ask("GET", "/readyz", "", nil, "Accept", accept); strings.HasPrefix(x.body, "{") != (accept == "application/json;") {
			t.Errorf("%s: %s", accept, x.body)
		}
	}
	newBrowser(t, h.url).open("/").wants(t, 200, "the rules that were read last are refused")
}

// TestTopicsStatus wants the status to say how topics are read and copies are written.
func TestTopicsStatus(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	at := func(topic string, id int32, folded, end int64) source.PartitionStatus {
		return source.PartitionStatus{Partition: source.Partition{Stream: topic, ID: id}, Folded: folded, End: end, Newest: 1000}
	}
	h.streams = []engine.InputStream{{Input: "shop", StreamStatus: source.StreamStatus{
		Partitions: []source.PartitionStatus{at("orders", 0, 5, 7), at("orders", 1, 5, 50), at("orders", 2, -1, -1), at("payments", 0, 9, 9)},
		Brokers:    []source.BrokerStatus{{Address: "k1:9092", Answers: true}, {Address: "k2:9092"}},
		Cluster:    true, Fetched: 100, Fetches: 3, Failures: 4, Rebalances: 5, Waiting: 6,
	}}}
	h.copies = func() []server.CopiesStatus {
		return []server.CopiesStatus{{Setting: "rejected.kafka", Topic: "refused", Waiting: 7}}
	}
	h.open()
	x := h.ask("GET", "/v1/status", "", nil)
	for _, want := range []string{
		`{"source":"http","folded":0,"refused":0,"bytes":0,"gaps":0},{"source":"shop","folded":0,"refused":0,"bytes":0,"gaps":0,"topics":{"cluster":true,"lag":47,"waiting_bytes":6,"fetched_bytes":100,"failures":4,"rebalances":5`,
		`"brokers":[{"broker":"k1:9092","answers":true},{"broker":"k2:9092","answers":false}]`,
		`{"topic":"orders","partitions":3,"lag":47,"lag_most":45,"newest":"1970-01-01T00:00:01.000Z","behind":[` +
			`{"partition":"orders/1","folded":5,"end":50,"lag":45},{"partition":"orders/0","folded":5,"end":7,"lag":2},{"partition":"orders/2","folded":-1,"end":-1,"lag":-1}]}`,
		`{"topic":"payments","partitions":1,"lag":0,"lag_most":0,`,
		`"copies":[{"setting":"rejected.kafka","topic":"refused","waiting":7,`,
	} {
		if !strings.Contains(x.body, want) {
			t.Errorf("no %s in\n%s", want, x.body)
		}
	}
}

// TestOneRate wants status and console to show the same rate.
func TestOneRate(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	began, passed := time.Now(), new(atomic.Int64)
	h.now = func() time.Time { return began.Add(time.Duration(passed.Load())) }
	h.open()
	var events []string
	for range 50 {
		events = append(events, order("", "c1", began))
	}
	h.post("[" + strings.Join(events, ",") + "]")
	passed.Store(int64(10 * time.Second))
	var s server.Status
	h.until("folded", func() bool {
		h.ask("GET", "/v1/status", "", &s)
		return s.Events.Folded == 50
	})
	if s.Events.PerSecond != 5 {
		t.Errorf("%v a second", s.Events.PerSecond)
	}
	newBrowser(t, h.url).open("/").wants(t, 200, "5 events/s")
}

// TestStatus shows how the service is, and what was refused.
func TestStatus(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	h.open()
	h.bursts("c1", "c2")
	h.post(`[{"type":1},{"no":2},{"type":"x","time":"never"}]`)
	var s struct {
		Version, Phase string
		Ready          bool
		Events         struct{ Folded, Refused int }
		Rules          struct{ Warming int }
		Alerts         struct{ Open int }
		Outbox         []struct{ Receiver string }
		Log            struct{ Bytes int }
		Dedupe         struct {
			Span float64 `json:"wanted_seconds"`
		}
	}
	h.until("refused", func() bool {
		h.ask("GET", "/v1/status", "", &s)
		return s.Events.Refused == 3
	})
	if s.Version != "v1" || s.Phase != "running" || !s.Ready || s.Events.Folded != 4 || s.Rules.Warming != 1 || s.Alerts.Open != 2 ||
		len(s.Outbox) != 1 || s.Outbox[0].Receiver != "told" || s.Log.Bytes == 0 || s.Dedupe.Span != 600 {
		t.Errorf("%+v", s)
	}
	var page struct {
		Rejected []struct{ Position, Reason, Raw string }
		Next     int
	}
	var got []string
	for after := 0; ; after = page.Next {
		page.Next = 0
		h.ask("GET", fmt.Sprintf("/v1/rejected?limit=2&after=%d", after), "", &page)
		for _, r := range page.Rejected {
			got = append(got, r.Position)
		}
		if page.Next == 0 {
			break
		}
	}
	if strings.Join(got, " ") != "http@1 http@2 http@3" {
		t.Errorf("refused are %q", got)
	}
	if h.ask("GET", "/v1/rejected?reason=unparsable-time", "", &page); len(page.Rejected) != 1 {
		t.Errorf("%+v", page)
	}
}
