package server_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// cloudEvent is a CloudEvent with more attributes.
func cloudEvent(id, more string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/shop","type":"OrderCreated","time":%q%s}`, id, time.Now().Format(time.RFC3339), more)
}

// TestForms posts the same events in every form.
func TestForms(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	h.spec.Dedupe = 0
	h.open()
	now := time.Now()
	a, b := order("1", "c1", now), "{\n"+order("2", "c1", now)[1:]
	c, d := cloudEvent("1", `,"data":{"x":1}`), cloudEvent("2", "")
	logged := 0
	f := func(contentType, body string, want ...string) {
		t.Helper()
		r := h.post(body, "Content-Type", contentType)
		if r.status != http.StatusOK || r.Accepted != len(want) {
			t.Errorf("%s %q: %d %s", contentType, body, r.status, r.body)
			return
		}
		all := h.logged()
		if got := all[logged:]; !slices.Equal(got, want) {
			t.Errorf("%s: the log holds %q, want %q", contentType, got, want)
		}
		logged = len(all)
	}
	f("application/json", a, a)
	f("application/json; charset=utf-8", " \r\n"+a+"\n ", a)
	f("Application/JSON;charset=\"UTF-8\"", a, a)
	f("application/json", "["+a+","+b+"]", a, b)
	f("application/json", " [ \n"+a+"\n,\n"+b+"\r\n]\n", a, b)
	f("application/json", "[]")
	f("application/json", " [ ] ")
	f("application/x-ndjson", a, a)
	f("application/x-ndjson", "\n"+a+"\r\n  \n\t"+a+" \n\n", a, a)
	f("application/jsonl", a+"\n", a)
	f("application/ndjson", a+"\n", a)
	f("application/cloudevents+json", c, c)
	f("application/cloudevents+json; charset=UTF-8", d, d)
	f("application/cloudevents-batch+json", "["+c+","+d+"]", c, d)
	f("application/cloudevents-batch+json", "[]")
}

// TestMalformed posts bodies that cannot be read, and types that are not known: nothing of them is in the log.
func TestMalformed(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	h.open()
	a := order("1", "c1", time.Now())
	f := func(contentType, body string, status int, want string) {
		t.Helper()
		r := h.post(body, "Content-Type", contentType)
		if r.status != status || !strings.Contains(r.Detail, want) || r.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %q: %d %s", contentType, body, r.status, r.body)
		}
	}
	const json, batch = "application/json", "application/cloudevents-batch+json"
	f(json, "", 400, "no event")
	f(json, " \n", 400, "no event")
	f("application/x-ndjson", "\n\n", 400, "no event")
	f(json, "["+a, 400, "no end")
	f(json, "["+a+"]]", 400, "more follows")
	f(json, "["+a+"]"+a, 400, "more follows")
	f(json, "["+a+"}", 400, "more follows")
	f(json, `["`, 400, "within a string")
	f(json, `["\"]`, 400, "within a string")
	f(batch, a, 400, "must be a list")
	f(batch, "", 400, "must be a list")
	f("", a, 415, "Content-Type")
	f("text/plain", a, 415, "text/plain")
	f("application/x-www-form-urlencoded", a, 415, "application/x-www-form-urlencoded")
	f("application/json; charset=latin1", a, 415, "latin1")
	f("application/cloudevents", a, 415, "application/cloudevents")
	if got := h.logged(); len(got) > 0 {
		t.Errorf("the log holds %q", got)
	}
}

// TestRefused posts events that are none: each is refused by itself, with its place in the body.
func TestRefused(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	h.open()
	now := time.Now()
	a := order("1", "c1", now)
	far := order("", "c1", now.Add(time.Hour))
	body := strings.Join([]string{
		"", a, `{"type":"x"}`, `  {"time":1}`, far, `[]`, `{"ä":"ö", "ä":1}`, a[:20], `{"type":"x","time":"noon"}`, "\xff", `{"type":"x","time":1} {}`,
	}, "\n")
	r := h.post(body, "Content-Type", "application/x-ndjson")
	if r.status != http.StatusMultiStatus || r.Accepted != 1 || r.Refused != 9 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	var got []string
	for _, e := range r.Events[1:] {
		got = append(got, fmt.Sprintf("%s %d:%d %d %s", e.Position, e.Line, e.Column, e.Offset, e.Reason))
	}
	want := []string{
		"http@1 3:1 0 missing-time", "http@2 4:3 0 missing-type", "http@3 5:1 0 in-future", "http@4 6:1 0 not-an-object", "http@5 7:11 12 duplicate-key",
		"http@6 8:21 20 not-json", "http@7 9:21 20 unparsable-time", "http@8 10:1 0 invalid-utf8", "http@9 11:23 22 not-json",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	h.until("in the list of refused events", func() bool { return len(h.rejected()) == 9 })
	if x := h.rejected()[2]; x != "http@3 in-future "+far {
		t.Error(x)
	}
	r = h.post(`{"type":"x"}`)
	if r.status != http.StatusUnprocessableEntity || r.header.Get("Content-Type") != "application/problem+json" || r.Type != "urn:kelpie:refused" ||
		len(r.Events) != 1 || r.Events[0].Position != "http@10" {
		t.Errorf("%d %s", r.status, r.body)
	}
	s := h.api.Stats()
	if s.Accepted != 1 || s.Refused != 10 {
		t.Errorf("%+v", s)
	}
	if err := h.close(); err != nil {
		t.Fatal(err)
	}
	h.start()
	h.ready()
	if r = h.post(`{"type":"y"}`); r.Events[0].Position != "http@11" {
		t.Errorf("after a restart: %s", r.body)
	}
}

// TestMinimal asks to hear of what was not accepted only.
func TestMinimal(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	h.open()
	a, b := order("1", "c1", time.Now()), order("2", "c1", time.Now())
	r := h.post("["+a+","+b+",{},"+a+"]", "Prefer", "respond-async, return = minimal")
	if r.status != http.StatusMultiStatus || r.Accepted != 2 || len(r.Events) != 2 || r.Events[0].Index != 2 || r.Events[1].Index != 3 ||
		r.header.Get("Preference-Applied") != "return=minimal" {
		t.Errorf("%d %v %s", r.status, r.header, r.body)
	}
}

// TestCloudEvents wants CloudEvents to be whole.
func TestCloudEvents(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	h.open()
	now := time.Now().Format(time.RFC3339)
	for _, x := range []string{
		`{"id":"1","source":"s","type":"t","time":"` + now + `"}`,
		`{"specversion":"0.3","id":"1","source":"s","type":"t","time":"` + now + `"}`,
		`{"specversion":1.0,"id":"1","source":"s","type":"t","time":"` + now + `"}`,
		`{"specversion":"1.0","source":"s","type":"t","time":"` + now + `"}`,
		`{"specversion":"1.0","id":"1","type":"t","time":"` + now + `"}`,
		`{"specversion":"1.0","id":"1","source":"","type":"t","time":"` + now + `"}`,
	} {
		if r := h.post(x, "Content-Type", "application/cloudevents+json"); r.Refused != 1 || r.Events[0].Reason != "not-a-cloudevent" {
			t.Errorf("%s: %s", x, r.body)
		}
		if r := h.post("["+x+"]", "Content-Type", "application/cloudevents-batch+json"); r.Refused != 1 || r.Events[0].Reason != "not-a-cloudevent" {
			t.Errorf("%s: %s", x, r.body)
		}
	}
}

// TestBinary posts CloudEvents whose attributes are headers.
func TestBinary(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	h.open()
	const when = "2026-01-05T10:00:00Z"
	n := 0
	f := func(payload, want string, header ...string) {
		t.Helper()
		n++
		all := append([]string{"ce-specversion", "1.0", "ce-id", fmt.Sprint(n), "ce-source", "/shop", "ce-type", "OrderCreated", "ce-time", when}, header...)
		r := h.post(payload, all...)
		if r.status != http.StatusOK {
			t.Errorf("%q: %d %s", payload, r.status, r.body)
			return
		}
		want = strings.Replace(want, "…", fmt.Sprintf(`"id":"%d","source":"/shop","specversion":"1.0","time":"%s","type":"OrderCreated",`, n, when), 1)
		if all := h.logged(); all[len(all)-1] != want {
			t.Errorf("%q: the log holds %s, want %s", payload, all[len(all)-1], want)
		}
	}
	f(`{"x":1}`, `{…"datacontenttype":"application/json","data":{"x":1}}`)
	f(" [1]\n", `{…"datacontenttype":"application/vnd.shop+json","data": [1]`+"\n"+`}`, "Content-Type", "application/vnd.shop+json")
	f(`"te\"xt"`, `{…"data":"te\"xt"}`, "Content-Type", "")
	f("two\nlines", `{…"datacontenttype":"text/plain","data":"two\nlines"}`, "Content-Type", "text/plain")
	f("\xff\x00", `{…"datacontenttype":"text/plain","data_base64":"/wA="}`, "Content-Type", "text/plain")
	f("<x/>", `{…"datacontenttype":"application/xml","data_base64":"PHgvPg=="}`, "Content-Type", "application/xml")
	f("", `{…"datacontenttype":"application/json","data":null}`)
	f(`1`, `{"comment":"Preis: 5€ \"netto\"",…"datacontenttype":"application/json","data":1}`, "ce-comment", `"Preis:%205%e2%82%ac%20\"netto\""`)
	f(`1`, `{"comment":"50%",…"datacontenttype":"application/json","data":1}`, "ce-comment", `50%`)
	for _, payload := range []string{`{"x":1},"id":"other"`, `1}`, `{`} {
		if r := h.post(payload, "ce-specversion", "1.0", "ce-id", "x", "ce-source", "/shop", "ce-type", "OrderCreated", "ce-time", when); r.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", payload, r.status, r.body)
		}
	}
	if r := h.post("1", "ce-specversion", "0.3", "ce-id", "y", "ce-source", "/shop", "ce-type", "OrderCreated", "ce-time", when); r.status != http.StatusUnprocessableEntity {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := h.post("1", "ce-specversion", "1.0", "ce-id", "1", "ce-source", "/shop", "ce-type", "OrderCreated", "ce-time", when); r.Duplicates != 1 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func gzipped(t *testing.T, s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zstded(t *testing.T, s string, o ...zstd.EOption) string {
	z, err := zstd.NewWriter(nil, o...)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	return string(z.EncodeAll([]byte(s), nil))
}

// TestPacked posts what is compressed, and what becomes too large, is damaged, or is compressed in another way.
func TestPacked(t *testing.T) {
	h := newHouse(t, vfs.NewMem())
	h.spec.Dedupe, h.spec.MaxBody, h.spec.Memory = 0, 1<<20, 8<<20
	h.open()
	a := order("1", "c1", time.Now())
	lines := strings.Repeat(a+"\n", 2000)
	bomb := strings.Repeat(a+"\n", 20*len(a)<<10/len(a))
	f := func(encoding, body string, status, accepted int) {
		t.Helper()
		r := h.post(body, "Content-Type", "application/x-ndjson", "Content-Encoding", encoding)
		if r.status != status || r.Accepted != accepted {
			t.Errorf("%s, %d bytes: %d %.300s", encoding, len(body), r.status, r.body)
		}
	}
	f("identity", lines, 200, 2000)
	f("gzip", gzipped(t, lines), 200, 2000)
	f("GZIP", gzipped(t, lines), 200, 2000)
	f("gzip", gzipped(t, lines)+gzipped(t, a), 200, 2001)
	f("zstd", zstded(t, lines), 200, 2000)
	f("zstd", zstded(t, lines)+zstded(t, a), 200, 2001)
	f("gzip", gzipped(t, bomb), 413, 0)
	f("zstd", zstded(t, bomb), 413, 0)
	f("zstd", zstded(t, strings.Repeat("x", 40<<20), zstd.WithWindowSize(32<<20)), 400, 0)
	f("gzip", gzipped(t, lines)[:200], 400, 0)
	f("zstd", zstded(t, lines)[:100], 400, 0)
	f("gzip", lines, 400, 0)
	f("zstd", lines, 400, 0)
	f("br", lines, 415, 0)
	f("gzip, zstd", lines, 415, 0)
	f("identity", strings.Repeat("x", 1<<20+1), 413, 0)
	f("gzip", "", 400, 0)
	f("gzip", gzipped(t, lines), 200, 2000) // what is used again is whole
	f("zstd", zstded(t, lines), 200, 2000)
	h.until("given back", func() bool { return h.api.Stats().Memory == 0 })
	if n := len(h.logged()); n != 8*2000+2 {
		t.Errorf("%d events are in the log", n)
	}
}
