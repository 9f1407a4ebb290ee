package stdout

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"testing"

	"kelpie/alert"
	"kelpie/alert/alerttest"
)

func TestText(t *testing.T) {
	id := regexp.MustCompile(`\[(id-[0-9]+)\]\n`)
	alerttest.TestNotifier(t, func(*testing.T) alerttest.Subject {
		var b bytes.Buffer
		return alerttest.Subject{Notifier: New(&b, Text), Delivered: func() (ids []string) {
			for _, m := range id.FindAllStringSubmatch(b.String(), -1) {
				ids = append(ids, m[1])
			}
			return ids
		}}
	})
}

func TestJSON(t *testing.T) {
	alerttest.TestNotifier(t, func(t *testing.T) alerttest.Subject {
		var b bytes.Buffer
		return alerttest.Subject{Notifier: New(&b, JSON), Delivered: func() (ids []string) {
			for line := range bytes.Lines(b.Bytes()) {
				var m struct{ Alert alert.Alert }
				if err := json.Unmarshal(line, &m); err != nil {
					t.Fatal(err)
				}
				ids = append(ids, m.Alert.ID)
			}
			return ids
		}}
	})
}

func TestLine(t *testing.T) {
	f := func(m alert.Message, want string) {
		t.Helper()
		if got := Line(m); got != want {
			t.Errorf("line is\n%s, want\n%s", got, want)
		}
	}
	m := alerttest.Message(7, alert.KindOpened)
	m.Alert.ID = "3f2a9c04d1"
	f(m, "2026-01-05T10:00:00.007Z HIGH opened order-burst c7: c7 placed 6 orders [3f2a9c04]")
	m.Alert.Key = []string{"c7", "eu\n"}
	m.Alert.Warming = []string{"orders"}
	f(m, "2026-01-05T10:00:00.007Z HIGH opened order-burst c7, eu\uFFFD: c7 placed 6 orders (warming up: orders) [3f2a9c04]")
	m = alerttest.Message(7, alert.KindResolved)
	m.Alert.Key, m.Alert.Message = nil, ""
	f(m, "2026-01-05T10:01:01.007Z HIGH resolved (condition) order-burst [id-7]")
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("closed") }

func TestFailedWriteIsTriedAgain(t *testing.T) {
	retry, err := New(broken{}, Text).Notify(t.Context(), alerttest.Message(1, alert.KindOpened))
	if err == nil || !retry {
		t.Errorf("Notify = %v, %v", retry, err)
	}
}
