package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"kelpie/alert"
	"kelpie/state"
)

// maskRun is a folder with a service that has personal fields, and what it has told the world.
type maskRun struct {
	t    *testing.T
	dir  string
	mu   sync.Mutex
	sent map[string]string // by path of the receiver
}

func newMaskRun(t *testing.T, masks string) *maskRun {
	m := &maskRun{t: t, dir: t.TempDir(), sent: map[string]string{}}
	web := httptest.NewServer(m)
	t.Cleanup(web.Close)
	for name, text := range map[string]string{
		"kelpie.yml": masks + `
rules: rules.yml
sources: [{files: in.jsonl}]
http: {listen: "off"}
metrics: {listen: "off"}
logging: {level: debug, format: json}
alerts:
  stdout: json
  file: alerts.jsonl
  group_by: [card, key]
  receivers:
    - {name: hook, webhook: {url: "` + web.URL + `/hook"}}
    - {name: team, slack: {webhook_url: "` + web.URL + `/services/slack"}}
    - {name: storm, limit: 1, webhook: {url: "` + web.URL + `/storm"}}
    - {name: down, give_up: 1m, webhook: {url: "` + web.URL + `/down"}}
`,
		"rules.yml": `
tables:
  buyers: {key: card, on: {Paid: {mail: customer.email}}}
rules:
  card:
    event: Paid
    by: card
    let: {mail: last(customer.email) over 1h, n: count over 1h}
    when: n > 1
    alert: "{{card}} of {{customer.email}}, before {{buyers.mail}}: {{n}}"
  wrong: {event: Paid, by: customer.email, let: {n: sum(n1) over 1h, bad: upper(customer.email)}, when: "bad != ''"}
`,
		"in.jsonl": `{"id":"p1","type":"Paid","time":"2026-01-05T10:00:00Z","card":"4111111111111111","customer":{"email":"ann.private@example.com"}}
{"id":"p2","type":"Paid","time":"2026-01-05T10:00:01Z","card":"4111111111111111","customer":{"email":"ann.private@example.com"}}
{"id":"p3","type":"Paid","time":"2026-01-05T10:00:01Z","card":"4222222222222222","customer":{"email":"bob.private@example.com"}}
{"id":"p4","type":"Paid","time":"2026-01-05T10:00:01Z","card":"4222222222222222","customer":{"email":"bob.private@example.com"}}
{"id":"p5","type":"Paid","card":"4111111111111111"}
{"id":"p6","type":"Paid","time":"yesterday","card":"4111111111111111"}
{"id":"p7","card":"4111111111111111
"4111111111111111"
`,
	} {
		if err := os.WriteFile(filepath.Join(m.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// ServeHTTP is every receiver: it remembers what it is told, and `down` answers with what it was sent.
func (m *maskRun) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		m.t.Error(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sent[r.URL.Path] += string(b)
	if r.URL.Path == "/down" {
		w.WriteHeader(http.StatusBadRequest)
		w.Write(b)
		return
	}
	io.WriteString(w, "ok")
}

// kelpie runs a command in the folder, and returns what it printed, its messages included.
func (m *maskRun) kelpie(args ...string) string {
	m.t.Helper()
	var out, said bytes.Buffer
	if code := run(m.t.Context(), args, nil, &out, &said); code != 0 {
		m.t.Fatalf("%v: %d %s", args, code, said.String())
	}
	return out.String() + said.String()
}

// rows returns the alerts as the state keeps them.
func (m *maskRun) rows() (all []string) {
	m.t.Helper()
	s, err := state.OpenView(filepath.Join(m.dir, "data/state"), state.Options{})
	if err != nil {
		m.t.Fatal(err)
	}
	defer s.Close()
	found, err := alert.List(s, alert.Query{})
	if err != nil {
		m.t.Fatal(err)
	}
	for _, a := range found {
		row, err := s.Alert(a.ID)
		if err != nil {
			m.t.Fatal(err)
		}
		all = append(all, string(row.Data))
	}
	return all
}

// TestMasked runs a service with personal fields: nobody is shown one, in whatever way, but who asks the folder for it.
func TestMasked(t *testing.T) {
	m := newMaskRun(t, "mask: [card, customer.email]")
	secrets := []string{"4111111111111111", "4222222222222222", "ann.private", "bob.private"}
	unseen := func(where, text string) {
		t.Helper()
		if text == "" {
			t.Errorf("%s: nothing is there", where)
		}
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s: %s can be seen:\n%s", where, secret, text)
			}
		}
	}
	config := filepath.Join(m.dir, "kelpie.yml")
	unseen("stdout and the log", m.kelpie("run", "--until-end", "-c", config))
	for _, path := range []string{"/hook", "/services/slack", "/storm", "/down"} {
		unseen(path, m.sent[path])
	}
	if !strings.Contains(m.sent["/hook"], "masked-") || !strings.Contains(m.sent["/storm"], `"digest"`) {
		t.Errorf("receivers were told %v", m.sent)
	}
	b, err := os.ReadFile(filepath.Join(m.dir, "alerts.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	unseen("the file", string(b))

	rows := m.rows()
	id := rows[0][len(`{"id":"`):][:32]
	for _, args := range [][]string{
		{"alerts", "list"}, {"alerts", "list", "--json"}, {"alerts", "show", id, "--events"}, {"alerts", "show", id, "--events", "--json"},
		{"events", "list"}, {"events", "list", "--text"}, {"events", "list", "--raw"}, {"events", "list", "--own"},
		{"events", "rejected"}, {"events", "rejected", "--text"}, {"tables", "get", "buyers"}, {"tables", "get", "buyers", secrets[0]}, {"silence", "list"},
	} {
		unseen(strings.Join(args, " "), m.kelpie(append(args, "-c", config)...))
		unseen(strings.Join(args, " ")+" of the folder alone", m.kelpie(append(args, "--data", filepath.Join(m.dir, "data"))...))
	}
	for _, args := range [][]string{{"alerts", "list"}, {"events", "list"}, {"events", "rejected"}, {"tables", "get", "buyers"}} {
		if text := m.kelpie(append(args, "-c", config, "--unmask")...); !strings.Contains(text, secrets[0]) {
			t.Errorf("%v --unmask:\n%s", args, text)
		}
	}

	plain := newMaskRun(t, "")
	plain.kelpie("run", "--until-end", "-c", filepath.Join(plain.dir, "kelpie.yml"))
	if got, want := strings.Join(plain.rows(), "\n"), strings.Join(rows, "\n"); got != want || !strings.Contains(got, secrets[0]) {
		t.Errorf("masks have changed what is kept:\n%s\nwithout them:\n%s", want, got)
	}
	if text := plain.kelpie("alerts", "list", "-c", filepath.Join(plain.dir, "kelpie.yml")); !strings.Contains(text, secrets[0]) {
		t.Errorf("without masks:\n%s", text)
	}
}
