package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestRunTellsGroups runs the service over a file to its end: a receiver is told of a group in one notification, without
// waiting for group_wait, and once; `alerts show` says so.
func TestRunTellsGroups(t *testing.T) {
	var mu sync.Mutex
	var keys, bodies []string
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		keys, bodies = append(keys, r.Header.Get("webhook-id")), append(bodies, string(b))
	}))
	defer hook.Close()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"kelpie.yml": `rules: rules.yml
sources: [{files: in.jsonl}]
http: {listen: "off"}
metrics: {listen: "off"}
alerts:
  group_wait: 1h
  receivers: [{name: fraud, webhook: {url: "` + hook.URL + `"}}, {name: other, webhook: {url: "` + hook.URL + `"}}]
  routes: [{match: "amount =~ .*, rule = large", receiver: fraud, group_by: [severity]}]
`,
		"rules.yml": "rules:\n  large: {event: OrderCreated, where: amount > 100, by: customer_id, let: {orders: count over 1h}, when: orders >= 1}\n",
		"in.jsonl": `{"type":"OrderCreated","time":"2026-01-05T10:00:00Z","customer_id":"c1","amount":200}
{"type":"OrderCreated","time":"2026-01-05T10:00:01Z","customer_id":"c2","amount":300}
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kelpie := func(args ...string) string {
		t.Helper()
		var out, errOut bytes.Buffer
		if code := run(t.Context(), append(args, "-c", filepath.Join(dir, "kelpie.yml")), nil, &out, &errOut); code != 0 {
			t.Fatalf("%v: %d %s", args, code, errOut.String())
		}
		return out.String()
	}
	kelpie("run", "--until-end")
	kelpie("run", "--until-end")
	if len(bodies) != 1 || strings.Count(bodies[0], `"id":`) != 2 || keys[0] == "" {
		t.Fatalf("the receiver was told %d times: %v", len(bodies), bodies)
	}
	var first struct{ ID string }
	if err := json.Unmarshal([]byte(strings.SplitN(kelpie("alerts", "list", "--json"), "\n", 2)[0]), &first); err != nil {
		t.Fatal(err)
	}
	if text := kelpie("alerts", "show", first.ID); !strings.Contains(text, "opened to fraud/webhook: ") {
		t.Errorf("alerts show says\n%s", text)
	}
}
