package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"kelpie/source"
	"kelpie/source/kafka"
	"kelpie/source/kafka/kafkatest"
)

// kcat is the variable that names kcat, with which TestOutsidersWithKafka writes and reads along.
const kcat = "KELPIE_KCAT"

// proveRebalanced has another member of the group come and go while events flow. It reads nothing, so the service gets each
// partition back where it had left it.
func proveRebalanced(t *testing.T, c *kafkatest.Cluster) {
	p := newProof(t, c, proofSpec{source: []string{"group: sharers"}})
	s := p.start()
	p.produce(500)
	p.awaitRead()
	for range 3 {
		got := make(chan struct{}, 100)
		other, err := kafka.Open(kafka.Spec{Connection: kafka.Connection{Brokers: c.Plain()}, Topics: p.topics, Group: "sharers"}, kafka.Options{
			Assigned: func([]kafka.Partition) { got <- struct{}{} },
		})
		if err != nil {
			t.Fatal(err)
		}
		p.produce(500)
		<-got
		p.produce(500)
		if err := other.Close(); err != nil {
			t.Fatal(err)
		}
		p.produce(500)
		p.awaitRead()
	}
	p.produce(len(p.lines))
	p.awaitRead()
	p.stop(s)
	if n := strings.Count(p.said.String(), "kafka: partitions are read"); n < 6 {
		t.Errorf("partitions were given to the service %d times: it was not disturbed\n%s", n, p.said.String())
	}
	p.agree(p.refold(p.records()))
}

// TestOutsidersWithKafka has programs that share no code with ours write what the service reads, and read along: what kcat
// reads is what was folded, and Kafka's own tool sees the group where the service is.
func TestOutsidersWithKafka(t *testing.T) {
	if withoutKafka(t) {
		return
	}
	if os.Getenv(kcat) == "" {
		t.Logf("there is no kcat here: %s=$(.ci/kcat) brings it", kcat)
		return
	}
	c := sharedKafka(t)
	p := newProof(t, c, proofSpec{source: []string{"group: outsiders"}})
	run := func(in []byte, args ...string) string {
		return outputOf(t, exec.CommandContext(t.Context(), os.Getenv(kcat), append([]string{"-b", c.Plain()[0], "-q"}, args...)...), in)
	}
	s := p.start()
	var rest []byte
	for at, lines := range p.next(len(p.lines)) {
		text := append(bytes.Join(lines, []byte("\n")), '\n')
		if at.Stream == p.topics[0] {
			run(text, "-P", "-z", "lz4", "-t", at.Stream, "-p", strconv.Itoa(int(at.ID)))
		} else if at.ID == 0 { // the others are empty: the tool chooses
			rest = text
		}
	}
	tool := func(in []byte, script string, args ...string) string {
		cmd, err := c.Tool(script, append([]string{"--bootstrap-server", c.Plain()[0]}, args...)...)
		if err != nil {
			t.Fatal(err)
		}
		return outputOf(t, cmd, in)
	}
	tool(rest, "kafka-console-producer.sh", "--topic", p.topics[1], "--compression-codec", "zstd")
	for _, topic := range p.topics {
		for line := range strings.Lines(run(nil, "-C", "-e", "-X", "isolation.level=read_committed", "-t", topic, "-f", `%p %o %s\n`)) {
			var id int32
			var offset int64
			if _, err := fmt.Sscan(line, &id, &offset); err != nil {
				t.Fatalf("%v: %q", err, line)
			}
			p.count(source.Partition{Stream: topic, ID: id}, offset, []byte(strings.TrimSpace(line[strings.IndexByte(line, '{'):])))
		}
	}
	p.awaitRead()
	p.stop(s)
	lag := tool(nil, "kafka-consumer-groups.sh", "--describe", "--offsets", "--group", "outsiders")
	for at, lines := range p.parts {
		if want := []string{"outsiders", at.Stream, fmt.Sprint(at.ID), fmt.Sprint(len(lines)), fmt.Sprint(len(lines)), "0"}; !hasRow(lag, want) {
			t.Errorf("no row %q in\n%s", want, lag)
		}
	}
	p.runToEnd()
	p.compare()
}

// outputOf runs a command, and returns what it prints.
func outputOf(t *testing.T, cmd *exec.Cmd, in []byte) string {
	t.Helper()
	var errOut bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &errOut
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v: %s", cmd.Args, err, errOut.String())
	}
	return string(out)
}

// hasRow reports whether a table has a row that begins so.
func hasRow(table string, want []string) bool {
	for line := range strings.Lines(table) {
		if strings.HasPrefix(strings.Join(strings.Fields(line), " ")+" ", strings.Join(want, " ")+" ") {
			return true
		}
	}
	return false
}
