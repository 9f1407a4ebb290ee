package main

import (
	"fmt"
	"strings"
)

// rulesShare is the share of the events that a sample of the study of rules folds.
const rulesShare = 0.25

// rulesStudy folds by 5, 100 and 1,000 rules over the same keys, which all differ in filter and window.
func rulesStudy(l *lab) ([]row, error) {
	in, err := l.events()
	if err != nil {
		return nil, err
	}
	in = in.first(l.part(rulesShare))
	counts := []int{5, 100, 1000}
	goals := []float64{0, 3, 10}
	var jobs []*job
	for _, n := range counts {
		j, err := l.memoryJob(in, manyRules(n))
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, j)
	}
	all, err := l.turns(l.Runs, jobs...)
	if err != nil {
		return nil, err
	}
	var rows []row
	for i, n := range counts {
		what := fmt.Sprintf("%d rules in place of 5, in memory: cost of an event", n)
		if i == 0 {
			what = "5 rules that differ in filter and window, in memory: cost of an event"
		}
		rows = append(rows, ratioRow(what, all[i], all[0], goals[i]))
	}
	return rows, nil
}

// manyRules returns n rules by customer: on orders, payments and requests in turn, each with a filter and a window that
// no other has. Of a thousand, an event meets the filters of about fifteen; few are true for long, as with rules that people
// want to hear of.
func manyRules(n int) string {
	regions := []string{"eu-west-1", "eu-central-1", "us-east-1", "us-west-2", "ap-south-1"}
	services := []string{"catalog", "search", "cart", "checkout", "payments", "login"}
	kinds := []string{"OrderCreated", "OrderPaid", "HttpRequest"}
	var b strings.Builder
	b.WriteString("rules:\n")
	for i := range n {
		k, window := i/len(kinds), fmt.Sprintf("%ds", 60+13*i)
		fmt.Fprintf(&b, "  rule-%d:\n    event: %s\n    by: customer_id\n", i, kinds[i%len(kinds)])
		if i%len(kinds) == 2 {
			fmt.Fprintf(&b, "    where: service == %q and latency_ms > %d\n", services[k%len(services)], 20+3*(k/len(services)))
			fmt.Fprintf(&b, "    let: {slow: count over %s}\n    when: slow > 100\n", window)
			continue
		}
		fmt.Fprintf(&b, "    where: region == %q and amount > %d\n", regions[k%len(regions)], 5+k)
		fmt.Fprintf(&b, "    let: {orders: count over %s, spend: sum(amount) over %[1]s}\n    when: orders > 100 and spend > 5000\n", window)
	}
	return b.String()
}
