package evidence

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/alert"
	"kelpie/event"
	"kelpie/journal"
	"kelpie/rules"
	"kelpie/source"
	"kelpie/window"
)

const opened = 1_767_607_200_000 // 10:00

// topic is a log elsewhere of one partition: its records by offset.
type topic struct {
	lines []string
	gone  int64 // records below this offset are not there any more
	dead  bool  // nobody answers
	reads int   // of runs
	open  int   // how often it is open
}

func (o *topic) Read(ctx context.Context, r *source.Run) (*source.Batch, string, error) {
	if o.reads++; o.dead {
		<-ctx.Done()
		return nil, "", ctx.Err()
	}
	b, lost := &source.Batch{Stamps: []source.Stamp{}}, ""
	for at := r.From; at < r.To; at++ {
		if at < o.gone {
			lost = fmt.Sprintf("%s is gone up to %d", r.Partition, o.gone)
			continue
		}
		start := len(b.Buf)
		b.Buf = append(b.Buf, o.lines[at]...)
		b.Lines = append(b.Lines, source.Line{Start: start, End: len(b.Buf), Offset: at})
		b.Stamps = append(b.Stamps, source.Stamp{Created: opened})
	}
	b.Beside = func() ([]byte, []source.Line) {
		var buf []byte
		lines := slices.Clone(b.Lines)
		for i, l := range lines {
			lines[i].Start = len(buf)
			buf = append(buf, strings.Replace(string(b.Buf[l.Start:l.End]), "{", `{"kafka":{"key":"k"},`, 1)...)
			lines[i].End = len(buf)
		}
		return buf, lines
	}
	return b, lost, nil
}

func (o *topic) Problems() []string { return []string{"broker k:9092: nobody listens there"} }
func (o *topic) Close() error       { o.open--; return nil }

// order is an order of a customer, so many minutes before ten o'clock; one without a time was made then.
func order(before float64, customer, device string) string {
	at := event.FormatTime(opened - int64(before*60_000))
	return fmt.Sprintf(`{"type":"Order","time":%q,"customer":%q,"device":%q}`, at, customer, device)
}

// stored is a log that notes runs of a topic among events of its own.
type stored struct {
	t     testing.TB
	log   *journal.Log
	topic *topic
	read  int // of the topic
}

func newStored(t testing.TB, lines ...string) *stored {
	l, err := journal.Open("log", journal.Options{FS: vfs.NewMem(), BlockSize: 500})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return &stored{t: t, log: l, topic: &topic{lines: lines}}
}

// note notes that the next n records were read.
func (s *stored) note(n int) {
	s.t.Helper()
	run := source.Run{Partition: source.Partition{Stream: "orders", ID: 3}, From: int64(s.read), To: int64(s.read + n), Records: n}
	s.read += n
	payload, err := json.Marshal(source.RunNote{Input: "shop", Run: run})
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.log.Append(s.t.Context(), journal.RecordsRead, payload); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stored) add(line string) {
	s.t.Helper()
	if _, err := s.log.Append(s.t.Context(), journal.Event, []byte(line)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stored) records(input string) (source.Records, error) {
	if input != "shop" {
		return nil, errors.New("there is no such input")
	}
	s.topic.open++
	return s.topic, nil
}

// find returns the positions of the events behind an alert, and what is missing.
func (s *stored) find(rule string, byTime bool, o alert.Opener) (found, missing string, err error) {
	s.t.Helper()
	set, err := rules.LoadBytes("rules.yml", []byte("rules:\n  r: {event: Order, by: customer, "+rule+"}\n"), rules.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	var told []string
	q := Query{
		Alert: &alert.Alert{Rule: "r", Key: []string{"ann"}, Opened: opened, Opener: o}, Rules: set, ByTime: byTime,
		Records: s.records, Missing: func(err error) { told = append(told, err.Error()) },
	}
	lines, err := Find(s.t.Context(), s.log, q, func(b []byte, e *Event) []byte { return append(b, e.At.String()...) })
	if s.topic.open != 0 {
		s.t.Errorf("it is open %d times", s.topic.open)
	}
	var all []string
	for _, l := range lines {
		all = append(all, string(l))
	}
	return strings.Join(all, " "), strings.Join(told, "\n"), err
}

// TestFindElsewhere looks for events of alerts in the topic from which they were read.
func TestFindElsewhere(t *testing.T) {
	s := newStored(t,
		order(11, "ann", "d"), order(9, "ann", "d"), order(8, "bob", "d"), "", `{"type":"Order","customer":"ann"}`, order(1, "ann", "e"), order(0, "ann", "d"),
		order(0, "ann", "d"), order(5, "ann", "d"))
	s.add(order(7, "ann", "d")) // log@0
	s.note(3)                   // log@1: orders/3@0 to 2
	s.add(order(6, "ann", "e")) // log@2
	s.note(4)                   // log@3: 3 to 6
	s.note(2)                   // log@4: 7 and 8
	s.add(order(2, "ann", "d")) // log@5
	f := func(rule string, byTime bool, opener, want string) {
		t.Helper()
		found, missing, err := s.find(rule, byTime, alert.Opener{Position: opener})
		if found != want || missing != "" || err != nil {
			t.Errorf("%s, opened by %s: %s, want %s; %s %v", rule, opener, found, want, missing, err)
		}
	}
	const count, device = "let: {n: count over 10m}, when: n > 1", "let: {n: distinct(customer) over 10m by device}, when: n > 1"
	f(count, false, "orders/3@6", "log@0 orders/3@1 log@2 orders/3@4 orders/3@5 orders/3@6")
	f(count, false, "orders/3@5", "log@0 orders/3@1 log@2 orders/3@4 orders/3@5")
	f(count, false, "log@2", "log@0 orders/3@1 log@2")
	f(count, false, "log@5", "log@0 orders/3@1 log@2 orders/3@4 orders/3@5 orders/3@6 orders/3@7 orders/3@8 log@5")
	f(count, true, "orders/3@6", "log@0 orders/3@1 log@2 orders/3@4 orders/3@5 orders/3@6 orders/3@8 log@5")
	f(device, false, "orders/3@6", "log@0 orders/3@1 orders/3@2 log@2 orders/3@4 orders/3@5 orders/3@6")
	f("where: 'kafka.key == \"k\"', "+count, false, "orders/3@6", "orders/3@1 orders/3@4 orders/3@5 orders/3@6")
	f(count, false, "payments/0@9", "log@0 orders/3@1 log@2 orders/3@4 orders/3@5 orders/3@6 orders/3@7 orders/3@8 log@5") // nobody knows any more when it came

	found, missing, err := s.find("let: {n: count each 1m}, when: n > 1", false, alert.Opener{Window: &window.Span{Start: opened - 60_000, End: opened}})
	if found != "orders/3@5" || missing != "" || err != nil {
		t.Errorf("of a window: %s; %s %v", found, missing, err)
	}
	s.topic.gone = 2
	found, missing, err = s.find(device, false, alert.Opener{Position: "orders/3@1"})
	if found != "log@0" || missing != "orders/3 is gone up to 2\norders/3 is gone up to 2" || !errors.Is(err, ErrPartial) {
		t.Errorf("what is gone: %s; %s; %v", found, missing, err)
	}
}

// TestNobodyAnswers wants the log's own events, and to be told after a while why others are missing, once.
func TestNobodyAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStored(t, order(3, "ann", "d"), order(2, "ann", "d"), order(1, "ann", "d"))
		s.note(1)
		s.note(2)
		s.add(order(0, "ann", "d"))
		s.topic.dead = true
		began := time.Now()
		found, missing, err := s.find("let: {n: count over 10m}, when: n > 1", false, alert.Opener{Position: "log@2"})
		if found != "log@2" || missing != "records of shop cannot be read: broker k:9092: nobody listens there" || !errors.Is(err, ErrPartial) {
			t.Errorf("%s; %s; %v", found, missing, err)
		}
		if s.topic.reads != 1 || time.Since(began) != patience {
			t.Errorf("%d runs were read in %v", s.topic.reads, time.Since(began))
		}
	})
}

// TestBound wants no more read than is bearable, and what is left out to be told.
func TestBound(t *testing.T) {
	var notes []noted
	for i := range 10 {
		notes = append(notes, noted{int64(100 + i), source.RunNote{Run: source.Run{Records: 1000}}})
	}
	f := func(most int, last int64, byTime bool, first, end int64, told bool) {
		t.Helper()
		w := newElsewhere(nil, func(error) {})
		m := &matcher{q: &Query{ByTime: byTime}, last: last}
		skip := m.bound(notes, most, w)
		for i := range notes {
			if at := notes[i].at; skip(at) == (first <= at && at <= end) {
				t.Errorf("at most %d, up to %d: log@%d left out: %v", most, last, at, skip(at))
			}
		}
		if w.partial != told {
			t.Errorf("at most %d, up to %d: told %v", most, last, w.partial)
		}
	}
	f(20_000, math.MaxInt64, false, 100, 109, false)
	f(3000, math.MaxInt64, false, 107, 109, true)
	f(2999, math.MaxInt64, false, 108, 109, true)
	f(3000, 105, false, 103, 105, true)
	f(6000, 105, false, 100, 105, false)
	f(3000, 105, true, 107, 109, true)
}

// TestBehind lists what stands behind a position of a topic, and behind one of the log.
func TestBehind(t *testing.T) {
	s := newStored(t, order(5, "ann", "d"), order(4, "ann", "d"), "what", order(2, "ann", "d"), order(1, "ann", "d"))
	s.note(3)
	s.add(order(0, "bob", "d"))
	s.note(2)
	f := func(from, want string) {
		t.Helper()
		p, err := ParsePosition(from)
		if err != nil {
			t.Fatal(err)
		}
		first, behind, err := Behind(t.Context(), s.log, p)
		if err != nil {
			t.Fatal(err)
		}
		r := s.log.NewReader(first)
		defer r.Close()
		scan, err := NewScan(r, ScanOptions{Records: s.records, Missing: func(err error) { t.Error(err) }})
		if err != nil {
			t.Fatal(err)
		}
		defer scan.Close()
		var got []string
		err = scan.Each(t.Context(), func(e *Event) (bool, error) {
			if e.Kind == journal.Event && (behind == nil || behind(e)) {
				got = append(got, e.At.String())
				if e.Refused != nil {
					got[len(got)-1] += " " + string(e.Refused.Reason)
				}
			}
			return true, nil
		})
		if text := strings.Join(got, ", "); err != nil || text != want {
			t.Errorf("behind %s: %s, want %s; %v", from, text, want, err)
		}
	}
	f("orders/3@1", "orders/3@2 not-json, log@1, orders/3@3, orders/3@4")
	f("orders/3@2", "log@1, orders/3@3, orders/3@4")
	f("log@0", "log@1, orders/3@3, orders/3@4")
	f("1", "orders/3@3, orders/3@4")
	f("orders/3@4", "")
	if _, _, err := Behind(t.Context(), s.log, event.Position{Stream: "orders", Partition: 3, Offset: 5, Kind: event.KafkaPosition}); err == nil || !strings.Contains(err.Error(), "orders/3@5 is nothing that the log, from log@0 on, notes") {
		t.Error(err)
	}
}
