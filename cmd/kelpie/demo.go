package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"kelpie/alert"
	"kelpie/config"
	"kelpie/engine"
	"kelpie/journal"
	"kelpie/rules"
	"kelpie/source"
	"kelpie/traffic"
)

type demoOptions struct {
	length      duration
	rate, speed float64
	seed        uint64
	asJSON      bool
	keep        string
	rush        bool
	noConsole   bool
}

func newDemo() *cobra.Command {
	var o demoOptions
	c := &cobra.Command{
		Use:   "demo",
		Short: "Show everything at once: a made-up shop, attacks on it, the four founding rules",
		Long: `Runs the service on the traffic of a made-up shop. It needs no set-up, no network and no configuration. Attacks are
planted in the traffic; the four founding rules (examples/orders) look for them:

  order-burst         a customer orders more than five times within ten minutes
  volume-10x          a region takes ten times its normal orders within a minute
  over-credit-limit   an order takes a customer over the credit limit
  error-rate          more than five percent of a service's requests fail

Alerts go by as they open and resolve. The shop's time runs faster than the clock on the wall (--speed), so that windows
close while one watches. The console, a page for a browser, is at the address that is printed first, on this machine alone.
At the end, after --for or at Ctrl-C, what was planted is compared with what was found.

Log and state are durable as in kelpie run, in a temporary folder that is removed at the end, or in --keep DIR: then
kelpie alerts, events and log can look into it.`,
		Example: `  kelpie demo
  kelpie demo --for 20s
  kelpie demo --speed 30 --rate 2000 --seed 7
  kelpie demo --for 20s --keep shop && kelpie alerts list -c shop/kelpie.yml
  kelpie demo --for 20s --json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return demo(c.Context(), c.OutOrStdout(), &o) },
	}
	f := c.Flags()
	f.Var(&o.length, "for", "how long it runs; 0s: until Ctrl-C")
	f.Float64Var(&o.rate, "rate", 6000, "events a second, on the wall's clock")
	f.Float64Var(&o.speed, "speed", 120, "how much faster than the wall's clock the shop's runs")
	f.Uint64Var(&o.seed, "seed", 1, "another seed gives another stream")
	f.BoolVar(&o.asJSON, "json", false, "print the alerts, and at the end the comparison, as JSON lines")
	f.StringVar(&o.keep, "keep", "", "keep log, state, rules and configuration in this new `folder`")
	f.BoolVar(&o.noConsole, "no-console", false, "without the page for a browser; there is none with --json either")
	f.BoolVar(&o.rush, "rush", false, "do not wait for the wall's clock")
	f.Lookup("rush").Hidden = true
	return c
}

// attackEvery is how far attacks are apart on the wall's clock.
const attackEvery = 1500 * time.Millisecond

// traffic describes the stream.
func (o *demoOptions) traffic() traffic.Config {
	return traffic.Config{
		Seed: o.seed, Rate: o.rate / o.speed, Flat: true,
		Duration:    int64(float64(o.length) * o.speed),
		AttackEvery: max(int64(float64(attackEvery.Milliseconds())*o.speed), 1000),
		Disorder:    traffic.Disorder{Share: 0.05},
	}
}

func (o *demoOptions) check() error {
	switch {
	case !(o.speed > 0 && o.speed <= 100_000):
		return fmt.Errorf("--speed %v: must be more than 0 and at most 100,000", o.speed)
	case !(o.rate > 0 && o.rate <= 10_000_000):
		return fmt.Errorf("--rate %v: must be more than 0 and at most 10,000,000", o.rate)
	case o.rush && o.length == 0:
		return errors.New("--rush needs --for")
	}
	return nil
}

func demo(ctx context.Context, stdout io.Writer, o *demoOptions) (err error) {
	if err := o.check(); err != nil {
		return err
	}
	g, err := traffic.New(o.traffic())
	if err != nil {
		return err
	}
	dir, remove, err := demoFolder(o.keep)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	d, err := openDemo(dir, newScreen(stdout, o.asJSON))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.house.close()) }()
	d.console = o.wantsConsole()
	d.shop = &shop{
		g: g, start: traffic.DefaultStart, speed: o.speed, rush: o.rush,
		length: time.Duration(o.length) * time.Millisecond, over: ctx.Done(),
	}
	if err := d.greet(o); err != nil {
		return err
	}
	if err := d.run(context.WithoutCancel(ctx)); err != nil { // an interrupt ends the stream, and with it the service
		return err
	}
	return d.sumUp(o)
}

// running is the demo while it runs.
type running struct {
	cfg    *config.Config
	set    *rules.Set
	house  *house
	shop   *shop
	screen *screen
	took   time.Duration

	console bool // a browser may look at it
}

// demoMemTable keeps the state's files small: room is taken for them before it is needed.
const demoMemTable = 8 << 20

// openDemo opens log and state in a folder that holds the example.
func openDemo(dir string, s *screen) (d *running, err error) {
	d = &running{screen: s}
	if d.cfg, err = config.Load(filepath.Join(dir, configHere)); err != nil {
		return nil, err
	}
	if d.set, err = loadConfigured(d.cfg); err != nil {
		return nil, err
	}
	receivers := []alert.Receiver{{Name: "screen", Notifier: s}}
	d.house, err = openHouse(d.cfg, slog.New(slog.DiscardHandler), houseOptions{more: receivers, memTable: demoMemTable})
	return d, err
}

func (d *running) greet(o *demoOptions) error {
	if o.asJSON {
		return nil
	}
	return d.screen.say("A made-up shop: %s events a second, its clock runs %g times as fast as yours. Attacks are planted; "+
		"the rules of examples/orders look for them. Ctrl-C ends it.\n", thousands(int64(o.rate)), o.speed)
}

// run runs the service until the shop ends.
func (d *running) run(ctx context.Context) error {
	memory, _ := d.cfg.State.Memory()
	service := engine.NewService(engine.ServiceOptions{
		Log: d.house.log, Store: d.house.store, Dispatcher: d.house.dispatcher,
		Inputs: []engine.Input{{Name: shopName, Once: true, Open: d.open}},
		Event:  d.cfg.Event.Spec, Time: d.cfg.TimeSpec(), Rules: d.set, Shards: runtime.GOMAXPROCS(0),
		Memory: memory, Commit: d.cfg.State.Commit, UntilEnd: true, Clock: wall{},
	})
	api, err := d.openConsole(service)
	if err != nil {
		return err
	}
	began := time.Now()
	over := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() { d.watch(service, over) })
	err = d.house.serve(ctx, service, api, d.cfg)
	close(over)
	watching.Wait()
	d.took = time.Since(began)
	d.screen.close()
	return err
}

func (d *running) open(func(string) (journal.Progress, bool)) (source.Source, error) {
	return d.shop, nil
}

// watch keeps the line of rates up to date.
func (d *running) watch(s *engine.Service, over <-chan struct{}) {
	const every = 250 * time.Millisecond
	tick := time.NewTicker(every)
	defer tick.Stop()
	var r rates
	for {
		select {
		case <-over:
			return
		case now := <-tick.C:
			f := s.Figures()
			if f.Engine == nil {
				continue
			}
			events := int64(f.Engine.Events)
			perSecond := r.add(now, events)
			d.screen.show(func(open int) string {
				return statusLine(perSecond, events, f.Engine.Rows+f.Engine.Cold, f.Engine.Watermark, open)
			})
		}
	}
}

// demoSummary is the last line of `kelpie demo --json`.
type demoSummary struct {
	Kind    string  `json:"kind"` // summary
	Events  int64   `json:"events"`
	Seconds float64 `json:"seconds"`
	*demoScore
}

// sumUp compares what was planted with what was found.
func (d *running) sumUp(o *demoOptions) error {
	var names []string
	for _, r := range d.set.Rules {
		names = append(names, r.Name)
	}
	sc, err := newScore(names, d.shop.g.Labels(), d.house.store)
	if err != nil {
		return err
	}
	events := d.shop.written.Load()
	out := d.screen.w
	if o.asJSON {
		e := json.NewEncoder(out)
		e.SetEscapeHTML(false)
		return e.Encode(demoSummary{"summary", events, d.took.Seconds(), sc})
	}
	fmt.Fprintf(out, "\n%s in %s. What was planted and what was found:\n\n", counted(int(events), "event"), d.took.Round(100*time.Millisecond))
	if err := sc.write(out); err != nil || o.keep == "" {
		return err
	}
	file := filepath.Join(o.keep, configHere)
	_, err = fmt.Fprintf(out, "\nKept in %s: look at it with\n  kelpie alerts list -c %s\n  kelpie events list -c %s --last 10 --text\n", o.keep, file, file)
	return err
}
