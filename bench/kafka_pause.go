package main

import (
	"fmt"
	"os"
	"time"

	"kelpie/engine"
)

// pause reads what was written to a topic while the service was down, again and again. The sample begins when a tenth of
// that is read, so that it says how fast it is and not how long a start takes.
func (k *kafkaLab) pause() ([]row, error) {
	if err := k.create("paused"); err != nil {
		return nil, err
	}
	all, err := k.events()
	if err != nil {
		return nil, err
	}
	n := int64(k.count / (k.Runs + 1))
	dir, err := k.folder("paused")
	if err != nil {
		return nil, err
	}
	rest := all.data
	j := &kafkaJob{k: k}
	j.job = &job{in: k.yardstick}
	j.before = func() (err error) {
		part := (&input{data: rest}).first(n)
		rest = rest[len(part.data):]
		if err = k.produce("paused", "none", part.data); err != nil {
			return err
		}
		if j.service, err = k.open(dir, "paused"); err != nil {
			return err
		}
		j.service.start()
		return j.service.await(n / 10)
	}
	j.run = func() error {
		j.events = int(n - j.service.folded())
		return j.service.await(n)
	}
	j.after = func() error { return j.service.stop() }
	samples, err := k.turns(k.Runs+1, j.job)
	if err != nil {
		return nil, err
	}
	r := rateRow(fmt.Sprintf("catching up with %s events that came during a pause, not packed", short(float64(n))), samples[0][1:], 0)
	return []row{r}, all.unmap()
}

// crash kills a service that has read an event of each of many customers and is in the middle of traffic. It is started
// again on what was left, with the topics as they are.
func (k *kafkaLab) crash() ([]row, error) {
	in, err := load(k.dir, "crash", k.crashTraffic())
	if err != nil {
		return nil, err
	}
	if err := k.fillCrash(in.data); err != nil {
		return nil, err
	}
	wreck, err := k.folder("wreck")
	if err != nil {
		return nil, err
	}
	if err := crashIn(wreck, k.lab, k.cluster.Plain()...); err != nil {
		return nil, err
	}
	again := int64(0)
	var r *reading
	j := &job{
		in: k.yardstick, events: 1,
		before: func() error {
			dir, err := k.folder("revived")
			if err == nil {
				err = os.CopyFS(dir, os.DirFS(wreck))
			}
			return err
		},
		run: func() (err error) {
			if r, err = k.open(k.dir+"/revived", crashTopics); err != nil {
				return err
			}
			r.start()
			return r.until(func() bool { return r.service.Phase() == engine.Running })
		},
		after: func() error {
			again = r.service.Figures().Inputs["(log)"].Folded
			return r.stop()
		},
	}
	samples, err := k.turns(k.Runs, j)
	if err != nil {
		return nil, err
	}
	return []row{secondsRow(fmt.Sprintf("start after kill -9 until it reads on, %s keys, %d events of the topics folded again", short(float64(k.Recovered)), again), samples[0])}, nil
}

// crashTopics are an event of each customer, and traffic.
const crashTopics = "accounts,crash"

func (k *kafkaLab) fillCrash(traffic []byte) error {
	for _, topic := range []string{"accounts", "crash"} {
		if err := k.create(topic); err != nil {
			return err
		}
	}
	for a := newAccounts(k.Recovered); ; {
		lines := a.next()
		if len(lines) == 0 {
			return k.produce("crash", "none", traffic)
		}
		if err := k.produce("accounts", "none", lines); err != nil {
			return err
		}
	}
}

// crashWithKafka runs the service in the child until it is in the middle of the traffic, and kills it.
func (l *lab) crashWithKafka(dir string, brokers []string) error {
	k := &kafkaLab{lab: l, brokers: brokers}
	r, err := k.open(dir, crashTopics)
	if err != nil {
		return err
	}
	r.start()
	if err := r.await(int64(l.Recovered) + l.part(recoveryShare)/2); err != nil {
		return err
	}
	time.Sleep(20 * time.Millisecond) // so that it is not just behind a commit
	return kill()
}
