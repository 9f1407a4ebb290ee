package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"kelpie/rules"
	"kelpie/secret"
	"kelpie/server"
)

// description is what the API says of itself, to hold answers against.
type description struct {
	schemas *jsonschema.Compiler
	routes  *http.ServeMux // of the paths that are described
	Paths   map[string]map[string]operation

	mu       sync.Mutex
	compiled map[string]*jsonschema.Schema
	seen     map[string]bool // "GET /v1/alerts 200": such an answer has been held against it
}

type operation struct {
	Summary   string
	Security  []map[string][]string
	Responses map[string]struct {
		Ref     string `json:"$ref"`
		Content map[string]struct{ Schema any }
	}
}

// described is the description with every object closed: members that it does not name are mistakes of ours, though not
// for others, who are told that members may be added.
var described = sync.OnceValues(func() (*description, error) {
	text, err := os.ReadFile("openapi.json")
	if err != nil {
		return nil, err
	}
	d := &description{schemas: jsonschema.NewCompiler(), routes: http.NewServeMux(), compiled: map[string]*jsonschema.Schema{}, seen: map[string]bool{}}
	if err := json.Unmarshal(text, d); err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	if err := closeObjects(doc, ""); err != nil {
		return nil, err
	}
	for path := range d.Paths {
		if path == "/v1/tables/{name}/{key}" {
			path = "/v1/tables/{name}/{key...}"
		}
		d.routes.Handle(path, http.NotFoundHandler())
	}
	return d, d.schemas.AddResource("openapi.json", doc)
})

// closeObjects forbids members that a schema does not name, and wants every object that answers hold to say what is in it.
func closeObjects(v any, at string) error {
	switch x := v.(type) {
	case []any:
		for i := range x {
			if err := closeObjects(x[i], fmt.Sprintf("%s/%d", at, i)); err != nil {
				return err
			}
		}
	case map[string]any:
		_, named := x["properties"]
		_, free := x["additionalProperties"]
		switch {
		case strings.Contains(at, "/requestBody/"), x["type"] != "object" || free:
		case !named:
			return fmt.Errorf("openapi.json: %s: nothing is said of the members", at)
		default:
			x["additionalProperties"] = false
		}
		for name, value := range x {
			if err := closeObjects(value, at+"/"+name); err != nil {
				return err
			}
		}
	}
	return nil
}

// hold holds an answer against what is said of its route. Pages, and paths that are not described, are none of it.
func hold(t testing.TB, method, path string, x reply) {
	t.Helper()
	d, err := described()
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(method, path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, path = d.routes.Handler(r); path == "" {
		return
	}
	path = strings.ReplaceAll(path, "...}", "}")
	op, ok := d.Paths[path][strings.ToLower(method)]
	if !ok && x.status == http.StatusMethodNotAllowed {
		return
	}
	code := fmt.Sprint(x.status)
	said, ok := op.Responses[code]
	if !ok {
		t.Errorf("%s %s: nothing is said of the answer %s: %s", method, path, code, x.body)
		return
	}
	at, content := "/paths/"+strings.ReplaceAll(path, "/", "~1")+"/"+strings.ToLower(method)+"/responses/"+code, said.Content
	if said.Ref != "" {
		at, content = "/components/responses/Problem", map[string]struct{ Schema any }{"application/problem+json": {}}
	}
	kind, _, _ := mime.ParseMediaType(x.header.Get("Content-Type"))
	if _, ok := content[kind]; !ok && (len(content) > 0 || x.body != "") {
		t.Errorf("%s %s: nothing is said of an answer %s of the kind %q", method, path, code, kind)
		return
	}
	d.mu.Lock()
	d.seen[method+" "+path+" "+code] = true
	d.mu.Unlock()
	if strings.HasSuffix(kind, "json") {
		d.validate(t, at+"/content/"+strings.ReplaceAll(kind, "/", "~1")+"/schema", x.body)
	}
}

// validate holds a JSON text against a schema of the description.
func (d *description) validate(t testing.TB, at, text string) {
	t.Helper()
	d.mu.Lock()
	s := d.compiled[at]
	if s == nil {
		var err error
		if s, err = d.schemas.Compile("openapi.json#" + at); err != nil {
			d.mu.Unlock()
			t.Fatalf("%s: %v", at, err)
		}
		d.compiled[at] = s
	}
	d.mu.Unlock()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err == nil {
		err = s.Validate(v)
	}
	if err != nil {
		t.Errorf("%s: %v\n%s", at, err, text)
	}
}

// TestRoutesAreDescribed wants every route of the API described, with its scope, and nothing else.
func TestRoutesAreDescribed(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	h.slack = http.NotFoundHandler()
	h.open()
	d, err := described()
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, rt := range h.api.Routes() {
		if rt.Page || strings.HasPrefix(rt.Path, "/console/") {
			continue
		}
		path := strings.ReplaceAll(rt.Path, "...}", "}")
		there[rt.Method+" "+path] = true
		op, ok := d.Paths[path][strings.ToLower(rt.Method)]
		if !ok || op.Summary == "" {
			t.Errorf("%s %s is not described", rt.Method, path)
			continue
		}
		scope := server.Anyone
		if len(op.Security) == 1 && len(op.Security[0]["bearer"]) == 1 {
			scope = server.Scope(op.Security[0]["bearer"][0])
		}
		if scope != rt.Scope {
			t.Errorf("%s %s needs %q, and %q is said", rt.Method, path, rt.Scope, scope)
		}
		for code, r := range op.Responses {
			if r.Ref != "" && r.Ref != "#/components/responses/Problem" {
				t.Errorf("%s %s: %s: there is no %s", rt.Method, path, code, r.Ref)
			}
		}
	}
	for path, ops := range d.Paths {
		for method := range ops {
			if !there[strings.ToUpper(method)+" "+path] {
				t.Errorf("%s %s is described, and not there", method, path)
			}
		}
	}
}

// TestAnswersAreAsDescribed asks each route for each answer that it can give: all that is asked for in these tests is held
// against the description.
func TestAnswersAreAsDescribed(t *testing.T) {
	d, err := described()
	if err != nil {
		t.Fatal(err)
	}
	h := newHouse(t, vfs.NewMem())
	h.rules, h.slack = shop+"  ban: {event: Bad, by: id, when: 'true', decide: block}\n  watch: {event: Bad, by: id, when: 'true', decide: review, mode: shadow}\n", http.NotFoundHandler()
	var wrong atomic.Bool // what is read next is
	h.load = func() (*rules.Set, error) {
		if wrong.Load() {
			return rules.LoadBytes("rules.yml", []byte("rules: {r: {when: 1}}"), rules.Options{})
		}
		return rules.LoadBytes("rules.yml", []byte(h.rules), rules.Options{})
	}
	h.open()
	f := func(method, path, body string, status int) reply {
		t.Helper()
		x := h.ask(method, path, body, nil)
		if x.status != status {
			t.Errorf("%s %s: %d %s", method, path, x.status, x.body)
		}
		return x
	}
	h.bursts("c1", "c2")
	id := h.alerts("key=c1").Alerts[0].ID
	h.post("[{}, " + order("e1", "c1", h.now()) + "]")
	h.post("[{}]")
	h.post(order("e1", "c1", h.now()))
	h.post("x", "Content-Type", "text/plain")
	h.post("[")
	h.post(strings.Repeat(" ", int(h.spec.MaxBody)+1))
	bad := fmt.Sprintf(`{"id":"b1","type":"Bad","time":%q}`, h.now().Format(time.RFC3339))
	for _, x := range []struct {
		body   string
		status int
	}{{bad, 200}, {bad, 200}, {order("e1", "c1", h.now()), 409}, {order("e2", "c1", h.now()), 200}, {"{}", 422}, {"[", 400}, {strings.Repeat(" ", int(h.spec.MaxBody)+1), 413}} {
		if a := h.postTo("/v1/decisions", x.body); a.status != x.status {
			t.Errorf("%.50s: %d %s", x.body, a.status, a.body)
		}
	}
	var s silenceDoc
	decode(t, f("POST", "/v1/silences", `{"match":["customer_id=c1"],"for":"1h","by":"ann"}`, 201).body, &s)
	f("GET", "/v1/alerts", "", 200)
	f("GET", "/v1/alerts/zz", "", 404)
	f("GET", "/v1/alerts/", "", 404)
	f("GET", "/v1/alerts/"+id+"/events", "", 200)
	f("GET", "/v1/alerts/zz/events", "", 404)
	f("GET", "/v1/alerts/zz/deliveries", "", 404)
	f("GET", "/v1/alerts/"+id+"/deliveries", "", 200)
	f("POST", "/v1/alerts/"+id+"/redeliver", "", 404)
	for what, said := range map[string]string{"acknowledge": `{"by":"ann","comment":"on it"}`, "label": `{"by":"ann","verdict":"true_positive"}`} {
		f("POST", "/v1/alerts/"+id+"/"+what, said, 200)
		f("POST", "/v1/alerts/zz/"+what, said, 404)
	}
	f("POST", "/v1/alerts/"+id+"/resolve", `{"by":"ann"}`, 200)
	f("POST", "/v1/alerts/zz/resolve", `{"by":"ann"}`, 404)
	f("GET", "/v1/alerts/"+id, "", 200)
	f("POST", "/v1/alerts/"+id+"/resolve", `{"by":"ann"}`, 409)
	f("POST", "/v1/alerts/"+id+"/acknowledge", `{"by":"ann"}`, 409)
	f("GET", "/v1/silences", "", 200)
	f("DELETE", "/v1/silences/"+s.ID, `{"by":"ann"}`, 200)
	f("DELETE", "/v1/silences/"+s.ID, `{"by":"ann"}`, 409)
	f("DELETE", "/v1/silences/zz", `{"by":"ann"}`, 404)
	f("GET", "/v1/rules", "", 200)
	f("GET", "/v1/rules/pair", "", 200)
	f("GET", "/v1/rules/nothing", "", 404)
	f("GET", "/v1/tables", "", 200)
	f("GET", "/v1/tables/credit/c1", "", 200)
	f("GET", "/v1/tables/credit/none", "", 404)
	f("GET", "/v1/features?rule=pair&key=c1&key=OrderCreated", "", 200)
	f("GET", "/v1/features?rule=burst&key=none", "", 404)
	f("GET", "/v1/status", "", 200)
	f("GET", "/v1/rejected", "", 200)
	f("GET", "/v1/openapi.json", "", 200)
	f("POST", "/v1/reload", "", 200)
	wrong.Store(true)
	f("POST", "/v1/reload", "", 422)
	hold(t, "GET", "/healthz", h.get("/healthz"))
	hold(t, "GET", "/readyz", h.get("/readyz"))
	h.ask("GET", "/readyz", "", nil, "Accept", "application/json")
	h.holdStream(t)
	h.holdRefusals(t)
	for path, ops := range d.Paths {
		for method, op := range ops {
			for code := range op.Responses {
				if one := strings.ToUpper(method) + " " + path + " " + code; !d.seen[one] && !unreached[code] && !unreached[one] {
					t.Errorf("%s: nobody has seen this answer", one)
				}
			}
		}
	}
}

// unreached are answers that are not had here, but by other tests, as far as they can be had at all: of what has failed, is
// slow, does not run or is too much at once, and of ids that are the beginning of several.
var unreached = map[string]bool{
	"408": true, "429": true, "500": true, "503": true,
	"GET /v1/alerts/{id} 409": true, "GET /v1/alerts/{id}/events 409": true, "GET /v1/alerts/{id}/deliveries 409": true,
	"POST /v1/alerts/{id}/redeliver 202": true, "POST /v1/alerts/{id}/redeliver 409": true, "POST /v1/alerts/{id}/label 409": true,
	"POST /v1/slack/interactions 200": true, "POST /v1/slack/interactions 400": true, "POST /v1/slack/interactions 401": true, "POST /v1/slack/interactions 413": true,
}

// holdRefusals asks each route without a token, with one that does not allow it, from another site, by the name of another
// host, in a wrong way, and of a service that does not run.
func (h *house) holdRefusals(t *testing.T) {
	closed := newServer(t, func(spec *server.Spec) {
		spec.Tokens = []server.Token{{Name: "none", Token: secret.New(ingestToken)}}
	})
	open := newServer(t, func(*server.Spec) {})
	for _, rt := range h.api.Routes() {
		if rt.Page || strings.HasPrefix(rt.Path, "/console/") {
			continue
		}
		path := rt.Path
		for _, x := range [][]string{nil, {"Authorization", "Bearer " + ingestToken}, {"Origin", "https://other.example"}, {"Host", "other.example"}} {
			for _, s := range []*server.Server{closed, open} {
				hold(t, rt.Method, path, replyOf(t, ask(s, rt, x...)))
			}
		}
		for _, x := range []struct{ query, kind, body string }{{"?what=1", "", ""}, {"", "text/plain", "x"}, {"", "application/json", strings.Repeat(" ", 11<<20)}, {"", "application/json", "["}} {
			if rt.Method == "GET" && x.kind != "" {
				continue
			}
			r, err := http.NewRequest(rt.Method, h.url+strings.NewReplacer("{id}", "zz", "{name}", "zz", "{key...}", "zz").Replace(path)+x.query, strings.NewReader(x.body))
			if err != nil {
				t.Fatal(err)
			}
			if x.kind != "" {
				r.Header.Set("Content-Type", x.kind)
			}
			if rt.Scope == server.Anyone { // whatever it is asked
				continue
			}
			a, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			hold(t, rt.Method, path, replyOf(t, a))
		}
	}
}

func replyOf(t *testing.T, r *http.Response) reply {
	t.Helper()
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{status: r.StatusCode, header: r.Header, body: string(b)}
}

// holdStream holds what is streamed against the description, and how a stream is refused.
func (h *house) holdStream(t *testing.T) {
	t.Helper()
	l := h.listen(t, "0")
	for kinds := map[string]bool{}; !kinds["opened"] || !kinds["acknowledged"] || !kinds["resolved"]; {
		kinds[l.next().event] = true
	}
	l.stop()
}
