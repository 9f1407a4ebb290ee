package server

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"kelpie/event"
)

// writeResults answers what became of the events of a body: 200 when all are in the log, by this request or an earlier one,
// 207 when some were refused, 422 when all were.
func writeResults(w http.ResponseWriter, r *http.Request, results []result) {
	n := [refused + 1]int{}
	for i := range results {
		n[results[i].status]++
	}
	status, kind := http.StatusOK, plainJSON
	b := make([]byte, 0, 128+64*len(results))
	b = append(b, '{')
	switch {
	case n[refused] == len(results) && n[refused] > 0:
		status, kind = http.StatusUnprocessableEntity, []string{"application/problem+json"}
		p := problem(status, "refused", "Every event was refused", "none would be accepted if it were sent again")
		head, _ := json.Marshal(p) // cannot fail
		b = append(bytes.TrimSuffix(head, []byte("}")), ',')
	case n[refused] > 0:
		status = http.StatusMultiStatus
	}
	b = append(b, `"accepted":`...)
	b = strconv.AppendInt(b, int64(n[accepted]), 10)
	b = append(b, `,"duplicates":`...)
	b = strconv.AppendInt(b, int64(n[duplicate]), 10)
	b = append(b, `,"refused":`...)
	b = strconv.AppendInt(b, int64(n[refused]), 10)
	minimal := prefersMinimal(r)
	if minimal {
		w.Header().Set("Preference-Applied", "return=minimal")
	}
	b = append(appendEvents(append(b, `,"events":[`...), results, minimal), "]}\n"...)
	w.Header()["Content-Type"] = kind
	if len(b) > 2048 { // net/http counts what is shorter
		w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	}
	w.WriteHeader(status)
	_, _ = w.Write(b)
}

// prefersMinimal reports whether the caller wants to hear of events that were not accepted only (RFC 7240).
func prefersMinimal(r *http.Request) bool {
	for _, v := range r.Header["Prefer"] {
		for p := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.ReplaceAll(strings.TrimSpace(p), " ", ""), "return=minimal") {
				return true
			}
		}
	}
	return false
}

// appendEvents appends what became of each event, in order; minimal leaves out those that were accepted.
func appendEvents(b []byte, results []result, minimal bool) []byte {
	first := true
	for i := range results {
		r := &results[i]
		if minimal && r.status == accepted {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		switch r.status {
		case accepted:
			b = append(b, `{"status":"accepted","position":"log@`...)
		case duplicate:
			b = append(b, `{"status":"duplicate","position":"log@`...)
		default:
			b = append(b, `{"status":"refused","position":"`+Input+`@`...)
		}
		b = append(strconv.AppendInt(b, r.at, 10), '"')
		if r.status != accepted {
			b = strconv.AppendInt(append(b, `,"index":`...), int64(i), 10)
		}
		if r.status == refused {
			b = r.no.append(b)
		}
		b = append(b, '}')
	}
	return b
}

// append appends where and why an event was refused.
func (no *refusal) append(b []byte) []byte {
	b = strconv.AppendInt(append(b, `,"line":`...), int64(no.line), 10)
	b = strconv.AppendInt(append(b, `,"column":`...), int64(no.column), 10)
	b = strconv.AppendInt(append(b, `,"offset":`...), int64(no.Offset), 10)
	b = event.AppendJSON(append(b, `,"reason":`...), event.StringValue(string(no.Reason)))
	return event.AppendJSON(append(b, `,"detail":`...), event.StringValue(no.Detail))
}
