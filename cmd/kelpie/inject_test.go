package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestInjection has events, and a receiver that answers with what it is sent, try to write lines of their own into the
// service's log, standard output and what the commands print, and to move a terminal's cursor: each says its text within
// its line.
func TestInjection(t *testing.T) {
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = w.Write([]byte("forged\nforged level=ERROR \x1b[2J\r\u2028forged"))
		_, _ = io.Copy(w, r.Body)
	}))
	defer echo.Close()
	const evil = `a\nforged level=ERROR\r\nforged \u001b[2J\u001b]0;forged\u0007\u2028forged\u0085forged\u202eforged`
	for _, format := range []string{"text", "json"} {
		dir := t.TempDir()
		for name, text := range map[string]string{
			"kelpie.yml": "rules: rules.yml\nsources: [{files: in.jsonl}]\nhttp: {listen: \"off\"}\nmetrics: {listen: \"off\"}\nlogging: {level: debug, format: " + format +
				"}\nalerts: {stdout: " + format + ", receivers: [{name: hook, webhook: {url: \"" + echo.URL + "\"}}]}\n",
			"rules.yml": "rules:\n  r: {event: '*', by: who, let: {n: count over 1h, what: last(who) over 1h}, when: n > 0, alert: '{{who}} did it'}\n",
			"in.jsonl": `{"type":"` + evil + `","id":"` + evil + `","time":"2026-01-05T10:00:00Z","who":"` + evil + `"}` + "\n" +
				`{"type":"` + evil + `","time":"` + evil + `"}` + "\n\x1b[2Jforged\r\n",
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		kelpie := func(args ...string) string {
			t.Helper()
			var out, said bytes.Buffer
			if code := run(t.Context(), append(args, "-c", filepath.Join(dir, "kelpie.yml")), nil, &out, &said); code != 0 {
				t.Fatalf("%v: %d %s", args, code, said.String())
			}
			text := out.String() + said.String()
			if !strings.Contains(text, "forged") {
				t.Errorf("%v says nothing of it:\n%s", args, text)
			}
			for _, line := range strings.Split(text, "\n") {
				if strings.HasPrefix(strings.TrimSpace(line), "forged") || strings.ContainsAny(line, "\x1b\r\x07\u0085\u2028\u202e") && format == "text" || strings.ContainsAny(line, "\x1b\r\x07") {
					t.Errorf("%v, %s: %q", args, format, line)
				}
			}
			return text
		}
		kelpie("run", "--until-end")
		if format == "json" {
			kelpie("alerts", "list", "--json")
			kelpie("events", "list")
			kelpie("events", "rejected")
			continue
		}
		list := kelpie("alerts", "list")
		id := strings.Fields(strings.Split(list, "\n")[1])[0]
		kelpie("alerts", "show", id, "--events")
		kelpie("events", "list", "--text")
		kelpie("events", "rejected", "--text")
	}
}
