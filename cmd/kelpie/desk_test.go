package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"kelpie/alert"
	"kelpie/alert/slack/slacktest"
	"kelpie/state"
)

// hook is a receiver of webhooks that remembers what it was told.
type hook struct {
	mu  sync.Mutex
	got []string // kinds
}

func (h *hook) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	var x struct {
		Data struct {
			Kind string `json:"kind"`
		} `json:"data"`
	}
	b, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(b, &x)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.got = append(h.got, x.Data.Kind)
}

func (h *hook) told(kind string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, k := range h.got {
		if k == kind {
			return true
		}
	}
	return false
}

// TestOnCall has an alert told to a webhook and in a channel of Slack, where somebody acknowledges and labels it by
// buttons, silences what is like it, and sees it resolved: all of it is kept with the alert.
func TestOnCall(t *testing.T) {
	dir := t.TempDir()
	w, hooked := slacktest.New(t), &hook{}
	web := httptest.NewServer(hooked)
	defer web.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"rules.yml": "rules:\n  burst: {event: Order, by: who, let: {n: count over 10m}, when: n > 1, resolve: n > 3}\n",
		"kelpie.yml": fmt.Sprintf(`
rules: rules.yml
http: {listen: %q}
metrics: {listen: "off"}
alerts:
  stdout: "off"
  group_wait: 0s
  group_interval: 1s
  receivers:
    - {name: hook, webhook: {url: %q}}
    - {name: team, slack: {token: %s, channel: %q, signing_secret: %s, api_url: %q}}
`, address, web.URL, slacktest.Token, slacktest.Channel, slacktest.SigningSecret, w.API()),
	} {
		if err := os.WriteFile(dir+"/"+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	c := newRun()
	c.SetArgs([]string{"-c", dir + "/kelpie.yml"})
	c.SetContext(ctx)
	var said strings.Builder
	c.SetErr(&said)
	ended := make(chan error, 1)
	go func() { ended <- c.Execute() }()

	until := func(what string, is func() bool) {
		t.Helper()
		over, tick := time.After(patience), time.NewTicker(5*time.Millisecond)
		defer tick.Stop()
		for !is() {
			select {
			case <-tick.C:
			case err := <-ended:
				t.Fatalf("it ended: %v\n%s", err, said.String())
			case <-over:
				hooked.mu.Lock()
				t.Fatalf("it is never so: %s; %q, %+v\n%s", what, hooked.got, w.Messages(), said.String())
			}
		}
	}
	until("ready", func() bool {
		r, err := http.Get("http://" + address + "/readyz")
		if err != nil {
			return false
		}
		defer r.Body.Close()
		return r.StatusCode == http.StatusOK
	})
	order := func() {
		t.Helper()
		body := fmt.Sprintf(`{"type":"Order","time":%q,"who":"c1"}`, time.Now().Format(time.RFC3339Nano))
		r, err := http.Post("http://"+address+"/v1/events", "application/json", strings.NewReader(body))
		if err != nil || r.StatusCode != http.StatusOK {
			t.Fatal(r, err)
		}
		r.Body.Close()
	}
	press := func(action string) {
		t.Helper()
		p := w.Press(w.Messages()[0], action, "ann", time.Now())
		r, err := http.NewRequest(http.MethodPost, "http://"+address+"/v1/slack/interactions", p.Body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = p.Header
		a, err := http.DefaultClient.Do(r)
		if err != nil || a.StatusCode != http.StatusOK {
			t.Fatal(a, err)
		}
		a.Body.Close()
	}
	order()
	order()
	until("both are told", func() bool { return hooked.told("opened") && len(w.Messages()) == 1 })
	press("kelpie_acknowledge")
	press("kelpie_true_positive")
	press("kelpie_silence_1h")
	order()
	order()
	until("both are told that it is over", func() bool { return hooked.told("resolved") && len(w.Messages()) == 2 })
	stop()
	if err := <-ended; err != nil {
		t.Errorf("%v\n%s", err, said.String())
	}
	http.DefaultClient.CloseIdleConnections()

	s, err := state.OpenView(dir+"/data/state", state.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	all, err := alert.List(s, alert.Query{})
	if err != nil || len(all) != 1 {
		t.Fatalf("%d alerts, %v", len(all), err)
	}
	a := all[0]
	if a.Open() || a.Acknowledged == nil || !strings.HasPrefix(a.Acknowledged.By, "slack:ann") || a.Verdict == nil || a.Verdict.Word != alert.TruePositive {
		t.Errorf("%+v", a)
	}
	silences, err := alert.Silences(s)
	if err != nil || len(silences) != 1 || !strings.HasPrefix(silences[0].By, "slack:ann") || alert.SilencedBy(silences, a, nil, time.Now().UnixMilli()) == nil {
		t.Errorf("%+v, %v", silences, err)
	}
}
