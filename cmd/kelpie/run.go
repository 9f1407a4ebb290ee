package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"kelpie/alert"
	"kelpie/alert/file"
	"kelpie/alert/stdout"
	"kelpie/config"
	"kelpie/engine"
	"kelpie/journal"
	"kelpie/mask"
	"kelpie/rules"
	"kelpie/server"
	"kelpie/source"
	"kelpie/state"
	"kelpie/topics"
)

type runOptions struct {
	config   string
	untilEnd bool
	shards   int
}

func newRun() *cobra.Command {
	var o runOptions
	c := &cobra.Command{
		Use:   "run -c kelpie.yml",
		Short: "Run the service: read, fold, and tell of what is found",
		Long: `Reads the sources of the configuration, appends what they have to the log, folds it, commits, and sends the alerts.
It needs no other process, and goes on where it stopped, or was killed, every event once.

SIGTERM or an interrupt stops it: what has been read is folded and committed; a second one ends it at once. Rules whose
files change are read again, as they are on SIGHUP: with a mistake in them the old ones go on. Under http.listen events can be posted; under metrics.listen
there are /metrics for Prometheus, /healthz and /readyz. The service's own log is on standard error.

With --until-end it ends when all sources have been read to their end, those with follow: true to the end that they have
now: time then moves to the newest event, and windows that are still open are not judged. Nothing can be posted then.`,
		Example: `  kelpie run -c kelpie.yml
  kelpie run --until-end
  kill -HUP $(cat data/state/OWNER)`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runService(c, &o) },
	}
	f := c.Flags()
	f.StringVarP(&o.config, "config", "c", "", "the configuration `file`; without it kelpie.yml here")
	f.BoolVar(&o.untilEnd, "until-end", false, "end when the sources have been read to their end, instead of waiting for more")
	f.IntVar(&o.shards, "shards", runtime.GOMAXPROCS(0), "how many shards fold side by side; changes no result")
	f.Lookup("shards").Hidden = true
	return c
}

// wall is the clock on the wall.
type wall struct{}

func (wall) Now() time.Time                         { return time.Now() }
func (wall) After(d time.Duration) <-chan time.Time { return time.After(d) }

func runService(c *cobra.Command, o *runOptions) (err error) {
	cfg, set, err := o.load()
	if err != nil {
		return err
	}
	logger := cfg.Logging.Logger(c.ErrOrStderr())
	warnOfInterleaving(logger, cfg, set)
	inputs := newInputs(cfg, o.untilEnd, c.InOrStdin(), logger)
	var posts *source.Push
	h, err := openHouse(cfg, logger, houseOptions{out: c.OutOrStdout()})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	if !o.untilEnd && cfg.HTTP.Listen != server.Off {
		posts = h.posts()
		inputs = append(inputs, postedInput(posts))
	}
	rows, _ := cfg.State.Memory()
	s := engine.NewService(engine.ServiceOptions{
		Log: h.log, Store: h.store, Dispatcher: h.dispatcher, Inputs: inputs,
		Event: cfg.Event.Spec, Time: cfg.TimeSpec(), Rules: set,
		Load: func() (*rules.Set, error) { return loadConfigured(cfg) },
		Warm: warmOptions(cfg), Scratch: scratchIn(cfg.Data),
		Shards: max(1, o.shards), Memory: rows, Commit: cfg.State.Commit, History: cfg.Alerts.History, KeepMade: cfg.Decisions.Kafka != nil, UntilEnd: o.untilEnd, Clock: wall{}, Logger: logger,
	})
	api, err := h.openAPI(cfg, s, posts, logger)
	if err != nil {
		return err
	}
	logger.Info("kelpie: starting", "version", readBuild().Version, "log", cfg.Log.Dir, "state", cfg.State.Dir, "rules", len(set.Rules), "inputs", len(inputs))
	return h.serve(c.Context(), s, api, cfg)
}

// load reads the configuration and the rules.
func (o *runOptions) load() (*config.Config, *rules.Set, error) {
	name := o.config
	if name == "" {
		name = configHere
	}
	cfg, err := config.Load(name)
	if o.config == "" && errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("there is no %s here: name the configuration, -c FILE", configHere)
	}
	if err != nil {
		return nil, nil, err
	}
	switch {
	case len(cfg.Sources) > 0:
	case o.untilEnd:
		return nil, nil, fmt.Errorf("%s: there is nothing to read: name sources", name)
	case cfg.HTTP.Listen == server.Off:
		return nil, nil, fmt.Errorf("%s: there is nothing to read: name sources, or let events be posted (http)", name)
	}
	set, err := loadConfigured(cfg)
	return cfg, set, err
}

// loadConfigured reads the rules that a configuration names.
func loadConfigured(cfg *config.Config) (*rules.Set, error) {
	s := settings{event: cfg.Event.Spec, time: cfg.TimeSpec(), rules: cfg.RuleOptions(), files: cfg.Rules}
	return s.loadRules(nil)
}

// house is what a service lives in: its data folder, and the ways out to the world.
type house struct {
	log        *journal.Log
	store      *state.Store
	dispatcher *alert.Dispatcher
	masks      *mask.Fields
	copies     []*topics.Copier
	writers    []topicWriter // to topics of Kafka
	closers    []io.Closer   // in the order of opening
	out        *slog.Logger
}

// houseOptions say of a house what the configuration does not.
type houseOptions struct {
	out      io.Writer        // what the configuration calls stdout
	more     []alert.Receiver // beside those of the configuration
	memTable int64            // bytes, state.Options.MemTable
}

// openHouse opens log and state, which belong to one process at a time, and the receivers.
func openHouse(cfg *config.Config, logger *slog.Logger, o houseOptions) (h *house, err error) {
	h = &house{out: logger}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.close())
		}
	}()
	h.log, err = journal.Open(cfg.Log.Dir, journal.Options{
		SegmentSize: cfg.Log.Segment, MaxAge: cfg.Log.Retention.Age, MaxSize: cfg.Log.Retention.Size, Log: logger,
	})
	if err != nil {
		return h, err
	}
	h.closers = append(h.closers, h.log)
	_, blocks := cfg.State.Memory()
	h.store, err = state.Open(cfg.State.Dir, state.Options{Cache: blocks, MemTable: o.memTable, Rejected: cfg.RejectBounds(), Log: logger})
	if err != nil {
		return h, err
	}
	h.closers = append(h.closers, h.store)
	if h.masks, err = mask.Keep(cfg.Data, cfg.Mask); err != nil {
		return h, err
	}
	if err = h.openCopies(cfg); err != nil {
		return h, err
	}
	receivers, err := h.openReceivers(cfg.Alerts.Spec, o.out)
	if err != nil {
		return h, err
	}
	groups, err := h.openGroupReceivers(cfg.Alerts.Receivers)
	if err != nil {
		return h, err
	}
	h.dispatcher, err = alert.NewDispatcher(h.store, append(receivers, o.more...), alert.Options{
		Retention: cfg.Alerts.Keep, Log: logger, Mask: h.masks, Groups: groups, Routing: cfg.Alerts.Spec,
	})
	return h, err
}

// openReceivers opens those who are told of every alert by itself.
func (h *house) openReceivers(spec alert.Spec, out io.Writer) (all []alert.Receiver, err error) {
	if spec.Stdout != "off" {
		all = append(all, alert.Receiver{Name: "stdout", Notifier: stdout.New(out, stdout.Format(spec.Stdout))})
	}
	if spec.File == "" {
		return all, nil
	}
	n, err := file.New(spec.File)
	if err != nil {
		return nil, fmt.Errorf("alerts: %w", err)
	}
	h.closers = append(h.closers, n)
	return append(all, alert.Receiver{Name: "file", Notifier: n}), nil
}

func (h *house) close() (err error) {
	for i := len(h.closers) - 1; i >= 0; i-- {
		err = errors.Join(err, h.closers[i].Close())
	}
	return err
}

// serve runs the service until it ends, with its metrics on an address, and its API, unless it has none.
func (h *house) serve(ctx context.Context, s *engine.Service, api *server.Server, cfg *config.Config) error {
	web, err := h.listen(s, api, cfg.Metrics.Listen)
	if err != nil {
		return err
	}
	watch := watchRules(cfg.Rules, h.out)
	group, ctx := errgroup.WithContext(ctx)
	running, ended := context.WithCancel(ctx)
	service := answerFirst(running, api, group.Go)
	group.Go(func() error {
		defer ended()
		return s.Run(service)
	})
	group.Go(func() error { return web.serve(running) })
	for _, c := range h.copies {
		group.Go(func() error { return c.Run(running) })
	}
	group.Go(func() error { reloadOnHangup(running, s); return nil })
	group.Go(func() error { watch.run(running, s.Reload); return nil })
	return group.Wait()
}

// reloadOnHangup reads the rules again whenever the process is told to.
func reloadOnHangup(ctx context.Context, s *engine.Service) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	for {
		select {
		case <-hangup:
			s.Reload()
		case <-ctx.Done():
			return
		}
	}
}
