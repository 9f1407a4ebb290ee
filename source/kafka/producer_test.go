package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kelpie/secret"
	"kelpie/source/kafka"
	"kelpie/source/kafka/kafkatest"
)

func openProducer(t *testing.T, target kafka.Target) *kafka.Producer {
	t.Helper()
	p, err := kafka.OpenProducer(target, kafka.ProducerOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// send sends n messages until they are acknowledged, as one does who may send them twice.
func send(t *testing.T, p *kafka.Producer, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ms := make([]kafka.Message, n)
	for i := range ms {
		ms[i] = kafka.Message{Key: fmt.Appendf(nil, "key-%d", i), Value: fmt.Appendf(nil, "sent-%d", i), Time: base}
	}
	for {
		err := p.Send(ctx, ms)
		var failed *kafka.SendError
		if err == nil {
			return
		}
		if !errors.As(err, &failed) || failed.Permanent() || ctx.Err() != nil {
			t.Fatal(err)
		}
		var rest []kafka.Message
		for _, f := range failed.Failed {
			rest = append(rest, ms[f.Index])
		}
		ms = rest
	}
}

// TestProducer writes messages of many keys and sizes and reads them: per key in order, each where Kafka's own producers
// put it, with key, headers and time.
func TestProducer(t *testing.T) {
	real(t, func(t *testing.T, c *kafkatest.Cluster) {
		a := c.Admin(t)
		a.Create("written", 3)
		for _, how := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
			p := openProducer(t, kafka.Target{Connection: kafka.Connection{Brokers: c.Plain()}, Topic: "written", Compression: how})
			var ms []kafka.Message
			for i := range 300 {
				ms = append(ms, kafka.Message{
					Key: fmt.Appendf(nil, "key-%d", i%10), Value: fmt.Appendf(nil, "%s-%d-%s", how, i, strings.Repeat("x", i*20)), Time: base + int64(i),
					Headers: []kafka.Header{{Name: "id", Value: fmt.Appendf(nil, "id-%d", i)}},
				})
			}
			if err := p.Send(t.Context(), ms); err != nil {
				t.Fatal(err)
			}
			if s := p.Stats(); s.Records != 300 || s.Requests < 3 || s.Bytes < 300*300*10 || s.Failures != 0 {
				t.Errorf("%s: %+v", how, s)
			}
		}
		r, err := kafka.Open(spec(c, "written"), kafka.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		got := map[string][]string{}
		for n := 0; n < 5*300; {
			b, err := r.Next(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for i := range b.Len() {
				key, value := string(b.Key(i)), string(b.Value(i))
				got[key] = append(got[key], value[:strings.LastIndexByte(value, '-')])
				number := value[strings.IndexByte(value, '-')+1 : strings.LastIndexByte(value, '-')]
				for name, id := range b.Headers(i) {
					if string(name) != "id" || string(id) != "id-"+number || fmt.Sprint(b.Time(i)-base) != number {
						t.Errorf("header %s=%s, time %d of %s", name, id, b.Time(i)-base, number)
					}
				}
			}
			n += b.Len()
			r.Release(b)
		}
		for k := range 10 {
			var want []string
			for _, how := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
				for i := k; i < 300; i += 10 {
					want = append(want, fmt.Sprintf("%s-%d", how, i))
				}
			}
			if key := fmt.Sprintf("key-%d", k); !slices.Equal(got[key], want) {
				t.Errorf("%s: %q", key, got[key])
			}
		}
	})
}

// TestSendErrors has messages that no broker takes, among others that it does.
func TestSendErrors(t *testing.T) {
	real(t, func(t *testing.T, c *kafkatest.Cluster) {
		a := c.Admin(t)
		a.Create("taken", 1, "max.message.bytes=10000")
		a.Create("readonly", 1)
		a.Deny(kafkatest.User, "topic", "readonly", "write")
		message := func(n int) kafka.Message { return kafka.Message{Key: []byte("k"), Value: make([]byte, n), Time: base} }
		plain := kafka.Connection{Brokers: c.Plain(), Timeout: 2 * time.Second}
		f := func(name string, target kafka.Target, ms []kafka.Message, permanent bool, want string, failed ...int) {
			t.Helper()
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
			defer cancel()
			err := openProducer(t, target).Send(ctx, ms)
			var e *kafka.SendError
			if !errors.As(err, &e) || e.Permanent() != permanent || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", name, err, want)
				return
			}
			var got []int
			for _, f := range e.Failed {
				got = append(got, f.Index)
			}
			if !slices.Equal(got, failed) {
				t.Errorf("%s: %v failed, want %v", name, got, failed)
			}
		}
		f("too large", kafka.Target{Connection: plain, Topic: "taken"}, []kafka.Message{message(4000), message(4000), message(20000), message(4000)}, true, "larger than the topic takes", 2)
		f("no topic", kafka.Target{Connection: plain, Topic: "not-there"}, []kafka.Message{message(1)}, false, "there is no such topic", 0)
		login := plain
		login.Brokers, login.SASL = c.SASLPlain(), &kafka.SASL{Mechanism: "plain", Username: kafkatest.User, Password: secret.New(kafkatest.Password)}
		f("no permission", kafka.Target{Connection: login, Topic: "readonly"}, []kafka.Message{message(1)}, true, "no permission", 0)
		gone := plain
		gone.Brokers = []string{nobody(t)}
		f("no broker", kafka.Target{Connection: gone, Topic: "taken"}, []kafka.Message{message(1), message(2)}, false, "nobody listens", 0, 1)
		login.SASL = &kafka.SASL{Mechanism: "plain", Username: kafkatest.User, Password: secret.New("guess")}
		f("wrong password", kafka.Target{Connection: login, Topic: "taken"}, []kafka.Message{message(1)}, true, "refuses the login", 0)
		x := read(t, spec(c, "taken"), nil)
		p := kafka.Partition{Topic: "taken"}
		x.until(func() bool { return len(x.got[p]) >= 3 })
		_, err := kafka.CheckTarget(t.Context(), kafka.Target{Connection: plain, Topic: "taken"})
		if err != nil {
			t.Error(err)
		}
		login.SASL.Password = secret.New(kafkatest.Password)
		if _, err := kafka.CheckTarget(t.Context(), kafka.Target{Connection: login, Topic: "readonly"}); err == nil || !strings.Contains(err.Error(), "topic readonly: no permission to write") {
			t.Errorf("check: %v", err)
		}
	})
}
