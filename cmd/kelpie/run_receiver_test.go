package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// receiver serves webhooks for a transcript, at the address $RECEIVER: each is answered with the status that stands in FILE
// then, and FILE.STATUS gets a line with the kind and the id of the notification.
func receiver(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: receiver FILE")
	}
	file := ts.MkAbs(args[0])
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var x struct{ Data struct{ Kind string } }
		text, err := os.ReadFile(file)
		status, wrong := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil || wrong != nil || json.NewDecoder(r.Body).Decode(&x) != nil {
			status = http.StatusInternalServerError
		}
		seen, err := os.OpenFile(fmt.Sprintf("%s.%d", file, status), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err == nil {
			fmt.Fprintln(seen, x.Data.Kind, r.Header.Get("webhook-id"))
			err = seen.Close()
		}
		if err != nil {
			status = http.StatusInternalServerError
		}
		w.WriteHeader(status)
	}))
	ts.Defer(s.Close)
	ts.Setenv("RECEIVER", s.URL)
}
