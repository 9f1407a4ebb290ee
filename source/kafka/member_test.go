package kafka_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"kelpie/source/kafka"
	"kelpie/source/kafka/kafkatest"
)

// TestMemberDied joins a group in which the process before us has died: its partitions are ours long before its session
// ends, and the one after us finds who we were.
func TestMemberDied(t *testing.T) {
	real(t, func(t *testing.T, c *kafkatest.Cluster) {
		a := c.Admin(t)
		a.Create("inherited", 1)
		s := spec(c, "inherited")
		s.Group = "heirs"
		file := filepath.Join(t.TempDir(), "member")
		note := func() (n struct{ Group, Member string }) {
			b, err := os.ReadFile(file)
			if err == nil {
				err = json.Unmarshal(b, &n)
			}
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		dead := a.Dies("heirs", "inherited")
		text, _ := json.Marshal(map[string]string{"group": "heirs", "member": dead}) // cannot fail
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		ours := make(chan []kafka.Partition, 1)
		r, err := kafka.Open(s, kafka.Options{Member: file, Assigned: func(ps []kafka.Partition) { ours <- ps }})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		within(t, "partitions", ours)
		if n := note(); n.Group != "heirs" || n.Member == dead || n.Member == "" {
			t.Errorf("the file says %+v", n)
		}
	})
}

// TestMemberNoteUnreadable joins all the same where the file is none of ours, or cannot be written.
func TestMemberNoteUnreadable(t *testing.T) {
	real(t, func(t *testing.T, c *kafkatest.Cluster) {
		a := c.Admin(t)
		a.Create("alone", 1)
		s := spec(c, "alone")
		s.Group = "loners"
		dir := t.TempDir()
		for name, text := range map[string]string{"nonsense": "{", "another": `{"group":"x","member":"y"}`, "unknown": `{"group":"loners","member":"y"}`} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, name := range []string{"nonsense", "another", "unknown", "nonsense/folder"} {
			ours := make(chan []kafka.Partition, 1)
			r, err := kafka.Open(s, kafka.Options{Member: filepath.Join(dir, name), Assigned: func(ps []kafka.Partition) { ours <- ps }})
			if err != nil {
				t.Fatal(err)
			}
			within(t, name, ours)
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// within waits until something becomes ours.
func within(t *testing.T, what string, ours <-chan []kafka.Partition) {
	t.Helper()
	select {
	case <-ours:
	case <-time.After(patience):
		t.Fatalf("%s: nothing is ours", what)
	}
}
