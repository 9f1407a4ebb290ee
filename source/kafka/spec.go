package kafka

import (
	"errors"
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"kelpie/event"
	"kelpie/secret"
)

// Connection says how brokers are reached.
type Connection struct {
	Brokers  []string      `yaml:"brokers"`   // host:port, one or more; they name the others
	ClientID string        `yaml:"client_id"` // by which the brokers' logs and quotas know us; default kelpie
	TLS      *TLS          `yaml:"tls"`       // nil: no encryption
	SASL     *SASL         `yaml:"sasl"`      // nil: nobody logs in
	Timeout  time.Duration `yaml:"timeout"`   // after which a broker that says nothing is given up; default 10s
}

// TLS says whom to believe, and who we are.
type TLS struct {
	CA         string `yaml:"ca"`          // PEM file of the authorities that may have signed; default those of the system
	Cert       string `yaml:"cert"`        // PEM file: our certificate, where brokers ask for one
	Key        string `yaml:"key"`         // PEM file
	ServerName string `yaml:"server_name"` // that certificates must have; default the host in a broker's address
}

// SASL says how to log in.
type SASL struct {
	Mechanism string       `yaml:"mechanism"` // plain, scram-sha-256 or scram-sha-512
	Username  string       `yaml:"username"`
	Password  secret.Value `yaml:"password"`
}

// The mechanisms of SASL.
const (
	mechanismPlain  = "plain"
	mechanismSHA256 = "scram-sha-256"
	mechanismSHA512 = "scram-sha-512"
)

// Spec is the part `kafka:` of a source.
type Spec struct {
	Connection    `yaml:",inline"`
	Topics        []string `yaml:"topics"`         // names, or patterns such as /orders-.*/ that the whole name must match
	Group         string   `yaml:"group"`          // consumer group; none: all partitions are ours, and no offsets are committed
	Start         Start    `yaml:"start"`          // where a topic begins that was never read: earliest (default), latest, or a time
	Isolation     string   `yaml:"isolation"`      // read_committed (default) or read_uncommitted
	PartitionedBy string   `yaml:"partitioned_by"` // path of the field by which producers choose partitions; default: it is not said
	MissingTime   string   `yaml:"missing_time"`   // refuse (default), or record: then the record's timestamp is the event's
	Fetch         Fetch    `yaml:"fetch"`
}

// The words of isolation and of missing times.
const (
	ReadCommitted   = "read_committed"
	ReadUncommitted = "read_uncommitted"
	MissingRefuse   = "refuse"
	MissingRecord   = "record"
)

// Fetch bounds what is asked for at once and what waits in memory.
type Fetch struct {
	Buffer    int64         `yaml:"buffer" unit:"bytes"`    // records that wait to be folded, all partitions together; default 64 MiB
	Partition int64         `yaml:"partition" unit:"bytes"` // of one partition at once, unpacked; default 4 MiB, less where there are many
	Batch     int64         `yaml:"batch" unit:"bytes"`     // that one compressed batch may become when it is unpacked; default 64 MiB
	Wait      time.Duration `yaml:"wait"`                   // how long a broker may wait for records to come; default 500ms
	Refresh   time.Duration `yaml:"refresh"`                // how often to look for new topics and partitions; default 30s
}

// DefaultSpec returns the settings that hold where nothing is said.
func DefaultSpec() Spec {
	return Spec{
		Connection: DefaultConnection(), Isolation: ReadCommitted, MissingTime: MissingRefuse,
		Fetch: Fetch{Buffer: 64 << 20, Partition: 4 << 20, Batch: 64 << 20, Wait: 500 * time.Millisecond, Refresh: 30 * time.Second},
	}
}

// DefaultConnection returns the settings that hold where nothing is said.
func DefaultConnection() Connection {
	return Connection{ClientID: "kelpie", Timeout: 10 * time.Second}
}

// WithDefaults returns the settings with defaults where nothing is said.
func (s Spec) WithDefaults() Spec {
	d := DefaultSpec()
	s.Connection = s.Connection.WithDefaults()
	or(&s.Isolation, d.Isolation)
	or(&s.MissingTime, d.MissingTime)
	or(&s.Fetch.Buffer, d.Fetch.Buffer)
	or(&s.Fetch.Partition, d.Fetch.Partition)
	or(&s.Fetch.Batch, d.Fetch.Batch)
	or(&s.Fetch.Wait, d.Fetch.Wait)
	or(&s.Fetch.Refresh, d.Fetch.Refresh)
	return s
}

// WithDefaults returns the settings with defaults where nothing is said.
func (c Connection) WithDefaults() Connection {
	d := DefaultConnection()
	or(&c.ClientID, d.ClientID)
	or(&c.Timeout, d.Timeout)
	return c
}

func or[T comparable](v *T, standard T) {
	var zero T
	if *v == zero {
		*v = standard
	}
}

// Paths returns where the settings name files, so that they can be made relative to another folder.
func (c *Connection) Paths() []*string {
	if c.TLS == nil {
		return nil
	}
	return []*string{&c.TLS.CA, &c.TLS.Cert, &c.TLS.Key}
}

// Validate says what is wrong, each as an error that begins with the setting's name. What is not set is fine.
func (c Connection) Validate() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if len(c.Brokers) == 0 {
		wrong("brokers: the address of a broker is needed, such as kafka-1:9092")
	}
	for i, b := range c.Brokers {
		host, port, err := net.SplitHostPort(b)
		if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || n == 0 || host == "" {
			wrong("brokers.%d: %q is no address: write host:port, such as kafka-1:9092", i, b)
		}
	}
	if c.Timeout < 0 || c.Timeout > 5*time.Minute {
		wrong("timeout: must be at most 5m")
	}
	return errors.Join(errs...)
}

// Validate says what is wrong, each as an error that begins with the setting's name.
func (t TLS) Validate() error {
	if (t.Cert == "") != (t.Key == "") {
		return errors.New("cert: cert and key are needed both")
	}
	return nil
}

// Validate says what is wrong, each as an error that begins with the setting's name.
func (s SASL) Validate() error {
	var errs []error
	if !slices.Contains([]string{mechanismPlain, mechanismSHA256, mechanismSHA512}, s.Mechanism) {
		errs = append(errs, errors.New("mechanism: must be plain, scram-sha-256 or scram-sha-512"))
	}
	if s.Username == "" || s.Password.IsZero() {
		errs = append(errs, errors.New("username: a username and a password are needed"))
	}
	return errors.Join(errs...)
}

// Validate says what is wrong, each as an error that begins with the setting's name.
func (s Spec) Validate() error {
	errs := []error{s.Connection.Validate(), s.Start.Validate(), s.Fetch.Validate()}
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if len(s.Topics) == 0 {
		wrong("topics: a name or a /pattern/ is needed")
	}
	seen := map[string]bool{}
	for i, t := range s.Topics {
		if _, err := newTopics([]string{t}); err != nil {
			wrong("topics.%d: %w", i, err)
		}
		if seen[t] {
			wrong("topics.%d: %s is named twice", i, t)
		}
		seen[t] = true
	}
	if _, err := event.ParsePath(s.PartitionedBy); s.PartitionedBy != "" && err != nil {
		wrong("partitioned_by: %w", err)
	}
	if s.Isolation != "" && s.Isolation != ReadCommitted && s.Isolation != ReadUncommitted {
		wrong("isolation: must be read_committed or read_uncommitted")
	}
	if s.MissingTime != "" && s.MissingTime != MissingRefuse && s.MissingTime != MissingRecord {
		wrong("missing_time: must be refuse or record")
	}
	return errors.Join(errs...)
}

// Validate says what is wrong, each as an error that begins with fetch.
func (f Fetch) Validate() error {
	var errs []error
	bounds := func(name string, v, low, high int64, text string) {
		if v != 0 && (v < low || v > high) {
			errs = append(errs, fmt.Errorf("fetch.%s: must be from %s", name, text))
		}
	}
	bounds("buffer", f.Buffer, 1<<20, 64<<30, "1MiB to 64GiB")
	bounds("partition", f.Partition, 16<<10, 256<<20, "16KiB to 256MiB")
	bounds("batch", f.Batch, 1<<20, 1<<30, "1MiB to 1GiB")
	bounds("wait", int64(f.Wait), int64(time.Millisecond), int64(30*time.Second), "1ms to 30s")
	bounds("refresh", int64(f.Refresh), int64(100*time.Millisecond), int64(time.Hour), "100ms to 1h")
	return errors.Join(errs...)
}

// topics is what a source reads: names and patterns.
type topics struct {
	names    []string
	patterns []*regexp.Regexp
}

var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

func newTopics(written []string) (t topics, err error) {
	for _, w := range written {
		if inner, is := strings.CutPrefix(w, "/"); is {
			inner, ends := strings.CutSuffix(inner, "/")
			if !ends || inner == "" {
				return t, fmt.Errorf("%q is no pattern: write it between slashes, such as /orders-.*/", w)
			}
			re, err := regexp.Compile("^(?:" + inner + ")$")
			if err != nil {
				return t, fmt.Errorf("the pattern %s: %w", w, err)
			}
			t.patterns = append(t.patterns, re)
			continue
		}
		if !topicName.MatchString(w) || w == "." || w == ".." {
			return t, fmt.Errorf("%q is no name of a topic: letters, digits, dots, - and _, at most 249; patterns stand between slashes", w)
		}
		t.names = append(t.names, w)
	}
	return t, nil
}

// Overlap returns a topic, or a pattern, that two lists of topics have in common, each as settings write it; "" if there is
// none, as far as can be told of patterns.
func Overlap(a, b []string) string {
	for _, lists := range [][2][]string{{a, b}, {b, a}} {
		named, err := newTopics(lists[1])
		if err != nil {
			continue // which is said elsewhere
		}
		for _, w := range lists[0] {
			if named.match(w) || slices.Contains(lists[1], w) {
				return w
			}
		}
	}
	return ""
}

// match reports whether a topic is read.
func (t topics) match(name string) bool {
	return slices.Contains(t.names, name) || slices.ContainsFunc(t.patterns, func(re *regexp.Regexp) bool { return re.MatchString(name) })
}
