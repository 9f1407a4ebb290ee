package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestRunTranscripts runs the transcripts of `kelpie run`. They have commands for a service in the background:
//
//	expand FILE...       puts $PORT, a port that nobody has, into files
//	until FILE PATTERN   waits until the file matches
//	get URL PATTERN      asks until the answer matches
//	post URL FILE PATTERN [TOKEN]   posts a file, as lines if it is .jsonl, until the answer matches
//	signal NAME DIR      sends HUP, TERM or INT to the process that has the data folder
//	broken FILE          writes a file that begins as gzip does
//	receiver FILE        serves webhooks at $RECEIVER, as FILE says (run_receiver_test.go)
func TestRunTranscripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/run", UpdateScripts: *update, RequireUniqueNames: true, Setup: takePort,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"expand": expand, "until": until, "get": get, "post": postFile, "signal": signalOwner, "broken": broken, "receiver": receiver},
	})
}

func takePort(env *testscript.Env) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	env.Setenv("PORT", fmt.Sprint(l.Addr().(*net.TCPAddr).Port))
	return l.Close()
}

func expand(ts *testscript.TestScript, _ bool, files []string) {
	for _, f := range files {
		text := strings.NewReplacer("$PORT", ts.Getenv("PORT"), "$RECEIVER", ts.Getenv("RECEIVER")).Replace(ts.ReadFile(f))
		ts.Check(os.WriteFile(ts.MkAbs(f), []byte(text), 0o600))
	}
}

func until(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: until FILE PATTERN")
	}
	awaitMatch(ts, args[1], func() string {
		b, _ := os.ReadFile(ts.MkAbs(args[0])) // it may not be there yet
		return string(b)
	})
}

func get(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: get URL PATTERN")
	}
	awaitMatch(ts, args[1], func() string {
		r, err := http.Get(args[0])
		if err != nil {
			return err.Error()
		}
		defer r.Body.Close()
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return err.Error()
		}
		return r.Status + "\n" + string(b)
	})
}

func postFile(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 3 && len(args) != 4 {
		ts.Fatalf("usage: post URL FILE PATTERN [TOKEN]")
	}
	body, kind := ts.ReadFile(args[1]), "application/json"
	if filepath.Ext(args[1]) == ".jsonl" {
		kind = "application/x-ndjson"
	}
	awaitMatch(ts, args[2], func() string {
		r, err := http.NewRequest(http.MethodPost, args[0], strings.NewReader(body))
		ts.Check(err)
		r.Header.Set("Content-Type", kind)
		if len(args) == 4 {
			r.Header.Set("Authorization", "Bearer "+args[3])
		}
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			return err.Error()
		}
		defer a.Body.Close()
		b, err := io.ReadAll(a.Body)
		if err != nil {
			return err.Error()
		}
		return a.Status + "\n" + string(b)
	})
}

func signalOwner(ts *testscript.TestScript, _ bool, args []string) {
	signals := map[string]os.Signal{"HUP": syscall.SIGHUP, "TERM": syscall.SIGTERM, "INT": os.Interrupt}
	pid, err := strconv.Atoi(ts.ReadFile(filepath.Join(args[1], "state", "OWNER")))
	ts.Check(err)
	p, err := os.FindProcess(pid)
	ts.Check(err)
	ts.Check(p.Signal(signals[args[0]]))
}

func broken(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte("\x1f\x8b and then no more"), 0o600))
}

// patience is how long something in another process is waited for before it is taken to hang: far longer than a slow
// machine needs.
const patience = 5 * time.Minute

func awaitMatch(ts *testscript.TestScript, pattern string, text func() string) {
	re, err := regexp.Compile("(?m)" + pattern)
	ts.Check(err)
	tick, over := time.NewTicker(10*time.Millisecond), time.After(patience)
	defer tick.Stop()
	last := ""
	for {
		if last = text(); re.MatchString(last) {
			return
		}
		select {
		case <-tick.C:
		case <-over:
			ts.Fatalf("no %s in %v:\n%s", pattern, patience, last)
		}
	}
}
