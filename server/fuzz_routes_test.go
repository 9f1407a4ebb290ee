package server_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/journal"
	"kelpie/server"
)

// FuzzRoutes asks each route for anything: with any parts of its path, any query, headers and body. Nothing panics, the
// answer is one that the description of the API has, in the form that it says, and what is refused changes nothing.
func FuzzRoutes(f *testing.F) {
	h := newHouse(f, vfs.NewMem())
	h.rules = shop
	h.open()
	h.bursts("c1", "c2")
	id := h.alerts("key=c1").Alerts[0].ID
	routes := slices.Clone(h.api.Routes())
	slices.SortFunc(routes, func(a, b *server.Route) int { return strings.Compare(a.Path+a.Method, b.Path+b.Method) })
	for i := range routes {
		for _, query := range []string{"", "limit=1&after=0", "key=c1&rule=burst&state=firing", "from=2026-01-05T10:00:00Z&to=1&match=key%3D%22c1%22", "limit=-1&limit=2&order=up&%zz", "match=a%3D~%5B&verdict=none&acknowledged=true"} {
			f.Add(uint8(i), id, query, "application/json", "", "", []byte(`{"by":"ann","comment":"x"}`))
		}
		f.Add(uint8(i), "credit/c1", "", "application/x-www-form-urlencoded", "", "", []byte("match=key%3Dc1&for=1h&verdict=true_positive&back=//x"))
		f.Add(uint8(i), "..%2f", "", "application/json", "gzip", "specversion", []byte{0x1f, 0x8b, 8, 0})
		f.Add(uint8(i), "burst", "", "application/cloudevents-batch+json", "zstd", "1.0", []byte{0x28, 0xb5, 0x2f, 0xfd})
		f.Add(uint8(i), "", "", "application/json", "identity", "", []byte(`{"match":["a=b","c!=d"],"for":"1h","by":"ann","verdict":"true_positive"}`))
		f.Add(uint8(i), "", "", "multipart/form-data; boundary=x", "br", "", []byte("--x\r\n\r\n--x--"))
	}
	f.Fuzz(func(t *testing.T, n uint8, part, query, kind, encoding, cloud string, body []byte) {
		rt := routes[int(n)%len(routes)]
		path := strings.NewReplacer("{$}", "", "{id}", url.PathEscape(part), "{name}", url.PathEscape(part), "{key...}", url.PathEscape(part)).Replace(rt.Path)
		if rt.Path == "/v1/tables/{name}/{key...}" {
			path = "/v1/tables/" + (&url.URL{Path: part}).EscapedPath()
		}
		r := httptest.NewRequest(rt.Method, "http://localhost:9470/", bytes.NewReader(body))
		at, err := url.ParseRequestURI(path)
		if err != nil {
			return // no request line has it
		}
		at.RawQuery = query
		r.URL, r.RequestURI = at, at.RequestURI()
		for name, value := range map[string]string{"Content-Type": kind, "Content-Encoding": encoding, "Ce-Specversion": cloud, "Ce-Id": cloud, "Last-Event-Id": cloud, "Accept": kind} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		if rt.Path == "/v1/stream" { // for as long as the caller listens
			ctx, gone := context.WithCancel(r.Context())
			gone()
			r = r.WithContext(ctx)
		}
		before := h.log.NextOffset()
		w := httptest.NewRecorder()
		h.api.Handler().ServeHTTP(w, r)
		x := reply{status: w.Code, header: w.Header(), body: w.Body.String()}
		if x.status >= http.StatusInternalServerError {
			t.Fatalf("%s %s: %d %s", rt.Method, at, x.status, x.body)
		}
		if to := x.header.Get("Location"); to != "" && (to[0] != '/' || strings.HasPrefix(to, "//") || strings.HasPrefix(to, `/\`)) {
			t.Errorf("%s %s leads to %s", rt.Method, at, to)
		}
		if !rt.Page && x.status != http.StatusTemporaryRedirect { // to the path as it should be written
			hold(t, rt.Method, at.EscapedPath(), x)
		}
		if x.status >= 400 && x.status != http.StatusUnprocessableEntity {
			h.unchanged(t, before, rt.Method+" "+at.String())
		}
	})
}

// unchanged wants nothing in the log behind an offset but that time has gone on.
func (h *house) unchanged(t *testing.T, from int64, what string) {
	t.Helper()
	r := h.log.NewReader(from)
	defer r.Close()
	for {
		b := &journal.Block{}
		err := r.Next(t.Context(), b)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Lines {
			if x := b.Record(i); x.Kind != journal.TimeAdvanced {
				t.Errorf("%s was refused, and the log has %s: %s", what, x.Kind, x.Payload)
			}
		}
	}
}
