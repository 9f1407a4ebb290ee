package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"kelpie/alert"
	"kelpie/alert/alerttest"
)

func TestScreen(t *testing.T) {
	var b bytes.Buffer
	s := newScreen(&b, false)
	tell := func(m alert.Message) {
		t.Helper()
		if _, err := s.Notify(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	want := func(what, text string) {
		t.Helper()
		if b.String() != text {
			t.Errorf("%s prints\n%q, want\n%q", what, b.String(), text)
		}
		b.Reset()
	}
	opened, resolved := alerttest.Message(7, alert.KindOpened), alerttest.Message(7, alert.KindResolved)
	opened.Alert.Message = "a\x1b[2Jb"
	const (
		openedText   = "10:00:00  opened    high      order-burst        c7             a\uFFFD[2Jb\n"
		resolvedText = "10:01:01  resolved  high      order-burst        c7             after 1m1s: its condition does not hold any more\n"
	)
	tell(opened)
	want("an opening", openedText)
	s.show(func(int) string { return "rates" })
	want("rates without a terminal", "")

	s.live, s.colour = true, true
	s.show(func(open int) string { return fmt.Sprintf("%d open", open) })
	want("rates", "1 open")
	tell(resolved)
	want("a resolution", "\r\x1b[K10:01:01  \x1b[32mresolved\x1b[0m  \x1b[31mhigh    \x1b[0m"+strings.TrimPrefix(resolvedText, "10:01:01  resolved  high    ")+"1 open")
	s.show(func(open int) string { return fmt.Sprintf("%d open", open) })
	want("rates", "\r\x1b[K0 open")
	if err := s.say("%d %s", 1, "word"); err != nil {
		t.Fatal(err)
	}
	want("a word", "\r\x1b[K1 word\n0 open")
	s.close()
	want("the end", "\r\x1b[K")
	s.show(func(int) string { return "late" })
	want("rates after the end", "")

	s = newScreen(&b, true)
	tell(resolved)
	if !strings.HasPrefix(b.String(), `{"kind":"resolved","message_key":"id-7/resolved","alert":{"id":"id-7",`) {
		t.Errorf("JSON is %s", b.String())
	}
}

func TestRates(t *testing.T) {
	var r rates
	at := time.Unix(0, 0)
	for i, want := range []float64{0, 100, 100, 100, 100, 100, 175} {
		events := int64(50 * i)
		if i == 6 {
			events += 150
		}
		if got := r.add(at.Add(time.Duration(i)*500*time.Millisecond), events); got != want {
			t.Errorf("measurement %d: %v events a second, want %v", i, got, want)
		}
	}
	if got, want := statusLine(1234.5, 1, 2, 1_767_607_200_000, 1), "1,234 events/s · 1 event · 2 rows · 1 open alert · the shop's clock 10:00:00"; got != want {
		t.Errorf("line is %q, want %q", got, want)
	}
}
