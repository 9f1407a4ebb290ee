package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Problem is an answer that says why not: RFC 9457 problem details.
type Problem struct {
	Type   string `json:"type"` // urn:kelpie:NAME
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`

	retry   time.Duration // says when it may be tried again; 0: it is not said
	closing bool          // the connection ends with the answer
	headers [][2]string
}

// problem makes one. name is the last part of its type, and does not change with the words.
func problem(status int, name, title, format string, args ...any) *Problem {
	return &Problem{Type: "urn:kelpie:" + name, Title: title, Status: status, Detail: fmt.Sprintf(format, args...)}
}

// after says when it may be tried again.
func (p *Problem) after(d time.Duration) *Problem {
	p.retry = d
	return p
}

// hangUp ends the connection with the answer.
func (p *Problem) hangUp() *Problem {
	p.closing = true
	return p
}

func (p *Problem) with(header, value string) *Problem {
	p.headers = append(p.headers, [2]string{header, value})
	return p
}

// Error makes a Problem an error.
func (p *Problem) Error() string { return p.Title + ": " + p.Detail }

// header writes what a problem says beside its body.
func (p *Problem) header(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	if p.retry > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((p.retry+time.Second-1)/time.Second), 10))
	}
	if p.closing {
		h.Set("Connection", "close")
	}
	for _, x := range p.headers {
		h.Set(x[0], x[1])
	}
}

func (p *Problem) write(w http.ResponseWriter) {
	p.header(w)
	w.WriteHeader(p.Status)
	b, _ := json.Marshal(p) // cannot fail
	_, _ = w.Write(append(b, '\n'))
}

// writeJSON answers with a value as JSON, in which <, > and & stay as they are.
func writeJSON(w http.ResponseWriter, status int, v any) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		problem(http.StatusInternalServerError, "internal", "Internal error", "the answer cannot be written as JSON").write(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}
