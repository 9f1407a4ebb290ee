package server

import (
	"bytes"
	"mime"
	"net/http"
	"strings"
)

// form is how events stand in a body.
type form uint8

const (
	jsonForm    form = iota // one object, or a list of them
	linesForm               // NDJSON: one object a line
	objectForm              // one object
	listForm                // a list of objects
	payloadForm             // anything: the payload of an event whose attributes are headers
)

// mediaTypes are the values of Content-Type that are taken.
var mediaTypes = map[string]form{
	"application/json":                   jsonForm,
	"application/x-ndjson":               linesForm,
	"application/ndjson":                 linesForm,
	"application/jsonl":                  linesForm,
	"application/x-jsonlines":            linesForm,
	"application/cloudevents+json":       objectForm,
	"application/cloudevents-batch+json": listForm,
}

// formOf says how events stand in the body of a request.
func formOf(r *http.Request) (form, *Problem) {
	given := r.Header.Get("Content-Type")
	if f, ok := mediaTypes[given]; ok && (f != jsonForm || !isBinary(r.Header)) {
		return f, nil
	}
	name, params, err := mime.ParseMediaType(given)
	if charset := params["charset"]; err == nil && charset != "" && !strings.EqualFold(charset, "utf-8") {
		return 0, unsupported("events are UTF-8, not %s", charset)
	}
	f, ok := mediaTypes[name]
	switch {
	case isBinary(r.Header) && (!ok || f == jsonForm) && !strings.HasPrefix(name, "application/cloudevents"):
		return payloadForm, nil
	case ok:
		return f, nil
	case given == "":
		return 0, unsupported("there is no Content-Type: write application/json, application/x-ndjson or application/cloudevents+json")
	}
	return 0, unsupported("%q is not known: write application/json for an object or a list, application/x-ndjson for lines, "+
		"application/cloudevents+json or application/cloudevents-batch+json", given)
}

func unsupported(format string, args ...any) *Problem {
	return problem(http.StatusUnsupportedMediaType, "media-type", "Unknown Content-Type", format, args...).
		with("Accept-Post", "application/json, application/x-ndjson, application/cloudevents+json, application/cloudevents-batch+json")
}

// item is where one event stands in a body.
type item struct{ start, end int }

const space = " \t\r\n"

// split finds the events of a body, or says that the body as a whole cannot be read. That an event is one is for the
// decoder to say.
func split(f form, b []byte, items []item) ([]item, *Problem) {
	switch f {
	case linesForm:
		items = splitLines(b, items)
	case listForm:
		return splitList(b, items)
	default:
		start := len(b) - len(bytes.TrimLeft(b, space))
		end := len(bytes.TrimRight(b, space))
		if f == jsonForm && start < end && b[start] == '[' {
			return splitList(b, items)
		}
		if start < end {
			items = append(items, item{start, end})
		}
	}
	if len(items) == 0 {
		return nil, malformed("there is no event in the body")
	}
	return items, nil
}

// splitLines finds the lines that are not blank.
func splitLines(b []byte, items []item) []item {
	for start := 0; start < len(b); {
		end := bytes.IndexByte(b[start:], '\n')
		next := start + end + 1
		if end < 0 {
			next = len(b)
		}
		if it := trim(b, start, next); it.start < it.end {
			items = append(items, it)
		}
		start = next
	}
	return items
}

// trim returns [start, end) without white space around it.
func trim(b []byte, start, end int) item {
	for start < end && isSpace(b[start]) {
		start++
	}
	for start < end && isSpace(b[end-1]) {
		end--
	}
	return item{start, end}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// splitList finds the elements of a list. What stands between two commas is an element, whatever it is.
func splitList(b []byte, items []item) ([]item, *Problem) {
	all := trim(b, 0, len(b))
	if all.start == all.end || b[all.start] != '[' {
		return nil, malformed("the body must be a list of events: [{…}, {…}]")
	}
	depth, begin := 0, all.start+1
	for p := all.start; p < all.end; p++ {
		switch b[p] {
		case '"':
			if p = closingQuote(b[:all.end], p+1); p < 0 {
				return nil, malformed("the list ends within a string")
			}
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth > 0 {
				continue
			}
			if b[p] != ']' || p+1 < all.end {
				return nil, malformed("the list ends at byte %d, and more follows", p)
			}
			if it := trim(b, begin, p); len(items) > 0 || it.start < it.end {
				items = append(items, it)
			}
			return items, nil
		case ',':
			if depth == 1 {
				items = append(items, trim(b, begin, p))
				begin = p + 1
			}
		}
	}
	return nil, malformed("the list has no end")
}

// closingQuote returns where a string ends whose text begins at p; -1 if it does not.
func closingQuote(b []byte, p int) int {
	for p < len(b) {
		i := bytes.IndexByte(b[p:], '"')
		if i < 0 {
			return -1
		}
		p += i
		slashes := 0
		for b[p-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return p
		}
		p++
	}
	return -1
}

func malformed(format string, args ...any) *Problem {
	return problem(http.StatusBadRequest, "malformed", "The body cannot be read", format, args...)
}
