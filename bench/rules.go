package main

import (
	"fmt"

	"kelpie/engine"
	"kelpie/event"
	"kelpie/rules"
)

// foundingRules are the four founding rules as in examples/orders, and a rule about sessions.
const foundingRules = `
tables:
  credit:
    key: customer_id
    on:
      CreditLimitChanged: {limit: limit}
      OrderCreated:       {outstanding: += amount}
      OrderPaid:          {outstanding: -= amount}

rules:
  over-credit-limit:
    severity: high
    event: OrderCreated
    by: customer_id
    when: credit.outstanding > credit.limit
    alert: "{{customer_id}} owes {{credit.outstanding}} of at most {{credit.limit}}"

  order-burst:
    severity: high
    event: OrderCreated
    where: status != "test"
    by: customer_id
    let:
      orders: count over 10m
      spend:  sum(amount) over 10m
    when: orders > 5
    alert: "{{customer_id}} placed {{orders}} orders worth {{spend}} in 10 minutes"

  error-rate:
    severity: critical
    event: HttpRequest
    by: service
    let:
      requests: count each 1m
      failing:  ratio(status >= 500) each 1m
    when: requests >= 100 and failing > 5%
    alert: "{{round(failing * 100, 1)}} % of {{requests}} requests to {{service}} fail"

  volume-10x:
    severity: high
    event: OrderCreated
    by: region
    let:
      current: count each 1m
      normal:  mean(count each 1m) over 1h
    ready: samples(normal) >= 10
    when: current > 10 * max(normal, 3)
    alert: "{{current}} orders in a minute in {{region}}, normal are {{round(normal, 1)}}"

  long-session:
    severity: low
    event: [OrderCreated, OrderPaid, HttpRequest]   # not what the credit desk does
    by: customer_id
    on: close
    let: {steps: count over session 30m}
    when: steps > 100
    alert: "{{customer_id}} took {{steps}} steps in one session"
`

// timeSpec allows for the disorder of the streams.
var timeSpec = engine.TimeSpec{Disorder: 2000}

func loadRules(yaml string) (*rules.Set, error) {
	set, err := rules.LoadBytes("bench.yml", []byte(yaml), rules.Options{})
	if err != nil {
		return nil, fmt.Errorf("the benchmark's rules: %w", err)
	}
	return set, nil
}

// plan makes the plan of rules.
func plan(yaml string, units engine.Units) (*engine.Plan, error) {
	set, err := loadRules(yaml)
	if err != nil {
		return nil, err
	}
	return engine.NewPlan(set, event.Spec{}, timeSpec, units)
}
