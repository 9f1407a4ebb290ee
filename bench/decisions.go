package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"kelpie/engine"
	"kelpie/server"
)

// What is asked, and what goes on beside it.
const (
	decisionConnections = 128
	besideRate          = 100_000 // events a second …
	besideAtOnce        = 500     // … in bodies of so many
	besideConnections   = 4
	evaluatedGoal       = 5 * time.Millisecond
	answeredGoal        = 20 * time.Millisecond
)

// pacedRuns is how many samples studies that go by the clock take at most.
const pacedRuns = 2

// pacedDisorder is how far events are out of order where many connections post at a rate at which the streams' six hours
// pass within seconds.
const pacedDisorder = 10 * time.Minute

// decidingRules are the founding rules, one of which decides.
var decidingRules = strings.Replace(foundingRules, "  order-burst:\n", "  order-burst:\n    decide: review\n", 1)

// decisionsStudy asks for decisions at a steady rate, and posts events beside them.
func decisionsStudy(l *lab) ([]row, error) {
	in, err := l.events()
	if err != nil {
		return nil, err
	}
	var judged *judgements
	v := &visit{l: l, client: "decisions", options: func(string) postedOptions {
		return postedOptions{
			rules: decidingRules, shards: l.Cores, disorder: pacedDisorder,
			spec: func(s *server.Spec) { s.DecideWithin = time.Minute }, // what takes too long is to be seen
			service: func(s *engine.Service) server.Service {
				judged = &judgements{Service: s}
				return judged
			},
		}
	}}
	var evaluated []quantiles
	var reports []asked
	var work effort
	samples, err := l.turns(min(l.Runs, pacedRuns), v.job(in, func() any {
		reports = append(reports, asked{})
		return &reports[len(reports)-1]
	}, func() {
		evaluated = append(evaluated, judged.quantiles())
		work = effortOf(v.service)
	}))
	if err != nil {
		return nil, err
	}
	what := fmt.Sprintf("decisions, %s/s asked over %d connections beside %s events/s in NDJSON of %d: ",
		short(float64(l.Decisions)), decisionConnections, short(besideRate), besideAtOnce)
	answered := each(reports, func(r asked) quantiles { return r.Answered })
	rows := []row{
		latencyRow(what+"until the rules had been judged, behind the log's sync", samples[0], evaluated, evaluatedGoal),
		latencyRow("the same, from when the question was to be asked until the answer, which is durable", samples[0], answered, answeredGoal),
		textRow("what came of that load", reports[len(reports)-1].text(v.cores[len(v.cores)-1], &samples[0][len(reports)-1])+work.text(), samples[0]),
	}
	rows[1].CPU, rows[1].Peak, rows[1].Allocs = 0, 0, -1 // as above
	return rows, nil
}

// judgements notes how long decisions took until the rules had been judged: what the service's own histogram counts, and
// more exactly.
type judgements struct {
	*engine.Service
	took times
}

// Decide implements server.Decider.
func (j *judgements) Decide(ctx context.Context, line []byte, o engine.DecideOptions) (engine.Decision, error) {
	d, err := j.Service.Decide(ctx, line, o)
	j.took.add(d.Evaluated)
	return d, err
}

func (j *judgements) quantiles() quantiles {
	return j.took.quantiles(int(warmUp * float64(len(j.took.all))))
}

// effort is in how many pieces a service did its work.
type effort struct {
	events, strides, syncs, commits, synced, rows int64
	committing                                    time.Duration
}

func effortOf(p *posted) (e effort) {
	f := p.service.Figures()
	for _, in := range f.Inputs {
		e.events += in.Folded
	}
	e.strides, e.commits, e.synced, e.rows = f.Strides, f.Commits.Count, f.Synced, f.Rows
	e.committing = time.Duration(f.Commits.Sum * float64(time.Second))
	e.syncs = p.served.log.Stats().Groups
	return e
}

func (e *effort) text() string {
	return fmt.Sprintf("; %d events in %d strides, %d syncs of the log and %d commits, %d of them synced, which wrote %d rows and took %.0f ms each",
		e.events, e.strides, e.syncs, e.commits, e.synced, e.rows, ms(e.committing)/float64(max(e.commits, 1)))
}

// asked is what the client reports.
type asked struct {
	Answered quantiles // from when a question was to be asked until the answer
	Sent     quantiles // from then until it was asked
	Posted   quantiles // from when the events beside it were to be posted until they were durable
	Strict   float64   // share of the answers that are not allow
	Rate     float64   // decisions a second
	Beside   float64   // events a second
}

func (a *asked) text(cores float64, s *sample) string {
	return fmt.Sprintf("%s decisions/s, %.1f %% of them not allow, and %s events/s, durable after p99 %.0f ms; the client asked up to %.1f ms (p99) late, and took %.2f cores beside the service's %.2f",
		short(a.Rate), 100*a.Strict, short(a.Beside), ms(a.Posted.P99), ms(a.Sent.P99), cores, s.cpu.Seconds()/s.wall.Seconds())
}

// askDecisions is the client: of so many events of the stream one is asked about, the others are posted.
func askDecisions(l *lab, t *talk) (any, error) {
	in, err := l.events()
	if err != nil {
		return nil, err
	}
	questions, bodies := split(in.data, max(besideRate/l.Decisions, 1), besideAtOnce)
	address, err := t.meet("")
	if err != nil {
		return nil, err
	}
	c := &asker{questions: questions}
	var both sync.WaitGroup
	var posted error
	p := &pacedPoster{bodies: bodies}
	both.Go(func() { posted = p.run(besideRate/besideAtOnce, besideConnections, address) })
	s := perSecond(float64(l.Decisions), int64(len(questions)))
	err = s.run(decisionConnections, address, c.ask)
	took := time.Since(s.start)
	both.Wait()
	if err = firstOf(err, posted); err != nil {
		return nil, err
	}
	warm := int(warmUp * float64(len(questions)))
	return asked{
		Answered: c.answered.quantiles(warm), Sent: c.sent.quantiles(warm), Posted: p.took.quantiles(int(warmUp * float64(len(bodies)))),
		Strict: float64(c.strict) / float64(len(questions)), Rate: float64(len(questions)) / took.Seconds(), Beside: p.rate(),
	}, nil
}

// split deals lines out: one as a question, then so many into bodies.
func split(lines []byte, between, atOnce int) (questions, bodies [][]byte) {
	var body []byte
	n := 0
	for i := 0; len(lines) > 0; i++ {
		end := bytes.IndexByte(lines, '\n') + 1
		line := lines[:end]
		lines = lines[end:]
		if i%(between+1) == 0 {
			questions = append(questions, line)
			continue
		}
		body = append(body, line...)
		if n++; n == atOnce {
			bodies = append(bodies, body)
			body, n = nil, 0
		}
	}
	return questions, bodies
}

// asker asks.
type asker struct {
	questions      [][]byte
	sent, answered times

	mu     sync.Mutex
	strict int
}

func (c *asker) ask(w *wire, i int64, due time.Time) error {
	c.sent.add(time.Since(due))
	answer, err := w.post("/v1/decisions", jsonObject, c.questions[i])
	if err != nil {
		return err
	}
	c.answered.add(time.Since(due))
	if !bytes.Contains(answer, []byte(`"decision":"allow"`)) {
		c.mu.Lock()
		c.strict++
		c.mu.Unlock()
	}
	return nil
}

// pacedPoster posts bodies of events at a steady rate.
type pacedPoster struct {
	bodies [][]byte
	posted atomic.Int64
	took   times
	spent  time.Duration
	events int
}

func (p *pacedPoster) run(rate float64, connections int, address string) error {
	s := perSecond(rate, int64(len(p.bodies)))
	err := s.run(connections, address, func(w *wire, i int64, due time.Time) error {
		if _, err := w.post("/v1/events", ndjson, p.bodies[i]); err != nil {
			return err
		}
		p.took.add(time.Since(due))
		p.posted.Add(1)
		return nil
	})
	p.spent = time.Since(s.start)
	for _, b := range p.bodies {
		p.events += bytes.Count(b, []byte{'\n'})
	}
	return err
}

func (p *pacedPoster) rate() float64 { return float64(p.events) / p.spent.Seconds() }
