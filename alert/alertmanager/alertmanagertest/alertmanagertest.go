// Package alertmanagertest is Prometheus' Alertmanager on this machine: an imitation of its API v2 as far as alerts go, and
// the real one where there is a binary. Both are asked the same.
package alertmanagertest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"kelpie/alert/alerttest"
)

// Alert is one that is firing.
type Alert struct {
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL"`
}

// Binary is the variable that names the real Alertmanager. Where it is set, the real one must run.
const Binary = "KELPIE_ALERTMANAGER"

// Firing asks an Alertmanager, the real one or ours, which alerts are firing, sorted by their rule and key.
func Firing(t *testing.T, address string) (all []Alert) {
	t.Helper()
	answer, err := http.Get(address + "/api/v2/alerts")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&all); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v", answer.Status, err)
	}
	name := func(a Alert) string { return a.Labels["alertname"] + "/" + a.Labels["key"] }
	slices.SortFunc(all, func(a, b Alert) int { return strings.Compare(name(a), name(b)) })
	return all
}

// Start runs a real Alertmanager until the test ends and returns its address.
func Start(t *testing.T, binary string) string {
	dir := t.TempDir()
	settings := filepath.Join(dir, "alertmanager.yml")
	if err := os.WriteFile(settings, []byte("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := exec.Command(binary, "--config.file="+settings, "--storage.path="+filepath.Join(dir, "data"),
		"--web.listen-address=127.0.0.1:0", "--cluster.listen-address=", "--log.format=json")
	out, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatalf("%s=%s: %v", Binary, binary, err)
	}
	t.Cleanup(func() {
		if err := c.Process.Kill(); err != nil {
			t.Error(err)
		}
		_ = c.Wait() // it was killed
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var line struct{ Msg, Address string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "Listening on" {
			go io.Copy(io.Discard, out) // ends with the process
			return "http://" + line.Address
		}
	}
	t.Fatalf("Alertmanager ended without listening: %v", lines.Err())
	return ""
}

// Server is our Alertmanager.
type Server struct {
	*alerttest.Web
	mu     sync.Mutex
	alerts map[string]Alert
	taken  []string
	header http.Header
}

// New starts ours.
func New(t *testing.T) *Server {
	s := &Server{alerts: map[string]Alert{}}
	s.Web = alerttest.NewWeb(t, false, s.take, fail)
	return s
}

// Taken returns the bodies that were accepted.
func (s *Server) Taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.taken)
}

// Header returns that of the newest request that was accepted.
func (s *Server) Header() http.Header {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.header
}

func fail(w http.ResponseWriter, _ *http.Request, a alerttest.Answer) {
	switch a {
	case alerttest.Busy:
		w.Header().Set("Retry-After", "3")
		w.WriteHeader(http.StatusServiceUnavailable)
	case alerttest.Broken:
		w.WriteHeader(http.StatusInternalServerError)
	case alerttest.Refuse:
		w.WriteHeader(http.StatusBadRequest)
		w.Write([]byte(`"invalid label set"`))
	}
}

func (s *Server) take(w http.ResponseWriter, r *http.Request, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.URL.Path != "/api/v2/alerts" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if r.Method == http.MethodGet {
		firing := []Alert{}
		for _, a := range s.alerts {
			if a.EndsAt.After(time.Now()) {
				firing = append(firing, a)
			}
		}
		json.NewEncoder(w).Encode(firing)
		return
	}
	var all []Alert
	err := json.Unmarshal(body, &all)
	for _, a := range all {
		if err == nil {
			err = a.check()
		}
	}
	if err != nil || r.Header.Get("Content-Type") != "application/json" {
		w.WriteHeader(http.StatusBadRequest)
		json.NewEncoder(w).Encode(fmt.Sprint(err))
		return
	}
	for _, a := range all {
		s.alerts[fmt.Sprint(a.Labels)] = a
	}
	s.taken, s.header = append(s.taken, string(body)), r.Header
}

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// Check says why Alertmanager would refuse an alert; nil if it would not.
func Check(raw []byte) error {
	var a Alert
	if err := json.Unmarshal(raw, &a); err != nil {
		return err
	}
	return a.check()
}

// check says what Alertmanager would refuse.
func (a Alert) check() error {
	if len(a.Labels) == 0 {
		return fmt.Errorf("at least one label pair required")
	}
	for name, value := range a.Labels {
		if !labelName.MatchString(name) || !utf8.ValidString(value) {
			return fmt.Errorf("invalid label %q: %q", name, value)
		}
	}
	for name, value := range a.Annotations {
		if !labelName.MatchString(name) || !utf8.ValidString(value) {
			return fmt.Errorf("invalid annotation %q: %q", name, value)
		}
	}
	if a.StartsAt.IsZero() || a.EndsAt.Before(a.StartsAt) {
		return fmt.Errorf("start time must be before end time: %s, %s", a.StartsAt, a.EndsAt)
	}
	if _, err := url.ParseRequestURI(a.GeneratorURL); a.GeneratorURL != "" && err != nil {
		return err
	}
	return nil
}
