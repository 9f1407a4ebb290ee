package kafka_test

import (
	"bytes"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kelpie/source/kafka"
	"kelpie/source/kafka/kafkatest"
)

// logLines is what a Reader logs.
type logLines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logLines) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Count(l.b.Bytes(), []byte("\n"))
}

// TestFailover writes and reads while leaders are killed, come back, and hang. What comes is what a Reader finds that
// comes later, each record once and in order.
func TestFailover(t *testing.T) {
	if os.Getenv(kafkatest.Jars) == "" {
		return
	}
	c := kafkatest.Start(t, kafkatest.Options{Nodes: 3})
	a := c.Admin(t)
	const partitions = 6
	a.Create("moved", partitions)
	s := spec(c, "moved")
	s.Timeout = time.Second
	var log logLines
	x := readLogging(t, s, nil, slog.New(slog.NewTextHandler(&log, nil)))
	producer, err := kafka.OpenProducer(kafka.Target{Connection: s.Connection, Topic: "moved"}, kafka.ProducerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer producer.Close()
	n := 0
	more := func(rounds int) {
		for range rounds {
			for p := range partitions {
				a.Write("moved", p, kafkatest.Batch{Records: records(n, 20)})
				n += 20
			}
			send(t, producer, 20)
			n += 20
		}
		total := func() (got int) {
			for _, all := range x.got {
				got += len(all)
			}
			return got
		}
		x.until(func() bool { return total() >= n })
	}
	more(3)
	c.Kill(1)
	more(3)
	if err := c.Restart(1); err != nil {
		t.Fatal(err)
	}
	more(3)
	if err := c.Hang(2); err != nil {
		t.Fatal(err)
	}
	more(3)
	if err := c.Wake(2); err != nil {
		t.Fatal(err)
	}
	more(3)
	y := read(t, spec(c, "moved"), nil)
	for p := range partitions {
		at := kafka.Partition{Topic: "moved", ID: int32(p)}
		y.until(func() bool { return len(y.got[at]) >= len(x.got[at]) })
		x.until(func() bool { return len(x.got[at]) >= len(y.got[at]) })
		if !slices.Equal(x.got[at], y.got[at]) {
			t.Errorf("%s: %d records came, and then %d", at, len(x.got[at]), len(y.got[at]))
		}
	}
	if len(x.gaps) > 0 {
		t.Errorf("gaps: %q", x.gaps)
	}
	if lines := log.count(); lines > 12 {
		t.Errorf("%d lines were logged:\n%s", lines, log.b.String())
	}
	if text := log.b.String(); !strings.Contains(text, "nobody listens there") || !strings.Contains(text, "says nothing") || !strings.Contains(text, "well again") {
		t.Errorf("the log does not say what was wrong:\n%s", text)
	}
	if s := x.r.Status(); !s.Ready {
		t.Errorf("at the end: %+v", s.Problems)
	}
}
