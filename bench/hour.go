package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"kelpie/server"
	"kelpie/traffic"
)

const (
	hourTimes    = 4           // events of an hour, as a multiple of those of a stream
	hourDisorder = time.Minute // event time that passes while what four connections have posted is on its way
	flatGoal     = 1.1         // memory in the last quarter of the hour, as a multiple of that in the second
)

// hourTraffic is an hour of events. The customers are so few that all of them are known within a quarter of it: what
// grows behind that has no end.
func (l *lab) hourTraffic() traffic.Config {
	c := traffic.Bench(7, hourTimes*l.Events, max(l.Customers/10, 100))
	return c.Over(hour)
}

// hourRules are the founding rules with limits that fit so many events of a customer: about as rarely as with the other
// streams one is passed.
var hourRules = strings.NewReplacer("orders > 5", "orders > 400", "> credit.limit", "> 10000 * credit.limit", "steps > 100", "steps > 10000").Replace(foundingRules)

// hourStudy posts an hour of events as fast as they are taken, and looks at the memory of the service meanwhile.
func hourStudy(l *lab) ([]row, error) {
	all, err := l.events()
	if err != nil {
		return nil, err
	}
	in := all.first(l.part(0.1)) // for the yardstick
	v := &visit{l: l, client: "hour", options: func(string) postedOptions {
		return postedOptions{rules: hourRules, shards: l.Cores, disorder: hourDisorder, spec: func(s *server.Spec) {
			s.DedupeIDs = min(s.DedupeIDs, int(hourTimes*l.Events/8)) // there are as many in the first quarter
		}}
	}}
	var w *watch
	j := v.job(in, func() any {
		w = watchMemory(v.service, hourTimes*l.Events)
		return new(struct{})
	}, func() {})
	j.events = int(hourTimes * l.Events)
	ended := j.run
	j.run = func() error { return errors.Join(ended(), w.stop()) }
	var log, state int64
	closed := j.after
	j.after = func() error {
		err := closed()
		dir := filepath.Join(l.dir, "visited")
		log, state = diskUsage(filepath.Join(dir, "log")), diskUsage(filepath.Join(dir, "state"))
		return err
	}
	samples, err := l.turns(1, j)
	if err != nil {
		return nil, err
	}
	return hourRows(w, samples[0], v.cores[0], log, state), nil
}

func hourRows(w *watch, s []sample, cores float64, log, state int64) []row {
	r := commonRow(fmt.Sprintf("an hour of %s events, posted in NDJSON of %d: memory in the last quarter as a multiple of the second", short(float64(s[0].events)), postedAtOnce), s)
	ratio := w.quarter(4) / w.quarter(2)
	r.Figure = fmt.Sprintf("%.2f × (%.0f, %.0f, %.0f, %.0f MiB by quarter)", ratio, w.quarter(1), w.quarter(2), w.quarter(3), w.quarter(4))
	r.Goal, r.Met = fmt.Sprintf("≤ %g ×", flatGoal), ratio <= flatGoal
	return []row{r, textRow("what that took", fmt.Sprintf("%s events/s; at the end %d MiB of log and %d MiB of state; the client took %.2f cores beside the service's %.2f",
		short(rate(&s[0])), log>>20, state>>20, cores, s[0].cpu.Seconds()/s[0].wall.Seconds()), s)}
}

// looks is how often in an hour the memory is looked at.
const looks = 64

// watch looks at the memory of this process at even distances of the stream, each time when garbage has been collected and
// given back: how much of that lies about is the collector's choice, and differs from moment to moment.
type watch struct {
	service *posted
	events  int64 // of the hour
	cancel  func()
	ended   sync.WaitGroup
	seen    []int64 // bytes
}

func watchMemory(s *posted, events int64) *watch {
	ctx, cancel := context.WithCancel(context.Background())
	w := &watch{service: s, events: events, cancel: cancel}
	w.ended.Go(func() { w.run(ctx) })
	return w
}

func (w *watch) run(ctx context.Context) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for len(w.seen) < looks {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		for w.service.api.Stats().Accepted >= w.events*int64(len(w.seen)+1)/looks && len(w.seen) < looks {
			debug.FreeOSMemory()
			w.seen = append(w.seen, residentMemory())
		}
	}
}

// stop ends looking.
func (w *watch) stop() error {
	w.cancel()
	w.ended.Wait()
	if len(w.seen) < looks-1 { // the last one may come too late
		return fmt.Errorf("the memory was looked at %d times in place of %d", len(w.seen), looks)
	}
	return nil
}

// quarter returns the mean of the memory in a quarter of the hour, from 1, in MiB.
func (w *watch) quarter(q int) float64 {
	var sum, n float64
	for _, bytes := range w.seen[(q-1)*looks/4 : min(q*looks/4, len(w.seen))] {
		sum += float64(bytes)
		n++
	}
	return sum / n / (1 << 20)
}

// postHour is the client. It makes the events while it posts them, over several connections, each in its turn.
func postHour(l *lab, t *talk) (any, error) {
	g, err := traffic.New(l.hourTraffic())
	if err != nil {
		return nil, err
	}
	address, err := t.meet("")
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	next := func(body []byte) []byte {
		mu.Lock()
		defer mu.Unlock()
		for range postedAtOnce {
			more, ok := g.Next(body)
			if !ok {
				break
			}
			body = more
		}
		return body
	}
	var all sync.WaitGroup
	errs := make([]error, batchConnections)
	for i := range batchConnections {
		all.Go(func() { errs[i] = postAll(address, next) })
	}
	all.Wait()
	return struct{}{}, errors.Join(errs...)
}

// postAll posts what next appends to a body, until that is nothing.
func postAll(address string, next func([]byte) []byte) (err error) {
	w, err := dial(address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	var body []byte
	for {
		if body = next(body[:0]); len(body) == 0 {
			return nil
		}
		if _, err := w.post("/v1/events", ndjson, body); err != nil {
			return err
		}
	}
}

// diskUsage returns the bytes of the files in a folder.
func diskUsage(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if info, err := d.Info(); err == nil {
			n += info.Size()
		}
		return nil
	})
	return n
}
