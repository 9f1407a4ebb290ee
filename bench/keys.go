package main

import (
	"fmt"
	"strconv"

	"kelpie/event"
	"kelpie/traffic"
)

const (
	hour = 3_600_000 // ms
	// keysShare is the share of the events that a sample of the study of keys folds.
	keysShare = 0.5
)

// keysStudy folds uniform traffic over a state of millions of keys, most of which are on disk only: durable, with the
// default cache. The samples follow each other on one state.
func keysStudy(l *lab) ([]row, error) {
	dir, err := l.folder("state")
	if err != nil {
		return nil, err
	}
	k, err := openKeeper(dir, foundingRules, l.Cores)
	if err != nil {
		return nil, err
	}
	if err := k.open(l.Keys); err != nil {
		return nil, err
	}
	n := l.part(keysShare)
	total := n * int64(l.Runs+1)
	g, err := traffic.New(traffic.Bench(2, total, l.Keys).Uniform().Over(6 * hour * total / l.Events))
	if err != nil {
		return nil, err
	}
	j := &job{}
	j.before = func() (err error) {
		j.in, err = loadNext(l.dir, "uniform", g, n)
		return err
	}
	j.run = func() error {
		if err := k.fold(j.in.data); err != nil {
			return err
		}
		return k.settle()
	}
	j.after = func() error { return j.in.unmap() }
	all, err := l.turns(l.Runs+1, j)
	if err != nil {
		return nil, err
	}
	if err := k.close(); err != nil {
		return nil, err
	}
	r := rateRow(fmt.Sprintf("%s keys, uniform traffic over them, durable, default cache", short(float64(l.Keys))), all[0][1:], 0.5e6)
	r.Goal += ", ≤ 2048 MiB"
	r.Met = r.Met && r.Peak <= 2<<30
	return []row{r}, nil
}

// open gives every customer a credit limit, three hours before the streams begin, and lets their sessions close.
func (k *keeper) open(customers int) error {
	for a := newAccounts(customers); ; {
		data := a.next()
		if len(data) == 0 {
			break
		}
		if err := k.fold(data); err != nil {
			return err
		}
	}
	if _, err := k.engine.Tick(traffic.DefaultStart); err != nil {
		return err
	}
	return k.settle()
}

// accounts makes an event for each of many customers that gives it a credit limit.
type accounts struct {
	n, at int
	buf   []byte
}

func newAccounts(n int) *accounts { return &accounts{n: n} }

// next returns the next lines, none at the end. They are valid until the next call.
func (a *accounts) next() []byte {
	a.buf = a.buf[:0]
	for a.at < a.n && len(a.buf) < batchSize-1024 {
		t := traffic.DefaultStart - 3*hour + int64(a.at)*hour/int64(a.n)
		a.buf = append(a.buf, `{"type":"CreditLimitChanged","id":"opened-`...)
		a.buf = strconv.AppendInt(a.buf, int64(a.at), 10)
		a.buf = append(a.buf, `","time":"`...)
		a.buf = append(a.buf, event.FormatTime(t)...)
		a.buf = append(a.buf, `","customer_id":"c`...)
		a.buf = strconv.AppendInt(a.buf, int64(a.at), 10)
		a.buf = append(a.buf, `","limit":2500.00,"currency":"EUR","reason":"account opened"}`+"\n"...)
		a.at++
	}
	return a.buf
}
