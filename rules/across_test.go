package rules

import (
	"fmt"
	"testing"

	"kelpie/event"
)

// TestAcross finds the rules that see events of several values of a field together.
func TestAcross(t *testing.T) {
	s, err := LoadBytes("rules.yml", []byte(`
tables:
  home: {key: customer_id, on: {Moved: {city: city}}}
  shop: {key: shop, on: {Order: {sum: += amount}}}
rules:
  point: {event: Order, by: shop, when: amount > 5}
  rare: {event: Order, by: shop, when: amount > 5, cooldown: 1h}
  own: {event: Order, by: customer_id, let: {n: count over 1m}, when: n > 3 && home.city == city}
  finer: {event: Order, by: [shop, customer_id], let: {n: count over 1m}, when: n > 3}
  other: {event: Order, by: customer_id, let: {n: count over 1m, m: "count over 1m by shop, city"}, when: n + m > 3 && shop.sum > 1}
  all: {event: Order, let: {n: count over 1m}, when: n > 3}
`), Options{})
	if err != nil {
		t.Fatal(err)
	}
	const want = "[{all [(none)]} {other [shop, city shop]} {rare [shop]}]"
	if got := fmt.Sprint(s.Across(event.Path{"customer_id"})); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
