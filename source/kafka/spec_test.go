package kafka

import (
	"strings"
	"testing"
	"time"

	"kelpie/secret"
)

func TestSpec(t *testing.T) {
	good := func() Spec {
		return Spec{Connection: Connection{Brokers: []string{"kafka-1:9092", "[::1]:9092"}}, Topics: []string{"orders", `/audit\..*/`}, Group: "g"}
	}
	f := func(change func(s *Spec), want string) {
		t.Helper()
		s := good()
		change(&s)
		err := s.Validate()
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%v, want %q", err, want)
		}
		if err := s.WithDefaults().Validate(); want == "" && err != nil {
			t.Errorf("with defaults: %v", err)
		}
	}
	f(func(*Spec) {}, "")
	f(func(s *Spec) { *s = DefaultSpec(); s.Brokers, s.Topics = []string{"b:1"}, []string{"t"} }, "")
	f(func(s *Spec) { s.Brokers = nil }, "brokers: the address of a broker is needed")
	for _, b := range []string{"kafka", ":9092", "kafka:0", "kafka:http", "kafka:70000", "kafka://k:9092"} {
		f(func(s *Spec) { s.Brokers[1] = b }, "brokers.1: ")
	}
	f(func(s *Spec) { s.Topics = nil }, "topics: a name or a /pattern/ is needed")
	for _, topic := range []string{"", "a b", "..", "/open", "//", "/(/", strings.Repeat("x", 250)} {
		f(func(s *Spec) { s.Topics[1] = topic }, "topics.1: ")
	}
	f(func(s *Spec) { s.Topics[1] = "orders" }, "topics.1: orders is named twice")
	f(func(s *Spec) { s.Isolation = "serializable" }, "isolation: ")
	f(func(s *Spec) { s.MissingTime = "now" }, "missing_time: ")
	f(func(s *Spec) { s.Timeout = time.Hour }, "timeout: ")
	f(func(s *Spec) { s.Fetch.Buffer = 5 }, "fetch.buffer: must be from 1MiB to 64GiB")
	f(func(s *Spec) { s.Fetch.Wait = time.Hour }, "fetch.wait: ")
	f(func(s *Spec) { s.Fetch.Refresh = time.Nanosecond }, "fetch.refresh: ")
	sasl := SASL{Mechanism: "plain", Username: "u", Password: secret.New("p")}
	if err := sasl.Validate(); err != nil {
		t.Error(err)
	}
	for _, wrong := range []SASL{{}, {Mechanism: "gssapi", Username: "u", Password: sasl.Password}, {Mechanism: "plain", Username: "u"}} {
		if wrong.Validate() == nil {
			t.Errorf("%v is taken", wrong)
		}
	}
	if (TLS{Cert: "c"}).Validate() == nil || (TLS{CA: "c"}).Validate() != nil {
		t.Error("tls")
	}
	target := Target{Connection: good().Connection, Topic: "alerts", Compression: "zstd"}
	if err := target.Validate(); err != nil {
		t.Error(err)
	}
	if (Target{Connection: target.Connection, Topic: "/x/"}).Validate() == nil || (Target{Connection: target.Connection, Topic: "x", Compression: "rar"}).Validate() == nil {
		t.Error("target")
	}
}

func TestTopics(t *testing.T) {
	all, err := newTopics([]string{"orders", "/audit-.*|log/"})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"orders": true, "orders2": false, "audit-x": true, "my-audit-x": false, "log": true, "logs": false} {
		if all.match(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

func TestStart(t *testing.T) {
	for text, want := range map[string]int64{"earliest": timestampEarliest, "latest": timestampLatest, "2026-01-05T10:00:00.5+01:00": 1767603600500} {
		var s Start
		if err := s.UnmarshalText([]byte(text)); err != nil || s.timestamp() != want || s.Validate() != nil {
			t.Errorf("%s: %d, %v", text, s.timestamp(), err)
		}
		if out, err := s.MarshalText(); err != nil || string(out) != text {
			t.Errorf("%s is written %s", text, out)
		}
	}
	for _, text := range []string{"", "now", "2026-01-05", "12"} {
		if new(Start).UnmarshalText([]byte(text)) == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestMark(t *testing.T) {
	for _, m := range []Mark{{}, {Known: true, Epoch: -1, Last: -1}, {Known: true, Offset: 1 << 40, TopicID: TopicID{1, 2}, Epoch: 3, Last: 1<<40 - 1, Sum: 1 << 63}} {
		b := m.Append(nil)
		got, err := ParseMark(b)
		if err != nil || got != m {
			t.Errorf("%v became %v, %v", m, got, err)
		}
		for i := 1; i < len(b); i++ {
			if _, err := ParseMark(b[:i]); err == nil {
				t.Errorf("%d bytes of it are taken", i)
			}
		}
	}
	if _, err := ParseMark(append([]byte{9}, make([]byte, markSize-1)...)); err == nil || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("a newer format: %v", err)
	}
}

func TestGapText(t *testing.T) {
	p := Partition{"orders", 3}
	for want, g := range map[string]Gap{
		"50 records of orders/3 were removed before they were read, 100 to 149": {100, 150, Retention},
		"the brokers lost the end of orders/3: its records 70 to 99":            {70, 100, Truncated},
		"the topic of orders/3 was deleted and made again":                      {80, 80, Recreated},
	} {
		if got := g.Text(p); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s", g.Why, got)
		}
	}
}

// TestCrowded decodes when pages hold much: what is returned has memory of its own, and the page is free.
func TestCrowded(t *testing.T) {
	f := &fetched{records: kafkatestBatch(10, nil)}
	for _, crowded := range []bool{false, true} {
		d := newDecoder()
		p := d.m.page()
		d.m.filled(p, kafkatestBatch(10, threeRecords))
		if f.records = p.b; crowded {
			d.m.limit = len(p.b) - 1
		}
		out, err := d.decode(f, p, Mark{}, 10, 0)
		if err != nil || len(out) != 1 {
			t.Fatal(out, err)
		}
		d.m.drop(p)
		if own := &out[0].Buf[0] != &p.b[0]; own != crowded || d.m.pinned > 0 == crowded {
			t.Errorf("crowded %v: own memory %v, %d bytes are pinned", crowded, own, d.m.pinned)
		}
		d.m.recycle(out[0])
		if d.m.pinned != 0 {
			t.Errorf("%d bytes are pinned in the end", d.m.pinned)
		}
	}
}
