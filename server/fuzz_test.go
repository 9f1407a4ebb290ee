package server

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzSplit splits bodies in every form. What it finds lies in order and within the body; of a list that the standard
// library reads they are its elements, and of lines the lines.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{
		`{}`, `[]`, ` [ {"a":"]"} , {"b":"\\\""},[1,[2]] ] `, "{}\n\r\n {}\r\n", `[{},]`, `["\"`, `[[}]]`, `["\\"]`, `[1]]`, "\n", "[1\n,2]", `[,]`, `["\\\"]", 2]`,
	} {
		for form := range payloadForm {
			f.Add(uint8(form), []byte(s))
		}
	}
	f.Fuzz(func(t *testing.T, n uint8, b []byte) {
		form := form(n) % payloadForm
		items, p := split(form, b, nil)
		if p == nil && len(items) == 0 && !bytes.HasPrefix(bytes.TrimLeft(b, space), []byte("[")) {
			t.Fatalf("no event in %q, and no problem", b)
		}
		if p != nil {
			items = nil
		}
		end := 0
		for _, it := range items {
			if it.start < end || it.end < it.start || it.end > len(b) {
				t.Fatalf("an event from %d to %d behind %d in %d bytes", it.start, it.end, end, len(b))
			}
			end = it.end
		}
		if want, ok := plainSplit(form, b); ok {
			if p != nil || len(items) != len(want) {
				t.Fatalf("%q: %d events, %v; want %q", b, len(items), p, want)
			}
			for i, it := range items {
				if string(b[it.start:it.end]) != want[i] {
					t.Fatalf("%q: event %d is %q, want %q", b, i, b[it.start:it.end], want[i])
				}
			}
		}
	})
}

// plainSplit splits a body the obvious way; ok is false where that cannot be told.
func plainSplit(f form, b []byte) (all []string, ok bool) {
	if f == linesForm {
		for _, line := range bytes.Split(b, []byte("\n")) {
			if line := strings.Trim(string(line), space); line != "" {
				all = append(all, line)
			}
		}
		return all, len(all) > 0
	}
	var list []json.RawMessage
	if f == objectForm || json.Unmarshal(b, &list) != nil || list == nil {
		return nil, false
	}
	for _, x := range list {
		all = append(all, string(x))
	}
	return all, true
}

// FuzzPost posts anything with any headers. Each is answered, every event in it once; what was accepted is an event, and
// all memory is given back.
func FuzzPost(f *testing.F) {
	f.Add([]byte(anEvent), "application/json", "", "")
	f.Add([]byte("["+anEvent+","+anEvent+",{}]"), "application/json", "", "1")
	f.Add([]byte(anEvent+"\n"+anEvent+"\nx"), "application/x-ndjson", "", "")
	f.Add([]byte(`{"specversion":"1.0","id":"1","source":"s","type":"t","time":1}`), "application/cloudevents+json", "", "")
	f.Add([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 1, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0}, "application/json", "gzip", "")
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd, 4, 0, 0x11, 0, 0, '{', '}'}, "application/json", "zstd", "")
	f.Add([]byte("text"), "text/plain", "", "a%20b")
	f.Fuzz(func(t *testing.T, b []byte, kind, encoding, cloudID string) {
		posts, service := &shelf{}, &ready{}
		spec := DefaultSpec()
		spec.MaxBody, spec.Memory = 1<<16, 1<<20
		s, err := New(Options{Spec: spec, Service: service, Posts: posts})
		if err != nil {
			t.Fatal(err)
		}
		s.loaded.Store(true)
		r := httptest.NewRequest(http.MethodPost, "http://localhost/v1/events", bytes.NewReader(b))
		r.Header.Set("Content-Type", kind)
		if encoding != "" {
			r.Header.Set("Content-Encoding", encoding)
		}
		if cloudID != "" {
			for name, value := range map[string]string{"specversion": "1.0", "source": "s", "type": "t", "time": "2000-01-01T00:00:00Z", "id": cloudID} {
				r.Header.Set("Ce-"+name, value)
			}
		}
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, r)
		var a struct {
			Accepted, Duplicates, Refused int
			Events                        []struct{ Status string }
			Title                         string
		}
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
			t.Fatalf("%v: %q", err, w.Body)
		}
		switch w.Code {
		case 200, 207, 422:
			if len(a.Events) != a.Accepted+a.Duplicates+a.Refused || a.Refused != service.refused || int64(a.Accepted) != posts.next {
				t.Fatalf("%d, %d in the log, %d refused: %s", w.Code, posts.next, service.refused, w.Body)
			}
		case 400, 413, 415:
			if a.Title == "" || posts.next != 0 {
				t.Fatalf("%d: %s", w.Code, w.Body)
			}
		default:
			t.Fatalf("%d: %s", w.Code, w.Body)
		}
		if n := s.memory.taken.Load(); n != 0 {
			t.Fatalf("%d bytes are not given back", n)
		}
	})
}
