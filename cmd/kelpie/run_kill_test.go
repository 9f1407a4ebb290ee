package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"kelpie/alert"
	"kelpie/engine"
	"kelpie/event"
	"kelpie/journal"
	"kelpie/rules"
	"kelpie/state"
	"kelpie/traffic"
)

// kills is how often the process is killed.
const kills = 20

const killRules = `
tables:
  credit:
    key: customer_id
    on:
      CreditLimitChanged: {limit: limit}
      OrderCreated:       {outstanding: += amount}
      OrderPaid:          {outstanding: -= amount}

rules:
  over-limit:
    event: OrderCreated
    by: customer_id
    when: credit.outstanding > credit.limit
  burst:
    event: OrderCreated
    by: customer_id
    let: {orders: count over 5m, spend: sum(amount) over 5m}
    when: orders > 2
    alert: "{{customer_id}} placed {{orders}} orders worth {{spend}}"
  busy-minute:
    event: OrderCreated
    by: region
    let: {n: count each 1m}
    when: n > 30
  visit:
    event: HttpRequest
    by: service
    let: {requests: count over session 2s}
    when: requests > 5
`

// TestKilled streams a file into a service that is killed twenty times at random moments under load, in either order of
// folding. In the end the log is the file, line for line; the alerts are those of a clean fold; and each has been
// delivered at least once, under its id.
func TestKilled(t *testing.T) {
	for _, order := range []string{"arrival", "time"} {
		t.Run(order, func(t *testing.T) {
			k := newKilled(t, order)
			for i := range kills {
				k.runAndKill(i)
			}
			k.runToEnd()
			k.compare()
		})
	}
}

// killed is a service that dies often.
type killed struct {
	t     *testing.T
	order string
	dir   string
	rand  *rand.Rand
	lines [][]byte
	file  *os.File // the growing input
	fed   int      // lines written to it
	args  []string // of kelpie run
	said  spoken
}

// spoken is what a process says while it runs.
type spoken struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (s *spoken) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *spoken) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// Reset forgets what was said.
func (s *spoken) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.text.Reset()
}

// killTraffic are the events that are read by services that die.
var killTraffic = traffic.Config{Seed: 9, Events: 20_000, Rate: 20, Customers: 200, Disorder: traffic.Disorder{Share: 0.1}}

func newKilled(t *testing.T, order string) *killed {
	k := newMortal(t, order, killTraffic)
	k.write("rules.yml", killRules)
	k.write("kelpie.yml", fmt.Sprintf("rules: rules.yml\ntime: {order: %s}\nsources: [{files: in.jsonl, follow: true}]\n"+
		"alerts: {file: alerts.jsonl, stdout: \"off\"}\nmetrics: {listen: \"off\"}\nhttp: {listen: \"off\"}\n", order))
	var err error
	if k.file, err = os.Create(filepath.Join(k.dir, "in.jsonl")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.file.Close() })
	return k
}

// newMortal makes the folder of a service, without a configuration, and the events for it.
func newMortal(t *testing.T, order string, events traffic.Config) *killed {
	k := &killed{t: t, order: order, dir: t.TempDir(), rand: rand.New(rand.NewPCG(1, uint64(len(order))))}
	g, err := traffic.New(events)
	if err != nil {
		t.Fatal(err)
	}
	for {
		line, ok := g.Next(nil)
		if !ok {
			break
		}
		k.lines = append(k.lines, line)
	}
	self, err := os.Executable()
	if err == nil {
		err = os.Symlink(self, filepath.Join(k.dir, "kelpie"))
	}
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (k *killed) write(name, text string) {
	if err := os.WriteFile(filepath.Join(k.dir, name), []byte(text), 0o600); err != nil {
		k.t.Fatal(err)
	}
}

// feed writes the next n lines, in pieces that do not end with lines.
func (k *killed) feed(n int) {
	text := bytes.Join(k.lines[k.fed:min(k.fed+n, len(k.lines))], nil)
	k.fed = min(k.fed+n, len(k.lines))
	for len(text) > 0 {
		piece := min(1+k.rand.IntN(20_000), len(text))
		if _, err := k.file.Write(text[:piece]); err != nil {
			k.t.Fatal(err)
		}
		text = text[piece:]
	}
}

// start starts the service: this test's own binary under the name of kelpie, see TestMain.
func (k *killed) start() *exec.Cmd {
	k.said.Reset()
	c := exec.Command(filepath.Join(k.dir, "kelpie"), append([]string{"run"}, k.args...)...)
	c.Dir, c.Stderr = k.dir, &k.said
	if err := c.Start(); err != nil {
		k.t.Fatal(err)
	}
	return c
}

// runAndKill starts the service, lets the file grow, and kills it at some moment: while it starts, recovers, reads, or
// has nothing to do.
func (k *killed) runAndKill(i int) {
	c := k.start()
	before := k.logged()
	n := 100 + k.rand.IntN(1400)
	k.feed(n / 2)
	if i%4 > 0 {
		k.await("reading", func() bool { return k.logged() != before }) // a torn tail is cut first
	}
	k.feed(n - n/2)
	k.kill(c)
}

// kill kills the service in some moment.
func (k *killed) kill(c *exec.Cmd) {
	<-time.After(time.Duration(k.rand.IntN(60)) * time.Millisecond)
	if err := c.Process.Kill(); err != nil {
		k.t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := c.Wait(); !errors.As(err, &exit) || exit.Exited() {
		k.t.Fatalf("the service ended by itself: %v\n%s", err, k.said.String())
	}
}

// stop stops the service as an orderly system does.
func (k *killed) stop(c *exec.Cmd) {
	if err := c.Process.Signal(os.Interrupt); err != nil {
		k.t.Fatal(err)
	}
	if err := c.Wait(); err != nil {
		k.t.Fatalf("the stop: %v\n%s", err, k.said.String())
	}
}

// logged returns how many bytes of the log are on the disk.
func (k *killed) logged() (bytes int64) {
	names, err := filepath.Glob(filepath.Join(k.dir, "data", "log", "*.log"))
	if err != nil {
		k.t.Fatal(err)
	}
	for _, name := range names {
		if info, err := os.Stat(name); err == nil {
			bytes += info.Size()
		}
	}
	return bytes
}

// await waits until something is so.
func (k *killed) await(what string, is func() bool) {
	tick, over := time.NewTicker(2*time.Millisecond), time.After(patience)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-over:
			k.t.Fatalf("%s takes more than %v:\n%s", what, patience, k.said.String())
		}
	}
}

// runToEnd lets the service read the rest, and stops it.
func (k *killed) runToEnd() {
	c := k.start()
	k.feed(len(k.lines))
	k.await("reading to the end", func() bool {
		log, err := journal.Open(filepath.Join(k.dir, "data", "log"), journal.Options{ReadOnly: true})
		if err != nil {
			return false // the service is at work on it
		}
		defer log.Close()
		return log.NextOffset() >= int64(len(k.lines))
	})
	k.stop(c)
}

// compare holds log, state and deliveries against the file and a clean fold of the log.
func (k *killed) compare() {
	records := k.records()
	var lines [][]byte
	for i := range records {
		if records[i].Kind == journal.Event {
			lines = append(lines, append(slices.Clone(records[i].Payload), '\n'))
		}
	}
	if !slices.EqualFunc(lines, k.lines, bytes.Equal) {
		k.t.Fatalf("the log holds %d lines, and not the %d of the file", len(lines), len(k.lines))
	}
	k.agree(k.fold(records))
	k.verify()
}

// verify has every alert derived again from the log by the command.
func (k *killed) verify() {
	var out, errOut bytes.Buffer
	code := run(context.Background(), []string{"alerts", "verify", "--all", "-c", filepath.Join(k.dir, "kelpie.yml")}, nil, &out, &errOut)
	lines := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n"))
	n := len(lines) - 1
	if want := fmt.Sprintf("%d alerts: %d equal", n, n); code != exitDone || n < 100 || string(lines[n]) != want {
		k.t.Errorf("exit code %d, %s, want %s\n%s", code, lines[n], want, errOut.String())
	}
}

// agree holds state and deliveries against the alerts of a clean fold, and returns those of the state.
func (k *killed) agree(want map[string]string) (got map[string]string) {
	got = k.alerts()
	if len(want) < 100 {
		k.t.Errorf("%d alerts: too few to say anything", len(want))
	}
	messages := map[string]string{}
	for id, a := range want {
		if got[id] != a {
			k.t.Errorf("alert %s is\n%s\nwant\n%s", id, got[id], a)
		}
		messages[id+"/opened"] = id
		if !bytes.Contains([]byte(a), []byte(" firing")) {
			messages[id+"/resolved"] = id
		}
	}
	if len(got) != len(want) {
		k.t.Errorf("%d alerts, want %d", len(got), len(want))
	}
	k.delivered(messages)
	return got
}

// records returns the log.
func (k *killed) records() (all []journal.Record) {
	log, err := journal.Open(filepath.Join(k.dir, "data", "log"), journal.Options{ReadOnly: true})
	if err != nil {
		k.t.Fatal(err)
	}
	defer log.Close()
	r := log.NewReader(0)
	defer r.Close()
	for {
		b := &journal.Block{}
		err := r.Next(context.Background(), b)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			k.t.Fatal(err)
		}
		for i := range b.Lines {
			all = append(all, b.Record(i))
		}
	}
}

// fold folds the log in memory, record by record, and returns what it finds, each alert as a line.
func (k *killed) fold(records []journal.Record) map[string]string {
	set, err := rules.LoadBytes("rules.yml", []byte(killRules), rules.Options{})
	if err != nil {
		k.t.Fatal(err)
	}
	p, err := engine.NewPlan(set, event.Spec{}, engine.TimeSpec{ByTime: k.order == "time", Disorder: 2000}, engine.NewUnits())
	if err != nil {
		k.t.Fatal(err)
	}
	e := engine.New(p, engine.Options{})
	part := e.Partition(event.Position{Stream: "log", Kind: event.LogPosition})
	lives := map[string]string{}
	for i := range records {
		r := &records[i]
		fx := &engine.Effects{}
		switch r.Kind {
		case journal.Event:
			fx, err = e.Step(&engine.Batch{Partition: part, Buf: r.Payload, Lines: []engine.Line{{End: len(r.Payload), Offset: r.Offset}}})
		case journal.TimeAdvanced:
			var at struct{ Watermark int64 }
			if err = json.Unmarshal(r.Payload, &at); err == nil {
				fx, err = e.Tick(at.Watermark)
			}
		}
		if err != nil {
			k.t.Fatal(err)
		}
		for _, c := range fx.Changes {
			switch c.Kind {
			case engine.Opened:
				lives[c.ID] = fmt.Sprintf("%s %q opened %d by %s %v: %s", c.Rule.Name, c.Key, c.Opened, c.Position, c.Window, c.Message) + " firing"
			case engine.Resolved:
				lives[c.ID] = lives[c.ID][:len(lives[c.ID])-len(" firing")] + fmt.Sprintf(" resolved %d %s", c.At, c.Reason)
			}
		}
	}
	return lives
}

// alerts returns what the state holds, each alert as a line.
func (k *killed) alerts() map[string]string {
	store, err := state.Open(filepath.Join(k.dir, "data", "state"), state.Options{ReadOnly: true})
	if err != nil {
		k.t.Fatal(err)
	}
	defer store.Close()
	list, err := alert.List(store, alert.Query{})
	if err != nil {
		k.t.Fatal(err)
	}
	lives := map[string]string{}
	for _, a := range list {
		life := fmt.Sprintf("%s %q opened %d by %s %v: %s", a.Rule, a.Key, a.Opened, a.Opener.Position, a.Opener.Window, a.Message)
		if a.Open() {
			lives[a.ID] = life + " firing"
		} else {
			lives[a.ID] = life + fmt.Sprintf(" resolved %d %s", a.Resolved, a.Reason)
		}
	}
	return lives
}

// delivered checks that the file of alerts holds each message at least once, about its alert, and no other.
func (k *killed) delivered(want map[string]string) {
	f, err := os.Open(filepath.Join(k.dir, "alerts.jsonl"))
	if err != nil {
		k.t.Fatal(err)
	}
	defer f.Close()
	got := map[string]int{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var m struct {
			Key   string `json:"message_key"`
			Alert struct{ ID string }
		}
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			k.t.Fatalf("%v: %s", err, lines.Text())
		}
		if id, ok := want[m.Key]; !ok || id != m.Alert.ID {
			k.t.Errorf("delivered: %s", lines.Text())
		}
		got[m.Key]++
	}
	twice := 0
	for key := range want {
		if got[key] == 0 {
			k.t.Errorf("%s has not been delivered", key)
		}
		if got[key] > 1 {
			twice++
		}
	}
	k.t.Logf("%d messages, %d of them more than once", len(want), twice)
}
