package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kelpie/event"
	"kelpie/journal"
	"kelpie/state"
)

// call runs kelpie and returns what it prints.
func call(t *testing.T, wantCode int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errOut bytes.Buffer
	if code := run(t.Context(), args, strings.NewReader(""), &out, &errOut); code != wantCode {
		t.Errorf("kelpie %s: exit code %d, want %d: %s", strings.Join(args, " "), code, wantCode, errOut.String())
	}
	return out.String(), errOut.String()
}

// dataWith makes a data folder whose log holds what fill appends, in small segments, appended at one moment.
func dataWith(t *testing.T, fill func(*journal.Log)) (dir string) {
	t.Helper()
	dir = t.TempDir()
	now := func() time.Time { return time.UnixMilli(1_767_607_200_000) }
	l, err := journal.Open(filepath.Join(dir, "log"), journal.Options{BlockSize: 500, SegmentSize: 2000, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	fill(l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// appendTo appends one record.
func appendTo(t *testing.T, l *journal.Log, kind journal.Kind, payload string) {
	t.Helper()
	if _, err := l.Append(t.Context(), kind, []byte(payload)); err != nil {
		t.Fatal(err)
	}
}

// TestEveryRecordIsOneLine lists what is no event, or no event as it should be: each is one line of JSON that has its bytes.
func TestEveryRecordIsOneLine(t *testing.T) {
	dir := dataWith(t, func(l *journal.Log) {
		appendTo(t, l, journal.Event, "{\"type\":\"A\",\n \"time\":1767607200,\"x\":\"a b\"}\n")
		appendTo(t, l, journal.Event, `{"type":"A"}`)
		appendTo(t, l, journal.Event, "\xff\x00")
		appendTo(t, l, journal.Cut, `{"type":"A","time":`)
		appendTo(t, l, journal.TimeAdvanced, `{"watermark":1}`)
		appendTo(t, l, journal.RulesLoaded, "\xfe")
		appendTo(t, l, journal.Event, `{"type":7,"time":"2026-01-05T10:00:00.5+01:00","id":true,"k":1.0}`)
	})
	const all = `{"position":"log@0","appended":"2026-01-05T10:00:00.000Z","type":"A","time":"2026-01-05T10:00:00.000Z","event":{"type":"A","time":1767607200,"x":"a b"}}
{"position":"log@1","appended":"2026-01-05T10:00:00.000Z","refused":"missing-time","detail":"no time","raw":"{\"type\":\"A\"}"}
{"position":"log@2","appended":"2026-01-05T10:00:00.000Z","refused":"invalid-utf8","detail":DETAIL,"raw_base64":"/wA="}
{"position":"log@3","appended":"2026-01-05T10:00:00.000Z","refused":"too-long","detail":"only the beginning was kept","raw":"{\"type\":\"A\",\"time\":"}
{"position":"log@4","appended":"2026-01-05T10:00:00.000Z","kind":"TimeAdvanced","payload":{"watermark":1}}
{"position":"log@5","appended":"2026-01-05T10:00:00.000Z","kind":"RulesLoaded","raw_base64":"/g=="}
{"position":"log@6","appended":"2026-01-05T10:00:00.000Z","type":"7","time":"2026-01-05T09:00:00.500Z","id":"true","event":{"type":7,"time":"2026-01-05T10:00:00.5+01:00","id":true,"k":1.0}}
`
	f := func(want string, args ...string) {
		t.Helper()
		got, _ := call(t, exitDone, append([]string{"events", "list", "--data", dir}, args...)...)
		for line := range strings.Lines(got) {
			if args[0] == "--own" && !json.Valid([]byte(line)) {
				t.Errorf("this is no JSON: %s", line)
			}
			var x struct{ Refused, Detail string }
			if json.Unmarshal([]byte(line), &x) == nil && x.Refused == "invalid-utf8" {
				detail, _ := json.Marshal(x.Detail)
				want = strings.Replace(want, "DETAIL", string(detail), 1)
			}
		}
		if got != want {
			t.Errorf("kelpie events list %s prints\n%s, want\n%s", strings.Join(args, " "), got, want)
		}
	}
	lines := strings.SplitAfter(all, "\n")
	f(all, "--own")
	f(lines[4]+lines[5]+lines[6], "--last", "3", "--own")
	f(lines[3]+lines[6], "--last", "2")
	f(lines[0], "--type", "A")
	f(lines[6], "--key", "k=1")
	f(lines[6], "--type", "7", "--type", "8")
	f("{\"type\":\"A\",\"time\":1767607200,\"x\":\"a b\"}\n{\"type\":\"A\"}\n", "--raw", "--limit", "2")
	f("log@0         2026-01-05T10:00:00.000Z  A                     {\"type\":\"A\",\"time\":1767607200,\"x\":\"a b\"}\n"+
		"log@1         refused                   missing-time          {\"type\":\"A\"}\n"+
		"log@2         refused                   invalid-utf8          \uFFFD\uFFFD\n", "--text", "--limit", "3")
}

// TestDamageIsNamed damages a block in the middle of a log: the listing goes on behind it and says what is missing,
// verify names it, and the answer of both is no.
func TestDamageIsNamed(t *testing.T) {
	const records = 60
	dir := dataWith(t, func(l *journal.Log) {
		for i := range records {
			appendTo(t, l, journal.Event, fmt.Sprintf(`{"type":"A","time":1767607200,"n":%d,"pad":"%s"}`, i, strings.Repeat("x", i)))
		}
	})
	files, err := filepath.Glob(filepath.Join(dir, "log", "*.log"))
	if err != nil || len(files) < 4 {
		t.Fatalf("segments: %v, %v", files, err)
	}
	content, err := os.ReadFile(files[1])
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	if err := os.WriteFile(files[1], content, 0o600); err != nil {
		t.Fatal(err)
	}
	name := filepath.Base(files[1])

	out, _ := call(t, exitNo, "log", "verify", "--data", dir)
	if !strings.HasPrefix(out, "segment "+name+" is damaged at byte ") || !strings.HasSuffix(out, "\nDAMAGED in 1 place\n") {
		t.Errorf("verify says\n%s", out)
	}
	out, _ = call(t, exitNo, "log", "verify", "--data", dir, "--json")
	var r verifyReport
	if err := json.Unmarshal([]byte(out), &r); err != nil || r.OK || len(r.Damage) != 1 || r.Damage[0].Segment != name || r.Damage[0].Next == nil {
		t.Fatalf("verify --json says %v\n%s", err, out)
	}
	lost := *r.Damage[0].Next - r.Damage[0].First
	for _, last := range []string{"0", "59"} {
		out, warned := call(t, exitNo, "events", "list", "--data", dir, "--last", last)
		want := records - int(lost)
		if last != "0" {
			want = min(want, 59)
		}
		if n := strings.Count(out, "\n"); n != want || lost < 1 {
			t.Errorf("--last %s lists %d records, want %d, %d are lost", last, n, want, lost)
		}
		if !strings.HasPrefix(warned, "kelpie: journal: segment "+name+" is damaged at byte ") {
			t.Errorf("the listing warns %q", warned)
		}
	}
	if out, _ := call(t, exitDone, "events", "list", "--data", dir, "--last", "3"); strings.Count(out, "\n") != 3 {
		t.Errorf("the last three are behind the damage, and the listing is\n%s", out)
	}
}

func TestRejectedAreListed(t *testing.T) {
	dir := t.TempDir()
	s, err := state.Open(filepath.Join(dir, "state"), state.Options{Rejected: state.RejectBounds{Events: 3}})
	if err != nil {
		t.Fatal(err)
	}
	b := s.NewBatch()
	for i, x := range []struct {
		reason event.Reason
		raw    string
	}{{event.NotJSON, "gone"}, {event.NotJSON, "{\"a\":"}, {event.InvalidUTF8, "{\"a\":\"\xff\"}"}, {event.NotJSON, "\x1b[2J"}} {
		at := event.Position{Stream: "log", Kind: event.LogPosition, Offset: int64(i)}
		b.Reject(state.Rejected{Position: at, Reason: x.reason, Offset: i, Detail: "it is wrong", Raw: []byte(x.raw)})
	}
	if err := errors.Join(s.Commit(b, true), b.Close()); err != nil {
		t.Fatal(err)
	}
	defer s.Close() // the state is looked at while somebody has it open
	f := func(want string, args ...string) {
		t.Helper()
		got, warned := call(t, exitDone, append([]string{"events", "rejected", "--data", dir}, args...)...)
		if got != want {
			t.Errorf("kelpie events rejected %s prints\n%s, want\n%s", strings.Join(args, " "), got, want)
		}
		if !strings.HasPrefix(warned, "kelpie: 4 events were refused, the last 3 of them are kept") {
			t.Errorf("it warns %q", warned)
		}
	}
	const first = `{"position":"log@1","reason":"not-json","offset":1,"detail":"it is wrong","raw":"{\"a\":"}` + "\n"
	const second = `{"position":"log@2","reason":"invalid-utf8","offset":2,"detail":"it is wrong","raw_base64":"eyJhIjoi/yJ9"}` + "\n"
	const third = `{"position":"log@3","reason":"not-json","offset":3,"detail":"it is wrong","raw":"\u001b[2J"}` + "\n"
	f(first + second + third)
	f(first, "--limit", "1")
	f(second+third, "--last", "2")
	f(first+third, "--reason", "not-json")
	f("log@3         not-json          byte 3       it is wrong: \uFFFD[2J\n", "--text", "--last", "1")
}

// TestListingEndsWhenAsked lists nothing more after an interrupt.
func TestListingEndsWhenAsked(t *testing.T) {
	dir := dataWith(t, func(l *journal.Log) { appendTo(t, l, journal.Event, `{"type":"A","time":1}`) })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, errOut bytes.Buffer
	if code := run(ctx, []string{"events", "list", "--data", dir}, nil, &out, &errOut); code != exitInterrupted || out.Len() > 0 {
		t.Errorf("exit code %d, %q, %q", code, out.String(), errOut.String())
	}
}
