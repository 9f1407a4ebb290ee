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

func TestParsePosition(t *testing.T) {
	f := func(s string, want Position) {
		t.Helper()
		if got, err := ParsePosition(s); err != nil || got != want || got.String() != s {
			t.Errorf("%s is %+v, %v", s, got, err)
		}
	}
	f("orders/3@42", Position{Stream: "orders", Partition: 3, Offset: 42, Kind: KafkaPosition})
	f("a.b_c-d/2147483647@9223372036854775807", Position{Stream: "a.b_c-d", Partition: 2147483647, Offset: 9223372036854775807, Kind: KafkaPosition})
	f("log@42", Position{Stream: "log", Offset: 42, Kind: LogPosition})
	f("shop/a@b.jsonl:17", Position{Stream: "shop/a@b.jsonl", Offset: 17})
	f("a:b:1", Position{Stream: "a:b", Offset: 1})
	for _, s := range []string{"", "42", "@42", ":1", "log@", "log@x", "log@-1", "log@+1", "a:", "a/b", "log@99999999999999999999"} {
		if p, err := ParsePosition(s); err == nil {
			t.Errorf("%q is %+v", s, p)
		}
	}
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
