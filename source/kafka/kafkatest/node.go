package kafkatest

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// The listeners of a node, each with a port of its own.
const (
	plain = iota
	tlsOnly
	saslTLS
	saslOnly
	controller
	portsOfNode
)

// clusterID is that of every cluster: 16 bytes.
const clusterID = "a2VscGllLWthZmthdGVzdA"

// node is one broker that is a controller too.
type node struct {
	id      int
	dir     string
	ports   []int
	log     string
	process *process // nil: none runs
}

// process is a Java that runs.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has
}

func (n *node) address(listener int) string { return "127.0.0.1:" + strconv.Itoa(n.ports[listener]) }

func (n *node) logFile() string {
	if n.log != "" {
		return n.log
	}
	return filepath.Join(n.dir, "log")
}

// create fills the node's folder: settings, and a formatted data folder.
func (n *node) create(c *Cluster, more map[string]string) error {
	data := filepath.Join(n.dir, "data")
	if err := os.MkdirAll(data, 0o755); err != nil {
		return err
	}
	settings := n.settings(c)
	maps.Copy(settings, more)
	var text strings.Builder
	for _, k := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&text, "%s=%s\n", k, settings[k])
	}
	if err := os.WriteFile(n.file(), []byte(text.String()), 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(n.dir, "log4j2.properties"), []byte(logging), 0o600); err != nil {
		return err
	}
	return n.format(data)
}

func (n *node) file() string { return filepath.Join(n.dir, "server.properties") }

// logging sends everything to standard output.
const logging = `
status = WARN
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{HH:mm:ss.SSS} %p %m (%c{1})%n%throwable{8}
rootLogger.level = INFO
rootLogger.appenderRef.out.ref = out
`

// format makes the data folder a node's own. What it holds at first (the versions of features, and the user's SCRAM
// credentials) is the same for every cluster: Kafka's tool writes it once and it is kept beside the jars.
func (n *node) format(data string) error {
	var id [16]byte
	if _, err := rand.Read(id[:]); err != nil {
		return err
	}
	id[0] &= 0x7f // an id that begins with a dash is refused
	meta := fmt.Sprintf("version=1\ncluster.id=%s\nnode.id=%d\ndirectory.id=%s\n", clusterID, n.id, base64.RawURLEncoding.EncodeToString(id[:]))
	kept := filepath.Join(os.Getenv(Jars), "kelpie-bootstrap.checkpoint")
	checkpoint, err := os.ReadFile(kept)
	if err == nil {
		if err := os.WriteFile(filepath.Join(data, "bootstrap.checkpoint"), checkpoint, 0o600); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(data, "meta.properties"), []byte(meta), 0o600)
	}
	scram := func(mechanism string) string { return mechanism + "=[name=" + User + ",password=" + Password + "]" }
	cmd := n.java("kafka.tools.StorageTool", "format", "--cluster-id", clusterID, "--config", n.file(),
		"--add-scram", scram("SCRAM-SHA-256"), "--add-scram", scram("SCRAM-SHA-512"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("format: %w: %s", err, out)
	}
	if checkpoint, err = os.ReadFile(filepath.Join(data, "bootstrap.checkpoint")); err != nil {
		return err
	}
	made := fmt.Sprintf("%s.%d", kept, os.Getpid()) // so that nobody reads half of it
	if err := os.WriteFile(made, checkpoint, 0o600); err != nil {
		return nil // a folder that is not ours to write to: the tool runs again
	}
	return os.Rename(made, kept)
}

// java returns a Java on Kafka's jars.
func (n *node) java(args ...string) *exec.Cmd {
	all := append([]string{
		"-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Xshare:auto", "-Xms128m", "-Xmx512m", "-Djava.awt.headless=true",
		"-Djava.io.tmpdir=" + n.dir, "-Dlog4j2.configurationFile=" + filepath.Join(n.dir, "log4j2.properties"),
		"-cp", filepath.Join(os.Getenv(Jars), "*"),
	}, args...)
	cmd := exec.Command("java", all...)
	cmd.Dir = n.dir
	return cmd
}

// start runs the broker. It ends with this process, whatever happens to it.
func (n *node) start() error {
	out, err := os.OpenFile(n.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	cmd := n.java("kafka.Kafka", n.file())
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = dieWithParent()
	p := &process{cmd: cmd, ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread() // Linux ends the child when the thread that made it ends
		defer close(p.ended)
		defer closeQuietly(out)
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // it is killed
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	n.process = p
	return nil
}

func closeQuietly(c io.Closer) { _ = c.Close() }

// kill ends the broker as it stands.
func (n *node) kill() {
	if n.process == nil {
		return
	}
	_ = n.process.cmd.Process.Kill() // it may have ended
	<-n.process.ended
	n.process = nil
}
