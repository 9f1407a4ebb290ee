// Package kafkatest runs a real Apache Kafka for tests: one node or three, on loopback, with every way to log in, to be
// killed and started again. It needs Java and the folder of Kafka's jars, which .ci/kafka fetches.
package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

// Jars is the variable that names the folder of Kafka's jars. Where it is set, the real Kafka must run.
const Jars = "KELPIE_KAFKA"

// The user whom the listeners with SASL know. Over the plain listener everybody is a superuser.
const (
	User     = "kelpie"
	Password = "a-password-for-tests"
)

// Options say what a cluster is like.
type Options struct {
	Nodes  int               // 1 (default) or 3: then topics have three replicas, of which two must be in sync
	Config map[string]string // of the brokers, over what is written here
	Log    string            // file to which the nodes' output is appended; default one in the cluster's folder
}

// Cluster is a running Kafka.
type Cluster struct {
	dir   string
	nodes []*node
	tls   authority
}

// Start runs a cluster until the test ends.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	c, err := New(t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// New runs a cluster in an empty folder, which must outlive it. It returns when every node answers.
func New(dir string, o Options) (*Cluster, error) {
	if o.Nodes == 0 {
		o.Nodes = 1
	}
	c := &Cluster{dir: dir}
	var err error
	if c.tls, err = newAuthority(dir); err != nil {
		return nil, fmt.Errorf("kafkatest: %w", err)
	}
	for i := range o.Nodes {
		ports, err := freePorts(portsOfNode)
		if err != nil {
			return nil, fmt.Errorf("kafkatest: %w", err)
		}
		c.nodes = append(c.nodes, &node{id: i + 1, dir: filepath.Join(dir, "node"+strconv.Itoa(i+1)), ports: ports, log: o.Log})
	}
	for _, n := range c.nodes {
		if err := n.create(c, o.Config); err != nil {
			return nil, fmt.Errorf("kafkatest: %w", err)
		}
	}
	for _, n := range c.nodes {
		if err := n.start(); err != nil {
			c.Close()
			return nil, fmt.Errorf("kafkatest: %w", err)
		}
	}
	if err := c.await(); err != nil {
		c.Close()
		return nil, fmt.Errorf("kafkatest: %w", err)
	}
	return c, nil
}

// Close kills what runs.
func (c *Cluster) Close() {
	for _, n := range c.nodes {
		n.kill()
	}
}

// Kill ends a node (1, 2, 3) as kill -9 does. Its data stays.
func (c *Cluster) Kill(node int) { c.nodes[node-1].kill() }

// Hang stops a node without ending it: its connections stay and say nothing. Wake ends that.
func (c *Cluster) Hang(node int) error { return c.nodes[node-1].signal(false) }

// Wake lets a node go on that hangs.
func (c *Cluster) Wake(node int) error { return c.nodes[node-1].signal(true) }

// Restart starts a node that was killed, on its data and at its address, and waits until it answers.
func (c *Cluster) Restart(node int) error {
	if err := c.nodes[node-1].start(); err != nil {
		return fmt.Errorf("kafkatest: %w", err)
	}
	return c.await()
}

// CPU returns how long the nodes that run have been on a core so far; 0 where that is not known.
func (c *Cluster) CPU() (sum time.Duration) {
	for _, n := range c.nodes {
		if n.process != nil {
			sum += cpu(n.process.cmd.Process.Pid)
		}
	}
	return sum
}

// Plain, TLS, SASL and SASLPlain are addresses: without anything, with TLS, with TLS and SASL (PLAIN, SCRAM-SHA-256 or
// SCRAM-SHA-512), with SASL alone.
func (c *Cluster) Plain() []string     { return c.addresses(plain) }
func (c *Cluster) TLS() []string       { return c.addresses(tlsOnly) }
func (c *Cluster) SASL() []string      { return c.addresses(saslTLS) }
func (c *Cluster) SASLPlain() []string { return c.addresses(saslOnly) }

// CA is the file with the authority that signed the nodes' certificates; Cert and Key are those of a client.
func (c *Cluster) CA() string   { return c.tls.ca }
func (c *Cluster) Cert() string { return c.tls.clientCert }
func (c *Cluster) Key() string  { return c.tls.clientKey }

func (c *Cluster) addresses(listener int) (all []string) {
	for _, n := range c.nodes {
		all = append(all, n.address(listener))
	}
	return all
}

// patience is how long a cluster may take to answer.
const patience = 90 * time.Second

// await waits until every node that runs answers and knows of all others that run.
func (c *Cluster) await() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	running := 0
	for _, n := range c.nodes {
		if n.process != nil {
			running++
		}
	}
	for _, n := range c.nodes {
		if n.process == nil {
			continue
		}
		if err := n.await(ctx, running); err != nil {
			return err
		}
	}
	return nil
}

// await waits until the node sees so many brokers.
func (n *node) await(ctx context.Context, brokers int) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		seen, err := brokersAt(ctx, n.address(plain))
		if err == nil && seen >= brokers {
			return nil
		}
		select {
		case <-n.process.ended:
			return fmt.Errorf("node %d ended: %s", n.id, n.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("node %d sees %d of %d brokers (%w): %s", n.id, seen, brokers, errors.Join(err, ctx.Err()), n.lastWords())
		case <-tick.C:
		}
	}
}

// brokersAt asks a node how many brokers there are.
func brokersAt(ctx context.Context, address string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	c, err := (&kafkago.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return 0, err
	}
	all, err := c.Brokers()
	return len(all), err
}

// freePorts finds ports that nobody listens at.
func freePorts(n int) (ports []int, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // all at once, so that none is found twice
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// lastWords returns the end of a node's log.
func (n *node) lastWords() string {
	text, err := os.ReadFile(n.logFile())
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-15):], "\n")
}
