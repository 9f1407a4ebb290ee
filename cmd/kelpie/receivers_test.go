package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"kelpie/alert/alerttest"
)

// TestReceivers lists the receivers of a configuration and sends them tests.
func TestReceivers(t *testing.T) {
	var bodies []string
	hook := alerttest.NewWeb(t, false, func(_ http.ResponseWriter, _ *http.Request, body []byte) { bodies = append(bodies, string(body)) },
		func(w http.ResponseWriter, _ *http.Request, a alerttest.Answer) {
			switch a {
			case alerttest.Busy:
				w.Header().Set("Retry-After", "30")
				w.WriteHeader(http.StatusTooManyRequests)
			case alerttest.Broken:
				http.Error(w, "no\x1b[2J hush", http.StatusBadGateway)
			case alerttest.Refuse:
				w.WriteHeader(http.StatusUnprocessableEntity)
			}
		})
	host := strings.TrimPrefix(hook.URL, "http://")
	file := filepath.Join(t.TempDir(), "kelpie.yml")
	settings := `sources: [{stdin: true}]
alerts:
  link: https://kelpie.example
  receivers:
    - name: fraud
      webhook: {url: ` + hook.URL + `/hush}
      alertmanager: {urls: [` + hook.URL + `]}
    - name: office
      email: {server: mail.example, from: kelpie@example.org, to: [ann@example.org]}
      slack: {token: xoxb-hush, channel: "#alerts"}
      pagerduty: {routing_key: 0123456789abcdef0123456789abcdef}
      kafka: {brokers: ["127.0.0.1:1"], topic: alerts, sasl: {mechanism: plain, username: kelpie, password: xoxb-hush}}
`
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	f := func(code int, want string, args ...string) {
		t.Helper()
		var out, errOut bytes.Buffer
		got := run(t.Context(), append(append([]string{"receivers"}, args...), "-c", file), nil, &out, &errOut)
		text := strings.ReplaceAll(out.String()+errOut.String(), host, "HOST")
		text = regexp.MustCompile(`in [0-9]+ ms|"ms":[0-9.]+`).ReplaceAllString(text, "T")
		if got != code || text != want || strings.Contains(text, "hush/") || strings.Contains(text, "xoxb") {
			t.Errorf("%v: %d\n%s\nwant %d\n%s", args, got, text, code, want)
		}
	}
	f(0, `receiver  kind          where
fraud     alertmanager  HOST
fraud     webhook       HOST
office    email         ann@example.org
office    kafka         alerts at 127.0.0.1:1
office    pagerduty     events.pagerduty.com
office    slack         #alerts
`, "list")
	f(0, `{"receiver":"fraud","kind":"alertmanager","where":"HOST","ok":true,T}
{"receiver":"fraud","kind":"webhook","where":"HOST","ok":true,T}
`, "test", "fraud", "--json")
	if len(bodies) != 2 || !strings.Contains(bodies[0], `"kelpie_test":"true"`) || !strings.Contains(bodies[1], `"kind":"test"`) || !strings.Contains(bodies[1], "https://kelpie.example") {
		t.Errorf("sent %q", bodies)
	}
	f(0, "fraud/webhook (HOST): the test was taken, T\n", "test", "fraud/webhook")
	hook.Answer(alerttest.Busy)
	f(1, "fraud/webhook (HOST): webhook: the answer is 429 Too Many Requests\n    it asks to be tried again after 30 s\n", "test", "fraud/webhook")
	f(1, `{"receiver":"fraud","kind":"webhook","where":"HOST","ok":false,T,"error":"webhook: the answer is 429 Too Many Requests","status":429,"retry_after":30}`+"\n", "test", "fraud/webhook", "--json")
	hook.Answer(alerttest.Broken)
	f(1, "fraud/webhook (HOST): webhook: the answer is 502 Bad Gateway: no [2J hush\n    the service would try again\n", "test", "fraud/webhook")
	hook.Answer(alerttest.Refuse)
	f(1, "fraud/webhook (HOST): webhook: the answer is 422 Unprocessable Entity\n    another try would not help\n", "test", "fraud/webhook")
	f(1, "office/kafka (alerts at 127.0.0.1:1): kafka: broker 127.0.0.1:1: nobody listens there: is the broker up, and the port right?\n    the service would try again\n", "test", "office/kafka")
	f(2, "kelpie: there is no receiver \"frau\"\n    did you mean fraud?\n", "test", "frau")
	f(2, "kelpie: there is no receiver \"x\"\n    see kelpie receivers list\n", "test", "x")
}
