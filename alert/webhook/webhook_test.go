package webhook

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"kelpie/alert"
	"kelpie/alert/alerttest"
	"kelpie/alert/post"
	"kelpie/secret"
)

const (
	newSecret = "whsec_bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3"
	oldSecret = "whsec_b2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xk"
)

// hook is a receiver that takes only what is signed and what the schema allows.
type hook struct {
	*alerttest.Web
	mu      sync.Mutex
	bodies  []string
	headers []http.Header
}

func newHook(t *testing.T) *hook {
	schema, err := jsonschema.NewCompiler().Compile("../words/schema.json")
	if err != nil {
		t.Fatal(err)
	}
	h := &hook{}
	take := func(w http.ResponseWriter, r *http.Request, body []byte) {
		for _, s := range []string{newSecret, oldSecret} {
			verifier, err := standardwebhooks.NewWebhook(s)
			if err != nil {
				t.Error(err)
				return
			}
			if err := verifier.Verify(body, r.Header); err != nil {
				t.Errorf("signature: %v", err)
			}
		}
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(body)))
		if err == nil {
			err = schema.Validate(v)
		}
		if err != nil || !utf8.Valid(body) {
			t.Errorf("body: %v: %.500s", err, body)
		}
		if r.Method != http.MethodPost || r.URL.Path != "/path-s3cret" || r.Header.Get("Authorization") != "Bearer t0ken" || r.UserAgent() != "kelpie/test" {
			t.Errorf("request: %s %s %v", r.Method, r.URL, r.Header)
		}
		h.mu.Lock()
		defer h.mu.Unlock()
		h.bodies, h.headers = append(h.bodies, string(body)), append(h.headers, r.Header)
		w.WriteHeader(http.StatusNoContent)
	}
	h.Web = alerttest.NewWeb(t, false, take, fail)
	return h
}

func fail(w http.ResponseWriter, _ *http.Request, a alerttest.Answer) {
	switch a {
	case alerttest.Busy:
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
	case alerttest.Broken:
		http.Error(w, "you sent whsec_ "+newSecret+" and t0ken", http.StatusBadGateway)
	case alerttest.Refuse:
		http.Error(w, `{"error":"no such field"}`, http.StatusBadRequest)
	}
}

func (h *hook) arrived() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.bodies)
}

func (h *hook) spec() Spec {
	return Spec{
		URL:     secret.New(h.URL + "/path-s3cret"),
		Secrets: []secret.Value{secret.New(newSecret), secret.New(oldSecret)},
		Headers: map[string]secret.Value{"Authorization": secret.New("Bearer t0ken")},
	}
}

func open(t *testing.T, s Spec) *Notifier {
	t.Helper()
	n, err := New(s, post.Options{Agent: "kelpie/test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

func TestConformance(t *testing.T) {
	alerttest.TestGroupNotifier(t, func(t *testing.T) alerttest.GroupSubject {
		h := newHook(t)
		return alerttest.GroupSubject{
			Notifier: open(t, h.spec()), Arrived: h.arrived, Answer: h.Answer, Reached: h.Reached, Pause: 7 * time.Second,
			Secrets: []string{"s3cret", "Bearer t0ken", newSecret, oldSecret},
		}
	})
}

// TestSameAgain wants a notification that is sent again to have the same id and body, and another one another id.
func TestSameAgain(t *testing.T) {
	h := newHook(t)
	n := open(t, h.spec())
	note := alerttest.Group(2, alert.KindOpened)
	for _, attempt := range []int{1, 2} {
		note.Attempt = attempt
		if _, err := n.NotifyGroup(t.Context(), note); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := n.NotifyGroup(t.Context(), alerttest.Group(2, alert.KindUpdated)); err != nil {
		t.Fatal(err)
	}
	id := func(i int) string { return h.headers[i].Get("webhook-id") }
	if h.bodies[0] != h.bodies[1] || id(0) != id(1) || id(0) == id(2) {
		t.Errorf("ids %s, %s, %s; the body is the same: %v", id(0), id(1), id(2), h.bodies[0] == h.bodies[1])
	}
	if got := h.headers[1].Get("Kelpie-Attempt"); got != "2" {
		t.Errorf("attempt %q", got)
	}
}

// TestStatuses wants a redirect not to be followed, and every status to mean what Refuses says.
func TestStatuses(t *testing.T) {
	status := http.StatusOK
	w := alerttest.NewWeb(t, false, func(w http.ResponseWriter, r *http.Request, _ []byte) {
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
		if r.URL.Path != "/" {
			t.Errorf("followed to %s", r.URL)
		}
	}, nil)
	n := open(t, Spec{URL: secret.New(w.URL)})
	f := func(code int, ok, final bool) {
		t.Helper()
		status = code
		_, err := n.NotifyGroup(t.Context(), alerttest.Group(1, alert.KindOpened))
		if (err == nil) != ok || alert.Permanent(err) != final {
			t.Errorf("%d: %v, permanent %v", code, err, alert.Permanent(err))
		}
	}
	for _, code := range []int{200, 201, 202, 204, 299} {
		f(code, true, false)
	}
	for _, code := range []int{400, 402, 406, 410, 413, 415, 422} {
		f(code, false, true)
	}
	for _, code := range []int{301, 302, 307, 308, 401, 403, 404, 408, 409, 425, 429, 500, 502, 503, 504} {
		f(code, false, false)
	}
}
