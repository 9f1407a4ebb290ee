package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/zeebo/xxh3"

	"kelpie/journal"
	"kelpie/source"
	"kelpie/source/kafka/kafkatest"
	"kelpie/traffic"
)

// withoutKafka reports whether there is no real Kafka to test with, and says how to have one.
func withoutKafka(t *testing.T) bool {
	if os.Getenv(kafkatest.Jars) != "" {
		return false
	}
	t.Logf("there is no Kafka here: %s=$(.ci/kafka) brings one", kafkatest.Jars)
	return true
}

// broker is the real Kafka that is shared by tests which do it no harm; each has topics of its own.
var broker struct {
	sync.Once
	c   *kafkatest.Cluster
	err error
	dir string
}

func sharedKafka(t *testing.T) *kafkatest.Cluster {
	t.Helper()
	broker.Do(func() {
		if broker.dir, broker.err = os.MkdirTemp("", "kafka"); broker.err == nil {
			broker.c, broker.err = kafkatest.New(broker.dir, kafkatest.Options{})
		}
	})
	if broker.err != nil {
		t.Fatal(broker.err)
	}
	return broker.c
}

// withBroker ends the broker when the tests have run.
type withBroker struct{ *testing.M }

// Run implements testscript.TestingM.
func (m withBroker) Run() int {
	code := m.M.Run()
	if broker.c != nil {
		broker.c.Close()
	}
	if broker.dir != "" {
		if err := os.RemoveAll(broker.dir); err != nil {
			fmt.Println(err)
			code = max(code, 1)
		}
	}
	return code
}

// proof is a service that reads topics of a real Kafka, and all that was written to them. Once it has read everything, what
// it found is compared with what it would have found in a file of the same events.
type proof struct {
	*killed
	admin  *kafkatest.Admin
	topics []string
	each   int                           // partitions of a topic
	apart  int                           // one in so many of them has events
	before [][]byte                      // what counts of topics that were deleted
	parts  map[source.Partition][][]byte // what counts, the index is the offset; nil is no event
	noted  map[source.Partition]int64    // how far our log says that partitions were read
	logAt  int64                         // where noted is read on
	url    string                        // of metrics and health
	time   string                        // how time is configured
}

// proofSpec says what is special about a proof.
type proofSpec struct {
	order  string   // default time
	topics int      // default 2
	each   int      // default 4
	apart  int      // default 1
	topic  []string // settings of topics
	events traffic.Config
	rules  map[string]string // files; default killRules
	of     *proof            // whose topics and events are read, in place of new ones
	source []string          // more settings of the source
	idle   string            // default 10m: no producer is silent, though the machine may be slow
	more   string            // more lines of the configuration
}

// newProof makes topics, and a folder for a service that reads them.
func newProof(t *testing.T, c *kafkatest.Cluster, s proofSpec) *proof {
	t.Helper()
	if s.events == (traffic.Config{}) {
		s.events = killTraffic
		s.events.Events = 6000
	}
	p := &proof{
		killed: newMortal(t, orElse(s.order, "time"), s.events), admin: c.Admin(t), each: orElse(s.each, 4), apart: orElse(s.apart, 1),
		parts: map[source.Partition][][]byte{}, noted: map[source.Partition]int64{},
	}
	if s.of != nil {
		p.topics, p.parts, p.fed = s.of.topics, s.of.parts, s.of.fed
	}
	for i := len(p.topics); i < orElse(s.topics, 2); i++ {
		p.topics = append(p.topics, fmt.Sprintf("%s.%s.%d", strings.NewReplacer("/", ".", "=", "", ",", "-").Replace(t.Name()), filepath.Base(p.dir), i))
		p.admin.Create(p.topics[i], p.each, s.topic...)
	}
	if s.rules == nil {
		s.rules = map[string]string{"rules.yml": killRules}
	}
	if err := os.Mkdir(filepath.Join(p.dir, "rules"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range s.rules {
		p.write(filepath.Join("rules", name), text)
	}
	address := freeAddress(t)
	p.url = "http://" + address
	p.time = fmt.Sprintf("{order: %s, idle: %s}", p.order, orElse(s.idle, "10m"))
	p.write("kelpie.yml", fmt.Sprintf("rules: rules\ntime: %s\nsources: [{name: topics, kafka: {brokers: [%s], topics: [%s], %s}}]\n"+
		"alerts: {file: alerts.jsonl, stdout: \"off\"}\nmetrics: {listen: %q}\nhttp: {listen: \"off\"}\n%s", p.time,
		strings.Join(c.Plain(), ", "), strings.Join(p.topics, ", "),
		strings.Join(append([]string{"timeout: 2s"}, s.source...), ", "), address, s.more))
	return p
}

func orElse[T comparable](v, standard T) T {
	var zero T
	if v == zero {
		return standard
	}
	return v
}

// next returns the next n events, each at its place: which follows from its bytes, so that it is the same whenever it is
// written.
func (p *proof) next(n int) map[source.Partition][][]byte {
	all := map[source.Partition][][]byte{}
	for ; n > 0 && p.fed < len(p.lines); n-- {
		line := bytes.TrimSpace(p.lines[p.fed])
		p.fed++
		h := xxh3.Hash(line)
		at := source.Partition{Stream: p.topics[h%uint64(len(p.topics))], ID: int32(h/64%uint64(p.each/p.apart)) * int32(p.apart)}
		all[at] = append(all[at], line)
	}
	return all
}

// produce writes the next n events.
func (p *proof) produce(n int) {
	p.t.Helper()
	for n > 0 && p.fed < len(p.lines) {
		some := min(n, 10_000)
		n -= some
		for at, lines := range p.next(some) {
			for piece := range slices.Chunk(lines, 1000) {
				p.put(at, piece...)
			}
		}
	}
}

// put writes events to a partition.
func (p *proof) put(at source.Partition, lines ...[]byte) {
	p.t.Helper()
	p.count(at, p.admin.Write(at.Stream, int(at.ID), kafkatest.Batch{Records: recordsOfLines(lines)}), lines...)
}

// recordsOfLines are written now: those with an old timestamp are removed by retention at once.
func recordsOfLines(lines [][]byte) (all []kafkatest.Record) {
	now := time.Now().UnixMilli()
	for _, line := range lines {
		all = append(all, kafkatest.Record{Value: line, Time: now})
	}
	return all
}

// count notes that events stand in a partition from an offset on, and are to be folded.
func (p *proof) count(at source.Partition, base int64, lines ...[]byte) {
	all := p.parts[at]
	for int64(len(all)) < base {
		all = append(all, nil) // a marker, or what was aborted
	}
	p.parts[at] = append(all, lines...)
}

// runAndKill lets the service read while n events are written, and kills it at some moment.
func (p *proof) runAndKill(i, n int) {
	c := p.start()
	before := p.logged()
	p.produce(n / 2)
	if i%4 > 0 {
		p.await("reading", func() bool { return p.logged() != before })
	}
	p.produce(n - n/2)
	p.kill(c)
}

// runToEnd lets the service read everything, and end.
func (p *proof) runToEnd() {
	p.t.Helper()
	p.said.Reset()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	c := exec.CommandContext(ctx, filepath.Join(p.dir, "kelpie"), append([]string{"run", "--until-end"}, p.args...)...)
	c.Dir, c.Stderr = p.dir, &p.said
	if err := c.Run(); err != nil {
		p.t.Fatalf("the last run: %v\n%s", err, p.said.String())
	}
}

// awaitRead waits until our log says that everything has been read.
func (p *proof) awaitRead() {
	p.t.Helper()
	p.await("reading everything", func() bool {
		p.readNotes()
		for at, lines := range p.parts {
			if p.noted[at] < int64(len(lines)) {
				return false
			}
		}
		return true
	})
}

// readNotes reads on in the log of the service.
func (p *proof) readNotes() {
	log, err := journal.Open(filepath.Join(p.dir, "data", "log"), journal.Options{ReadOnly: true})
	if err != nil {
		return // there is none yet
	}
	defer log.Close()
	r := log.NewReader(p.logAt)
	defer r.Close()
	for {
		b := &journal.Block{}
		if err := r.Next(context.Background(), b); err != nil {
			if !errors.Is(err, io.EOF) {
				p.t.Fatal(err)
			}
			return
		}
		for i := range b.Lines {
			p.readNote(b.Record(i))
		}
		p.logAt = r.Offset()
	}
}

func (p *proof) readNote(r journal.Record) {
	switch r.Kind {
	case journal.PartitionsAssigned:
		var x struct{ Assigned []source.Partition }
		p.parse(&r, &x)
		for _, at := range x.Assigned {
			p.noted[at] = max(p.noted[at], 0)
		}
	case journal.RecordsRead:
		var x source.Run
		p.parse(&r, &x)
		p.noted[x.Partition] = x.To
	}
}

// get asks the service's health and metrics; the code is 0 if it does not listen.
func (p *proof) get(path string) (code int, body string) {
	r, err := http.Get(p.url + path)
	if err != nil {
		return 0, ""
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return 0, ""
	}
	return r.StatusCode, string(text)
}

// metric returns the sum of the series that begin so.
func (p *proof) metric(prefix string) (sum float64) {
	_, body := p.get("/metrics")
	for line := range strings.Lines(body) {
		if i := strings.LastIndexByte(line, ' '); strings.HasPrefix(line, prefix) && i > 0 {
			n, err := strconv.ParseFloat(strings.TrimSpace(line[i:]), 64)
			if err != nil {
				p.t.Fatalf("%v: %s", err, line)
			}
			sum += n
		}
	}
	return sum
}

// awaitReady waits until the service says that it is ready, or, with words, that it is not, because of that.
func (p *proof) awaitReady(words ...string) {
	p.t.Helper()
	want := http.StatusOK
	if len(words) > 0 {
		want = http.StatusServiceUnavailable
	}
	p.await(fmt.Sprintf("%d %q", want, words), func() bool {
		code, body := p.get("/readyz")
		return code == want && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(body, w) })
	})
}

// kelpie runs a command in the folder of the service, and returns what it prints.
func (p *proof) kelpie(config string, args ...string) string {
	p.t.Helper()
	var out, errOut bytes.Buffer
	if code := run(p.t.Context(), append(args, "-c", filepath.Join(p.dir, config)), nil, &out, &errOut); code != 0 {
		p.t.Fatalf("%v: %d %s%s", args, code, out.String(), errOut.String())
	}
	return out.String()
}

// warnings returns how many lines above info the service has logged, and all that it said.
func (p *proof) warnings() (n int, all string) {
	all = p.said.String()
	return strings.Count(all, "level=WARN") + strings.Count(all, "level=ERROR"), all
}
