package traffic

import (
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"
)

// This file judges a stream by the founding rules in the plainest way: it keeps all times of all keys and counts.
// It shares nothing with the generator and nothing with the engine.

// opening is one alert.
type opening struct {
	Rule, Key string
	At        int64
}

// shopEvent is what the founding rules read.
type shopEvent struct {
	ID       string      `json:"id"`
	Type     string      `json:"type"`
	Time     time.Time   `json:"time"`
	Customer string      `json:"customer_id"`
	Region   string      `json:"region"`
	Service  string      `json:"service"`
	Amount   json.Number `json:"amount"`
	Limit    json.Number `json:"limit"`
	Status   any         `json:"status"`
}

// judge folds events in their order of arrival.
type judge struct {
	t        *testing.T
	orders   map[string][]int64             // customer -> event times
	minutes  map[string]map[int64][2]int    // region or service -> minute -> events, failures
	credit   map[string]map[string]*big.Rat // customer -> field
	open     map[[2]string]bool
	openings []opening
}

func newJudge(t *testing.T) *judge {
	return &judge{
		t: t, orders: map[string][]int64{}, minutes: map[string]map[int64][2]int{},
		credit: map[string]map[string]*big.Rat{}, open: map[[2]string]bool{},
	}
}

func (j *judge) see(rule, key string, at int64, fires bool) {
	k := [2]string{rule, key}
	if fires && !j.open[k] {
		j.openings = append(j.openings, opening{rule, key, at})
	}
	j.open[k] = fires
}

func (j *judge) add(line []byte) {
	var e shopEvent
	if err := json.Unmarshal(line, &e); err != nil {
		j.t.Fatalf("%s: %v", line, err)
	}
	at := e.Time.UnixMilli()
	switch e.Type {
	case "OrderCreated":
		j.count(e.Region, at, false)
		j.burst(e.Customer, at)
		j.book(e.Customer, "outstanding", e.Amount, 1)
		c := j.credit[e.Customer]
		if limit, ok := c["limit"]; ok {
			j.see("over-credit-limit", e.Customer, at, c["outstanding"].Cmp(limit) > 0)
		}
	case "OrderPaid":
		j.book(e.Customer, "outstanding", e.Amount, -1)
		if j.credit[e.Customer]["outstanding"].Sign() < 0 {
			j.t.Errorf("%s: %s has paid more than was ordered", e.ID, e.Customer)
		}
	case "CreditLimitChanged":
		delete(j.credit[e.Customer], "limit")
		j.book(e.Customer, "limit", e.Limit, 1)
	case "HttpRequest":
		j.count(e.Service, at, e.Status.(float64) >= 500)
	}
}

func (j *judge) book(customer, field string, n json.Number, sign int64) {
	v, ok := new(big.Rat).SetString(n.String())
	if !ok {
		j.t.Fatalf("%q is no amount", n)
	}
	c := j.credit[customer]
	if c == nil {
		c = map[string]*big.Rat{}
		j.credit[customer] = c
	}
	if c[field] == nil {
		c[field] = new(big.Rat)
	}
	c[field].Add(c[field], v.Mul(v, big.NewRat(sign, 1)))
}

// burst judges as of the newest order of the customer. An order that leaves resolves before the next comes.
func (j *judge) burst(customer string, at int64) {
	all := append(j.orders[customer], at)
	j.orders[customer] = all
	within := func(a int64) (n int) {
		for _, t := range all {
			if t > a-10*minute && t <= a {
				n++
			}
		}
		return n
	}
	newest := slices.Max(all)
	for _, t := range all[:len(all)-1] {
		if x := t + 10*minute; x < newest && within(x) <= 5 {
			j.open[[2]string{"order-burst", customer}] = j.open[[2]string{"order-burst", customer}] && x < slices.Max(all[:len(all)-1])
		}
	}
	j.see("order-burst", customer, newest, within(newest) > 5)
}

func (j *judge) count(key string, at int64, failed bool) {
	m := j.minutes[key]
	if m == nil {
		m = map[int64][2]int{}
		j.minutes[key] = m
	}
	n := m[at/minute]
	n[0]++
	if failed {
		n[1]++
	}
	m[at/minute] = n
}

// closeMinutes judges the minutes that are over at event time end.
func (j *judge) closeMinutes(end int64) {
	for key, m := range j.minutes {
		first := int64(never)
		for b := range m {
			first = min(first, b)
		}
		for b := first; (b+1)*minute <= end; b++ {
			n := m[b]
			if !strings.Contains(key, "-") {
				j.see("error-rate", key, (b+1)*minute, n[0] >= 100 && float64(n[1])/float64(n[0]) > 0.05)
				continue
			}
			sum, samples := 0, 0
			for c := b - 60; c < b; c++ {
				if sum += m[c][0]; sum > 0 {
					samples++
				}
			}
			if samples >= 10 {
				normal := float64(sum) / float64(samples)
				j.see("volume-10x", key, (b+1)*minute, float64(n[0]) > 10*max(normal, 3))
			}
		}
	}
}
