package event

import (
	"slices"
	"testing"
)

func TestPosition(t *testing.T) {
	f := func(p Position, want string) {
		t.Helper()
		if got := p.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	f(Position{Stream: "orders", Partition: 3, Offset: 42, Kind: KafkaPosition}, "orders/3@42")
	f(Position{Stream: "log", Offset: 42, Kind: LogPosition}, "log@42")
	f(Position{Stream: "events.jsonl", Offset: 17}, "events.jsonl:17")
}

func TestPositionOrder(t *testing.T) {
	want := []Position{
		{Stream: "a", Partition: 0, Offset: 9}, {Stream: "a", Partition: 1, Offset: 2}, {Stream: "a", Partition: 1, Offset: 10}, {Stream: "b"},
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, Position.Compare)
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
