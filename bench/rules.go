package main

import (
	"fmt"

	"kelpie/engine"
	"kelpie/event"
	"kelpie/rules"
)

// founding holds the four founding rules as in examples/orders, and a rule about sessions.
const founding = `
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
    event: '*'
    by: customer_id
    on: close
    let: {steps: count over session 30m}
    when: steps > 100
    alert: "{{customer_id}} took {{steps}} steps in one session"
`

// plan makes the plan of a rule file, for events that may be 2 s out of order.
func plan(yaml string, units engine.Units) (*engine.Plan, error) {
	set, err := rules.LoadBytes("bench.yml", []byte(yaml), rules.Options{})
	if err != nil {
		return nil, fmt.Errorf("the benchmark's rules: %w", err)
	}
	return engine.NewPlan(set, event.Spec{}, engine.TimeSpec{Disorder: 2000}, units)
}
