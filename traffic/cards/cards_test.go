package cards

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

type line struct {
	ID, Type, Time, Payment string
	Customer                string `json:"customer_id"`
	Terminal                string `json:"terminal_id"`
	Amount                  float64
}

func stream(t *testing.T, c Config) ([]line, *Generator, []byte) {
	t.Helper()
	g, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	var all []line
	var raw []byte
	for {
		from := len(raw)
		var ok bool
		if raw, ok = g.Next(raw); !ok {
			break
		}
		var l line
		if err := json.Unmarshal(raw[from:], &l); err != nil {
			t.Fatalf("%s: %v", raw[from:], err)
		}
		all = append(all, l)
	}
	return all, g, raw
}

func TestStream(t *testing.T) {
	c := Config{Seed: 1, Days: 40, Customers: 200, Terminals: 500}
	all, g, raw := stream(t, c)
	if int64(len(all)) != g.Written() {
		t.Errorf("%d lines, %d written", len(all), g.Written())
	}
	confirmed := map[string]bool{}
	for i, l := range all {
		if i > 0 && l.Time < all[i-1].Time {
			t.Fatalf("%s comes after %s", l.Time, all[i-1].Time)
		}
		if l.Type == "FraudConfirmed" {
			confirmed[l.Payment] = true
		}
	}
	kinds := map[Scenario]int{}
	for _, f := range g.Frauds() {
		kinds[f.Scenario]++
		if ends := int64(DefaultStart + c.Days*day); f.Known < ends-day && !confirmed[f.ID] {
			t.Errorf("%s, known at %d, is not confirmed", f.ID, f.Known)
		}
	}
	for _, s := range []Scenario{LargeAmount, BadTerminal, StolenCard} {
		if kinds[s] == 0 {
			t.Errorf("no fraud of scenario %d among %v", s, kinds)
		}
	}
	for _, l := range all {
		if l.Type == "PaymentAuthorized" && l.Amount > 220 && !confirmed[l.ID] && l.Time < "2026-02-01" {
			t.Errorf("%s of %v is no fraud", l.ID, l.Amount)
		}
	}
	if _, _, again := stream(t, c); !bytes.Equal(raw, again) {
		t.Error("the same configuration gives other bytes")
	}
	c.Seed = 2
	if _, _, other := stream(t, c); bytes.Equal(raw, other) {
		t.Error("another seed gives the same bytes")
	}
}

func TestLabels(t *testing.T) {
	_, g, _ := stream(t, Config{Seed: 1, Days: 20, Customers: 50, Terminals: 100})
	var b bytes.Buffer
	if err := WriteLabels(&b, g.Frauds()); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "\n"); n != len(g.Frauds())+1 || n == 1 {
		t.Errorf("%d lines for %d frauds", n, len(g.Frauds()))
	}
}

func TestConfig(t *testing.T) {
	for _, c := range []Config{{Days: -1}, {Customers: 2_000_000}, {Start: -1}, {ConfirmAfter: -1}} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
}
