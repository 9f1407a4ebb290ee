package main

import (
	"fmt"

	"kelpie/traffic"
)

// windowStudy folds the same number of events by a window of ten minutes and by one of a year. Each stream spans
// twice the window, so that the windows hold as many events, and half of all events leave them again.
func windowStudy(l *lab) ([]row, error) {
	short, err := l.windowJob("10m", hour/6)
	if err != nil {
		return nil, err
	}
	long, err := l.windowJob("365d", 365*24*hour)
	if err != nil {
		return nil, err
	}
	all, err := l.turns(l.Runs, short, long)
	if err != nil {
		return nil, err
	}
	return []row{
		ratioRow("a window of 10 minutes, events leave it, in memory: cost of an event", all[0], all[0], 0),
		ratioRow("the same with a window of 365 days", all[1], all[0], 1.3),
	}, nil
}

// windowJob folds by a window of ms milliseconds.
func (l *lab) windowJob(window string, ms int64) (*job, error) {
	const perCustomer = 100 // events, so that windows hold some
	n := l.part(0.5)
	in, err := load(l.dir, fmt.Sprintf("window-%s-%d", window, n), traffic.Bench(3, n, int(n/perCustomer)).Over(2*ms))
	if err != nil {
		return nil, err
	}
	return l.memoryJob(in, fmt.Sprintf(`
rules:
  spree:
    event: OrderCreated
    by: customer_id
    let:
      orders: count over %s
      spend: sum(amount) over %[1]s
    when: orders > 1000 and spend > 1000000
`, window))
}
