package source

import (
	"fmt"
	"strings"
	"testing"
)

// TestTopics sums partitions up by topic.
func TestTopics(t *testing.T) {
	at := func(topic string, id int32, folded, end, newest int64) PartitionStatus {
		return PartitionStatus{Partition{topic, id}, folded, end, newest}
	}
	s := &StreamStatus{Partitions: []PartitionStatus{
		at("a", 0, 5, 5, 10), at("a", 1, 3, 10, 30), at("a", 2, 8, -1, 20), at("a", 3, 9, 7, 0), at("b", 0, -1, 4, 0), at("c", 0, 1, 3, 0), at("d", 0, 0, 9, 2),
	}}
	f := func(most int, want ...string) {
		t.Helper()
		var got []string
		for _, x := range s.Topics(most) {
			text := fmt.Sprintf("%s lag %d, %d in %s, known %v, newest %d, behind", x.Topic, x.Lag, x.Most, x.Worst, x.Known, x.Newest)
			for _, p := range x.Behind(3) {
				text += " " + p.String()
			}
			got = append(got, text)
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("at most %d:\n%s\nwant\n%s", most, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	a := "a lag 7, 7 in a/1, known true, newest 30, behind a/1 a/0 a/3"
	f(9, a, "b lag 0, 0 in /0, known false, newest 0, behind b/0", "c lag 2, 2 in c/0, known true, newest 0, behind c/0", "d lag 9, 9 in d/0, known true, newest 2, behind d/0")
	f(1, a, " lag 11, 9 in d/0, known true, newest 2, behind d/0 c/0 b/0")
}
