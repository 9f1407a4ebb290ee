package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"kelpie/secret"
	"kelpie/server"
)

// described is the description of the API.
type described struct {
	t      *testing.T
	schema *jsonschema.Compiler
	Paths  map[string]map[string]struct {
		Summary   string
		Security  []map[string][]string
		Responses map[string]struct {
			Ref     string `json:"$ref"`
			Content map[string]struct{ Schema any }
		}
	}
}

func (h *house) described(t *testing.T) *described {
	t.Helper()
	d := &described{t: t, schema: jsonschema.NewCompiler()}
	x := h.ask("GET", "/v1/openapi.json", "", nil)
	decode(t, x.body, d)
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(x.body))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.schema.AddResource("openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	return d
}

// validate holds an answer against what is said of a route.
func (d *described) validate(path, method string, x reply) {
	d.t.Helper()
	op, ok := d.Paths[path][strings.ToLower(method)]
	code := fmt.Sprint(x.status)
	r, said := op.Responses[code]
	if !ok || !said {
		d.t.Errorf("%s %s: nothing is said of the answer %s: %s", method, path, code, x.body)
		return
	}
	at := "openapi.json#/components/responses/Problem/content/application~1problem+json/schema"
	if r.Ref == "" {
		at = fmt.Sprintf("openapi.json#/paths/%s/%s/responses/%s/content/application~1json/schema", strings.ReplaceAll(path, "/", "~1"), strings.ToLower(method), code)
	}
	s, err := d.schema.Compile(at)
	if err != nil {
		d.t.Fatalf("%s %s: %v", method, path, err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(x.body))
	if err == nil {
		err = s.Validate(v)
	}
	if err != nil {
		d.t.Errorf("%s %s: %v\n%s", method, path, err, x.body)
	}
}

// TestRoutesAreDescribed wants every route of the API described, with its scope, and nothing else.
func TestRoutesAreDescribed(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	h.open()
	d := h.described(t)
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

// TestAnswersAreAsDescribed holds real answers against the schemas.
func TestAnswersAreAsDescribed(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	h.rules = shop
	h.open()
	d := h.described(t)
	f := func(method, path, asked, body string, status int) reply {
		t.Helper()
		x := h.ask(method, asked, body, nil)
		if x.status != status {
			t.Errorf("%s %s: %d %s", method, asked, x.status, x.body)
		}
		d.validate(path, method, x)
		return x
	}
	h.bursts("c1", "c2")
	id := h.alerts("key=c1").Alerts[0].ID
	d.validate("/v1/events", "POST", h.post("[{}, "+order("e1", "c1", h.now())+"]"))
	d.validate("/v1/events", "POST", h.post(order("e1", "c1", h.now())))
	d.validate("/v1/events", "POST", h.post("x", "Content-Type", "text/plain"))
	var s silenceDoc
	decode(t, f("POST", "/v1/silences", "/v1/silences", `{"match":["customer_id=c1"],"for":"1h","by":"ann"}`, 201).body, &s)
	f("GET", "/v1/alerts", "/v1/alerts", "", 200)
	f("GET", "/v1/alerts", "/v1/alerts?x=1", "", 400)
	f("GET", "/v1/alerts/{id}", "/v1/alerts/"+id, "", 200)
	f("GET", "/v1/alerts/{id}", "/v1/alerts/zz", "", 404)
	f("GET", "/v1/alerts/{id}/events", "/v1/alerts/"+id+"/events", "", 200)
	f("GET", "/v1/alerts/{id}/deliveries", "/v1/alerts/"+id+"/deliveries", "", 200)
	f("POST", "/v1/alerts/{id}/redeliver", "/v1/alerts/"+id+"/redeliver", "", 404)
	f("POST", "/v1/alerts/{id}/acknowledge", "/v1/alerts/"+id+"/acknowledge", `{"by":"ann"}`, 200)
	f("POST", "/v1/alerts/{id}/label", "/v1/alerts/"+id+"/label", `{"by":"ann","verdict":"true_positive"}`, 200)
	f("POST", "/v1/alerts/{id}/resolve", "/v1/alerts/"+id+"/resolve", `{"by":"ann"}`, 200)
	f("POST", "/v1/alerts/{id}/resolve", "/v1/alerts/"+id+"/resolve", `{"by":"ann"}`, 409)
	f("GET", "/v1/silences", "/v1/silences", "", 200)
	f("DELETE", "/v1/silences/{id}", "/v1/silences/"+s.ID, `{"by":"ann"}`, 200)
	f("GET", "/v1/rules", "/v1/rules", "", 200)
	f("GET", "/v1/rules/{name}", "/v1/rules/pair", "", 200)
	f("GET", "/v1/tables", "/v1/tables", "", 200)
	f("GET", "/v1/tables/{name}/{key}", "/v1/tables/credit/c1", "", 200)
	f("GET", "/v1/features", "/v1/features?rule=pair&key=c1&key=OrderCreated", "", 200)
	f("GET", "/v1/status", "/v1/status", "", 200)
	f("GET", "/v1/rejected", "/v1/rejected", "", 200)
	f("POST", "/v1/reload", "/v1/reload", "", 200)
}

// TestRefusalsAreAsDescribed asks for every route without a token, and with one that does not allow it.
func TestRefusalsAreAsDescribed(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	h.open()
	d := h.described(t)
	s := newServer(t, func(spec *server.Spec) {
		spec.Tokens = []server.Token{{Name: "none", Token: secret.New(ingestToken)}}
	})
	for _, rt := range s.Routes() {
		if rt.Scope == server.Anyone || rt.Page || !strings.HasPrefix(rt.Path, "/v1/") {
			continue
		}
		for code, header := range map[int][]string{401: nil, 403: {"Authorization", "Bearer " + ingestToken}} {
			r := ask(s, rt, header...)
			var body json.RawMessage
			if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.StatusCode != code {
				t.Errorf("%s %s: %d %v", rt.Method, rt.Path, r.StatusCode, err)
			}
			d.validate(strings.ReplaceAll(rt.Path, "...}", "}"), rt.Method, reply{status: r.StatusCode, header: http.Header{}, body: string(body)})
		}
	}
}
