package file

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"kelpie/alert"
	"kelpie/alert/alerttest"
)

// ids returns the ids of the alerts in a file of JSON lines.
func ids(t *testing.T, path string) (all []string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(b) {
		var m struct{ Alert alert.Alert }
		if err := json.Unmarshal(line, &m); err != nil {
			t.Fatalf("%v in %.200q", err, line)
		}
		all = append(all, m.Alert.ID)
	}
	return all
}

func open(t *testing.T, path string) *Notifier {
	t.Helper()
	n, err := New(path)
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

func write(t *testing.T, n *Notifier, number int) {
	t.Helper()
	if _, err := n.Notify(t.Context(), alerttest.Message(number, alert.KindOpened)); err != nil {
		t.Fatal(err)
	}
	if err := n.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestFile(t *testing.T) {
	alerttest.TestNotifier(t, func(t *testing.T) alerttest.Subject {
		path := filepath.Join(t.TempDir(), "alerts.jsonl")
		return alerttest.Subject{Notifier: open(t, path), Delivered: func() []string { return ids(t, path) }}
	})
}

func TestTornLineIsCutOff(t *testing.T) {
	path := filepath.Join(t.TempDir(), "alerts.jsonl")
	n := open(t, path)
	write(t, n, 1)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(whole) {
		if err := os.WriteFile(path, append(slices.Clone(whole), whole[:cut]...), 0o600); err != nil {
			t.Fatal(err)
		}
		n := open(t, path)
		write(t, n, 2)
		if got := ids(t, path); !slices.Equal(got, []string{"id-1", "id-2"}) {
			t.Fatalf("after a line torn at %d: %v", cut, got)
		}
	}
}

func TestSentAgainAfterRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "alerts.jsonl")
	write(t, open(t, path), 1)
	n := open(t, path)
	write(t, n, 1)
	write(t, n, 2)
	if got := ids(t, path); !slices.Equal(got, []string{"id-1", "id-2"}) {
		t.Errorf("the file has %v", got)
	}
}

func TestMovedAway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "alerts.jsonl")
	n := open(t, path)
	write(t, n, 1)
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	write(t, n, 2)
	if got := ids(t, path); !slices.Equal(got, []string{"id-2"}) {
		t.Errorf("the new file has %v", got)
	}
	if got := ids(t, path+".1"); !slices.Equal(got, []string{"id-1"}) {
		t.Errorf("the old file has %v", got)
	}
}

func TestFailedFlushLosesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "alerts.jsonl")
	n := open(t, path)
	write(t, n, 1)
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil { // in the way: it cannot be opened
		t.Fatal(err)
	}
	m := alerttest.Message(2, alert.KindOpened)
	if _, err := n.Notify(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if err := n.Flush(t.Context()); err == nil {
		t.Fatal("Flush to a folder succeeded")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	write(t, n, 2)
	if got := ids(t, path); !slices.Equal(got, []string{"id-2"}) {
		t.Errorf("the file has %v", got)
	}
}

func TestForeignLinesAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "alerts.jsonl")
	if err := os.WriteFile(path, []byte("# notes\n[]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, open(t, path), 1)
	b, err := os.ReadFile(path)
	if err != nil || !bytes.HasPrefix(b, []byte("# notes\n[]\n{")) {
		t.Errorf("the file begins %.20q, %v", b, err)
	}
}
