package server_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"kelpie/engine"
	"kelpie/journal"
	"kelpie/secret"
	"kelpie/server"
)

// nobody is a service that takes nothing: what it is asked beside this is answered as an internal error.
type nobody struct{ server.Service }

func (nobody) Problems() ([]string, error)                              { return nil, nil }
func (nobody) Remarks() []string                                        { return nil }
func (nobody) Figures() *engine.Figures                                 { return &engine.Figures{} }
func (nobody) Streams() []engine.InputStream                            { return nil }
func (nobody) Phase() engine.Phase                                      { return engine.Recovering }
func (nobody) Refuse(context.Context, string, []engine.Rejection) error { return engine.ErrNotRunning }

const (
	ingestToken  = "ingest-0123456789"
	readToken    = "read-0123456789abc"
	decideToken  = "decide-0123456789"
	operateToken = "operate-012345678"
)

var tokens = []server.Token{
	{Name: "shop", Token: secret.New(ingestToken), Scopes: []server.Scope{server.Ingest}},
	{Name: "till", Token: secret.New(decideToken), Scopes: []server.Scope{server.Decide}},
	{Name: "wall", Token: secret.New(readToken), Scopes: []server.Scope{server.Read}},
	{Name: "ann", Token: secret.New(operateToken), Scopes: []server.Scope{server.Operate, server.Read}},
}

func newServer(t *testing.T, change func(*server.Spec)) *server.Server {
	t.Helper()
	spec := server.DefaultSpec()
	change(&spec)
	s, err := server.New(server.Options{Spec: spec, Service: nobody{nil}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ask asks for a route without a network, and returns the answer.
func ask(s *server.Server, rt *server.Route, header ...string) *http.Response {
	path := strings.NewReplacer("{$}", "", "{id}", "1", "{name}", "n", "{key}", "k").Replace(rt.Path)
	r := httptest.NewRequest(rt.Method, "http://localhost:9470"+path, http.NoBody)
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
			continue
		}
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w.Result()
}

// passed reports whether a request came to its route.
func passed(r *http.Response) bool {
	switch r.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusMisdirectedRequest:
		return false
	}
	return true
}

// TestEveryRouteWantsItsScope asks for each route without a token, with one that is not known, and with one of each scope.
func TestEveryRouteWantsItsScope(t *testing.T) {
	s := newServer(t, func(spec *server.Spec) { spec.Tokens = tokens })
	for _, rt := range s.Routes() {
		if rt.Scope == server.Anyone {
			if r := ask(s, rt); !passed(r) {
				t.Errorf("%s %s without a token: %s", rt.Method, rt.Path, r.Status)
			}
			continue
		}
		for _, header := range [][]string{
			nil, {"Authorization", ""}, {"Authorization", "Bearer"}, {"Authorization", "Bearer "}, {"Authorization", "Bearer ingest-012345678"},
			{"Authorization", "Basic " + ingestToken}, {"Authorization", ingestToken}, {"Authorization", "Bearer " + strings.Repeat("x", 5000)},
			{"Authorization", "Bearer " + ingestToken, "Authorization", "Bearer " + readToken}, {"X-Token", ingestToken},
			{"Authorization", "Bearer " + ingestToken + "," + readToken},
		} {
			if r := ask(s, rt, header...); r.StatusCode != http.StatusUnauthorized || r.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s %s with %q: %s", rt.Method, rt.Path, header, r.Status)
			}
		}
		for _, token := range tokens {
			may := false
			for _, scope := range token.Scopes {
				may = may || scope == rt.Scope
			}
			r := ask(s, rt, "Authorization", "bearer "+token.Token.Reveal())
			if passed(r) != may || !may && r.StatusCode != http.StatusForbidden {
				t.Errorf("%s %s asked by %s: %s", rt.Method, rt.Path, token.Name, r.Status)
			}
		}
	}
}

// TestEveryRouteRefusesOtherSites asks for each route as a browser does for a page of another site, with and without
// tokens, and as a program does. A link may lead to a page.
func TestEveryRouteRefusesOtherSites(t *testing.T) {
	open := newServer(t, func(spec *server.Spec) { spec.URL = "https://kelpie.example.com" })
	closed := newServer(t, func(spec *server.Spec) { spec.Tokens, spec.URL = tokens, "https://kelpie.example.com" })
	for _, s := range []*server.Server{open, closed} {
		for _, rt := range s.Routes() {
			for _, header := range [][]string{
				{"Origin", "https://evil.example"}, {"Origin", "null"}, {"Origin", "http://localhost:9999"}, {"Origin", "http://localhost"},
				{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Sec-Fetch-Site", "strange"},
				{"Sec-Fetch-Site", "cross-site", "Origin", "http://localhost:9470"},
			} {
				if r := ask(s, rt, append(header, bearerOf(rt)...)...); r.StatusCode != http.StatusForbidden {
					t.Errorf("%s %s with %q: %s", rt.Method, rt.Path, header, r.Status)
				}
			}
			for _, header := range [][]string{
				nil, {"Origin", "http://localhost:9470"}, {"Origin", "https://kelpie.example.com"},
				{"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Site", "none"},
			} {
				if r := ask(s, rt, append(header, bearerOf(rt)...)...); !passed(r) {
					t.Errorf("%s %s with %q: %s", rt.Method, rt.Path, header, r.Status)
				}
			}
			linked := ask(s, rt, append(bearerOf(rt), "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate")...)
			if want := rt.Page && rt.Method == http.MethodGet; passed(linked) != want {
				t.Errorf("a link to %s %s: %s", rt.Method, rt.Path, linked.Status)
			}
		}
	}
}

// bearerOf returns the header that a route wants.
func bearerOf(rt *server.Route) []string {
	for _, t := range tokens {
		for _, s := range t.Scopes {
			if s == rt.Scope {
				return []string{"Authorization", "Bearer " + t.Token.Reveal()}
			}
		}
	}
	return nil
}

// TestEveryRouteKnowsItsHost asks for each route under names that another site may have pointed here.
func TestEveryRouteKnowsItsHost(t *testing.T) {
	open := newServer(t, func(spec *server.Spec) { spec.URL = "http://kelpie.example.com:9470" })
	closed := newServer(t, func(spec *server.Spec) { spec.Tokens = tokens })
	for _, rt := range open.Routes() {
		for _, host := range []string{"evil.example", "evil.example:9470", "", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1:9470", "0.0.0.0", "[::2]:9470"} {
			if r := ask(open, rt, "Host", host); r.StatusCode != http.StatusMisdirectedRequest {
				t.Errorf("%s %s as %q: %s", rt.Method, rt.Path, host, r.Status)
			}
		}
		for _, host := range []string{"localhost", "LOCALHOST:9470", "127.0.0.1:9470", "127.3.2.1", "[::1]:9470", "[::1]", "kelpie.example.com", "Kelpie.Example.com:443"} {
			if r := ask(open, rt, "Host", host); !passed(r) {
				t.Errorf("%s %s as %q: %s", rt.Method, rt.Path, host, r.Status)
			}
		}
	}
	for _, rt := range closed.Routes() {
		if r := ask(closed, rt, append(bearerOf(rt), "Host", "whatever.example")...); !passed(r) {
			t.Errorf("%s %s with a token: %s", rt.Method, rt.Path, r.Status)
		}
	}
}

// TestNothingElse asks for what is not there, and in the wrong way.
func TestNothingElse(t *testing.T) {
	s := newServer(t, func(spec *server.Spec) { spec.Tokens = tokens })
	for _, rt := range []*server.Route{{Method: "GET", Path: "/v1"}, {Method: "GET", Path: "/v1/events/"}, {Method: "POST", Path: "/metrics"}} {
		if r := ask(s, rt); r.StatusCode != http.StatusNotFound || r.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: %s", rt.Method, rt.Path, r.Status)
		}
	}
	r := ask(s, &server.Route{Method: "DELETE", Path: "/v1/events"})
	if r.StatusCode != http.StatusMethodNotAllowed || r.Header.Get("Allow") != "POST" {
		t.Errorf("DELETE /v1/events: %s, %q", r.Status, r.Header.Get("Allow"))
	}
}

// TestHeaders wants what keeps browsers from mistakes on every answer.
func TestHeaders(t *testing.T) {
	s := newServer(t, func(*server.Spec) {})
	for _, rt := range append(s.Routes(), &server.Route{Method: "GET", Path: "/nowhere"}) {
		r := ask(s, rt)
		if h := r.Header; h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "no-store" || h.Get("Content-Security-Policy") == "" {
			t.Errorf("%s %s: %v", rt.Method, rt.Path, h)
		}
	}
}

// TestNotNow posts to a service that is not ready.
func TestNotNow(t *testing.T) {
	s := newServer(t, func(*server.Spec) {})
	r := ask(s, &server.Route{Method: "POST", Path: "/v1/events"}, "Content-Type", "application/json")
	b, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusServiceUnavailable || r.Header.Get("Retry-After") == "" || !strings.Contains(string(b), "recovering") {
		t.Errorf("%s %v: %s, %v", r.Status, r.Header, b, err)
	}
}

// TestSpec wants mistakes in settings told by their names.
func TestSpec(t *testing.T) {
	long := secret.New("0123456789abcdef")
	f := func(change func(*server.Spec), want string) {
		t.Helper()
		s := server.DefaultSpec()
		change(&s)
		err := s.Validate()
		if got := ""; err != nil {
			if got = err.Error(); want == "" || !strings.Contains(got, want) {
				t.Errorf("%s, want %q", got, want)
			}
		} else if want != "" {
			t.Errorf("no mistake, want %q", want)
		}
	}
	listen := func(a string) func(*server.Spec) { return func(s *server.Spec) { s.Listen = a } }
	f(func(*server.Spec) {}, "")
	f(listen("localhost:0"), "")
	f(listen("[::1]:9470"), "")
	f(listen("off"), "")
	f(listen("9470"), "listen: \"9470\" is no address")
	f(listen(":9470"), "listen: without tokens everybody who reaches :9470")
	f(listen("0.0.0.0:9470"), "listen: without tokens")
	f(func(s *server.Spec) { s.Listen, s.Tokens = "0.0.0.0:9470", tokens }, "")
	f(func(s *server.Spec) { s.URL = "kelpie.example.com" }, "url: ")
	f(func(s *server.Spec) { s.URL = "https://user@kelpie.example.com" }, "url: ")
	f(func(s *server.Spec) { s.TLS.Cert = "cert.pem" }, "tls: cert and key")
	f(func(s *server.Spec) { s.TLS.ClientCA = "ca.pem" }, "tls: client_ca needs")
	token := func(all ...server.Token) func(*server.Spec) { return func(s *server.Spec) { s.Tokens = all } }
	ingest := []server.Scope{server.Ingest}
	f(token(server.Token{Token: long, Scopes: ingest}), "tokens.0: a name is needed")
	f(token(server.Token{Name: "a", Token: secret.New("short"), Scopes: ingest}), "tokens.0: a token has at least 16 bytes")
	f(token(server.Token{Name: "a", Token: secret.New("0123456789 abcdef"), Scopes: ingest}), "tokens.0: a token is made of")
	f(token(server.Token{Name: "a", Token: long}), "tokens.0: scopes are needed")
	f(token(server.Token{Name: "a", Token: long, Scopes: []server.Scope{"admin"}}), `tokens.0: there is no scope "admin"`)
	f(token(tokens[0], tokens[0]), `tokens.1: there are two tokens "shop"`)
	f(token(server.Token{Name: "a", Token: long, Scopes: ingest}, server.Token{Name: "b", Token: long, Scopes: ingest}), "tokens.1: two names have the same token")
	f(func(s *server.Spec) { s.MaxBody = 1 }, "max_body: ")
	f(func(s *server.Spec) { s.Memory = s.MaxBody }, "memory: ")
	f(func(s *server.Spec) { s.Dedupe = 25 * time.Hour }, "dedupe: ")
	f(func(s *server.Spec) { s.DedupeIDs = 0 }, "dedupe_ids: ")
	f(func(s *server.Spec) { s.Connections = 0 }, "connections: ")
	f(func(s *server.Spec) { s.Requests = 0 }, "requests: ")
}

// emptyLog is a log without records.
type emptyLog struct{ server.Log }

func (emptyLog) NewReader(int64) *journal.Reader                               { panic("nothing is to be read") }
func (emptyLog) Newest(context.Context, []string, int64, int64) (int64, error) { return 0, io.EOF }

// askBody asks with a form and a cookie, "" is none, without a network.
func askBody(s *server.Server, method, path, form, cookie string, header ...string) *http.Response {
	r := httptest.NewRequest(method, "http://localhost:9470"+path, strings.NewReader(form))
	r.Header.Set("Accept", "text/html")
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w.Result()
}
