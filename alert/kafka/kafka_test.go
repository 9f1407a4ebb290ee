package kafka

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"kelpie/alert"
	"kelpie/alert/alerttest"
	"kelpie/alert/post"
	"kelpie/alert/words"
	"kelpie/secret"
	"kelpie/source/kafka"
	"kelpie/source/kafka/kafkatest"
)

func open(t *testing.T, s Spec) *Notifier {
	t.Helper()
	n, err := New(s, post.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

func TestConformance(t *testing.T) {
	alerttest.TestGroupNotifier(t, func(t *testing.T) alerttest.GroupSubject {
		b := newImitation(t)
		s := Spec{Target: kafka.Target{Topic: "alerts"}}
		s.Brokers = []string{b.listener.Addr().String()}
		s.SASL = &kafka.SASL{Mechanism: "plain", Username: "kelpie", Password: secret.New("s3cret")}
		return alerttest.GroupSubject{
			Notifier: open(t, s), Arrived: b.taken, Answer: b.set, Reached: b.reached, Secrets: []string{"s3cret"},
		}
	})
}

// TestMessage wants all of a record but its time to come from the notification alone, and records of one group, in all of
// its lives, to have one key.
func TestMessage(t *testing.T) {
	record := func(n *alert.Notification, now int64) kafka.Message {
		t.Helper()
		m, err := message(n, defaultMaxBody, now)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	opened := record(alerttest.Group(2, alert.KindOpened), 1)
	again := alerttest.Group(2, alert.KindOpened)
	again.Attempt, again.Memo = 7, "x"
	if m := record(again, 2); fmt.Sprintf("%q", m.Headers) != fmt.Sprintf("%q", opened.Headers) || string(m.Key) != string(opened.Key) || string(m.Value) != string(opened.Value) || m.Time != 2 {
		t.Errorf("sent again it is %s %s with %q, at %d", m.Key, m.Value, m.Headers, m.Time)
	}
	later := alerttest.Group(3, alert.KindResolved)
	later.Group, later.Labels = "group-2", map[string]string{"zone": "b", "rule": "order-burst", "a": strings.Repeat("x", 5000)}
	first := record(later, 1)
	later.Group, later.Kind = "group-3", alert.KindOpened
	if second := record(later, 1); string(first.Key) != string(second.Key) || len(first.Key) > 1200 || !strings.HasSuffix(string(first.Key), `","rule":"order-burst","zone":"b"}`) {
		t.Errorf("keys %s and %s", first.Key, second.Key)
	}
	f := func(m kafka.Message, want string) {
		t.Helper()
		var got []string
		for _, h := range m.Headers {
			got = append(got, h.Name+"="+string(h.Value))
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("headers\n%s\nwant\n%s", text, want)
		}
	}
	f(opened, "kelpie-id="+words.DocumentID("group-1/opened")+" kelpie-kind=opened kelpie-rule=order-burst kelpie-severity=high kelpie-version=1 content-type=application/json")
	digest := alert.Example(alert.KindDigest, "receiver", 0)
	f(record(digest, 1), "kelpie-id="+words.DocumentID(digest.Key)+" kelpie-kind=digest kelpie-version=1 content-type=application/json")
}

// TestReal writes to a real broker, over TLS and with a login, and reads what is there.
func TestReal(t *testing.T) {
	if os.Getenv(kafkatest.Jars) == "" {
		return
	}
	c := kafkatest.Start(t, kafkatest.Options{})
	admin := c.Admin(t)
	admin.Create("alerts", 4)
	admin.Create("small", 1, "max.message.bytes=500")
	s := Spec{Target: kafka.Target{Topic: "alerts", Compression: "zstd"}}
	s.Brokers, s.TLS = c.SASL(), &kafka.TLS{CA: c.CA()}
	s.SASL = &kafka.SASL{Mechanism: "scram-sha-512", Username: kafkatest.User, Password: secret.New(kafkatest.Password)}
	n := open(t, s)
	want := map[string][]string{}
	for i := range 20 {
		note := alerttest.Group(1, alert.KindUpdated)
		note.Key, note.Labels = fmt.Sprint("note-", i), map[string]string{"customer": fmt.Sprint("c", i%5)}
		if _, err := n.NotifyGroup(t.Context(), note); err != nil {
			t.Fatal(err)
		}
		key := fmt.Sprintf(`{"customer":"c%d"}`, i%5)
		want[key] = append(want[key], note.Key+" "+words.DocumentID(note.Key))
	}
	got := read(t, kafka.Connection{Brokers: c.Plain()}, "alerts", 20)
	if len(got) != 5 {
		t.Errorf("keys: %v", got)
	}
	for key, all := range want {
		if !slices.Equal(got[key], all) {
			t.Errorf("%s: %v, want %v", key, got[key], all)
		}
	}
	f := func(s Spec, final bool, want string) {
		t.Helper()
		_, err := open(t, s).NotifyGroup(t.Context(), alerttest.Group(1, alert.KindOpened))
		if err == nil || alert.Permanent(err) != final || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "guess") {
			t.Errorf("%v, want %s", err, want)
		}
	}
	s.Topic = "small"
	f(s, true, "kafka: topic small: a record is larger than the topic takes")
	s.Topic = "missing"
	f(s, false, "kafka: topic missing: there is no such topic")
	s.SASL = &kafka.SASL{Mechanism: "plain", Username: kafkatest.User, Password: secret.New("guess")}
	f(s, false, "it refuses the login")
}

// read returns the records of a topic by key: the document's key and the header with the id.
func read(t *testing.T, c kafka.Connection, topic string, n int) map[string][]string {
	t.Helper()
	r, err := kafka.Open(kafka.Spec{Connection: c, Topics: []string{topic}}, kafka.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got := map[string][]string{}
	for n > 0 {
		b, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i := range b.Len() {
			var d struct {
				Version int
				Data    struct{ Key string }
			}
			if err := json.Unmarshal(b.Value(i), &d); err != nil || d.Version != words.DocumentVersion {
				t.Errorf("%s: %v", b.Value(i), err)
			}
			id := ""
			for name, value := range b.Headers(i) {
				if string(name) == headerID {
					id = string(value)
				}
			}
			if age := time.Since(time.UnixMilli(b.Time(i))); age > time.Hour || age < -time.Hour {
				t.Errorf("time %d: the topic's retention goes by it", b.Time(i))
			}
			got[string(b.Key(i))] = append(got[string(b.Key(i))], d.Data.Key+" "+id)
		}
		n -= b.Len()
		r.Release(b)
	}
	return got
}
