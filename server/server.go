package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"kelpie/engine"
	"kelpie/event"
	"kelpie/evidence"
	"kelpie/journal"
	"kelpie/mask"
	"kelpie/source"
	"kelpie/state"
)

// Options say what a server answers from. It closes none of it.
type Options struct {
	Spec    Spec
	Service Service
	Posts   Posts
	Log     Log
	Store   *state.Store // what has been committed

	// Teller says how receivers stand, Disk what log and state take, and Copies how copies for topics stand; nil: it is not
	// known.
	Teller  Teller
	Disk    func() (journal.Stats, state.Stats)
	Copies  func() []CopiesStatus
	Version string // of the program
	Sender  Sender

	Event   event.Spec
	ByTime  bool                 // events are folded in order of their times
	Records evidence.OpenRecords // reads records of topics again; nil: there are none
	Future  time.Duration        // how far an event may be ahead of its arrival; 0: no limit
	Refused int64                // how many events have been refused before, from which their positions count on

	Slack http.Handler // what Slack calls when somebody presses a button; nil: nobody can

	Mask *mask.Fields // what nobody is to see; nil: everything may be seen

	Now    func() time.Time // nil is time.Now
	Logger *slog.Logger     // nil discards
}

// Service is what folds: engine.Service.
type Service interface {
	Health
	Decider
	Operator
	Reloader
	// Figures returns what the service has done, as it was at the last commit.
	Figures() *engine.Figures
	// Streams returns how reading goes of inputs that are logs elsewhere.
	Streams() []engine.InputStream
	// Phase returns what the service is doing.
	Phase() engine.Phase
	// Refuse keeps events that were refused.
	Refuse(ctx context.Context, input string, list []engine.Rejection) error
}

// Posts takes events on their way to the log: source.Push.
type Posts interface {
	// Add takes a post, or says why not.
	Add(ctx context.Context, p *source.Post) error
}

// Log is what the ids that are known are read from: journal.Log.
type Log interface {
	Stats() journal.Stats
	evidence.Log
	NewReader(offset int64) *journal.Reader
	Newest(ctx context.Context, names []string, n, since int64) (int64, error)
}

// Input is the name of what is posted, as metrics show it and the log keeps it.
const Input = "http"

// Server answers by HTTP.
type Server struct {
	o        Options
	routes   []*Route
	other    Route // of what is asked for and is not there
	handler  http.Handler
	tokens   []bearer
	sessions sessions
	proofs   proofCache
	hosts    map[string]bool // that requests may name, without tokens
	requests chan struct{}   // holds a token for each request that is worked on
	memory   budget
	decoders decoders
	known    *known
	loaded   atomic.Bool // known holds what the log holds
	stats    stats
	streams  atomic.Int64 // that are open
	plans    plans
	pace     pace
	began    time.Time
	certs    *certificates // nil: without TLS
	listener net.Listener
	stopping chan struct{}
}

// New returns a server that does not listen yet.
func New(o Options) (*Server, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		o: o, requests: make(chan struct{}, o.Spec.Requests), memory: budget{most: o.Spec.Memory},
		other: Route{Path: "other", Free: true}, tokens: bearers(o.Spec.Tokens), hosts: hostsOf(o.Spec),
		known: newKnown(o.Spec.Dedupe, o.Spec.DedupeIDs), stopping: make(chan struct{}), began: o.Now(),
	}
	if err := s.decoders.init(o.Event); err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	if o.Spec.TLS.Cert != "" {
		var err error
		if s.certs, err = newCertificates(o.Spec.TLS, o.Logger, o.Now); err != nil {
			return nil, err
		}
	}
	s.stats.refused.Store(o.Refused)
	s.route()
	return s, nil
}

// Handler returns what answers.
func (s *Server) Handler() http.Handler { return s.handler }

// Limits on what does not belong to one request.
const (
	idleTimeout = 2 * time.Minute // between requests
	headerBytes = 16 << 10
	stopTimeout = 10 * time.Second // for requests that are being answered when the server stops
)

// Listen takes the address, so that it is known at once if somebody else has it.
func (s *Server) Listen() error {
	l, err := net.Listen("tcp", s.o.Spec.Listen)
	if err != nil {
		return fmt.Errorf("http: %w: name another address, http.listen, or off", err)
	}
	s.listener = newLimited(l, s.o.Spec.Connections, &s.stats)
	s.o.Logger.Info("kelpie: listening", "address", l.Addr(), "api", s.o.Spec.Base())
	return nil
}

// Address returns where it listens.
func (s *Server) Address() net.Addr { return s.listener.Addr() }

// Serve answers until ctx is done; then it takes nothing new, and waits for what is being answered.
func (s *Server) Serve(ctx context.Context) error {
	h := &http.Server{
		Handler: s.handler, ReadTimeout: bodyGrace, IdleTimeout: idleTimeout, MaxHeaderBytes: headerBytes,
		ErrorLog: slog.NewLogLogger(s.o.Logger.Handler(), slog.LevelDebug),
	}
	serve := func() error { return h.Serve(s.listener) }
	if s.certs != nil {
		h.TLSConfig = s.certs.server()
		serve = func() error { return h.ServeTLS(s.listener, "", "") }
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		s.remember(ctx)
		return nil
	})
	group.Go(func() error {
		s.sample(ctx)
		return nil
	})
	group.Go(func() error {
		if err := serve(); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("http: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		close(s.stopping)
		soon, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		if err := h.Shutdown(soon); err != nil { // somebody is slow
			return h.Close()
		}
		return nil
	})
	return group.Wait()
}

// Stopping returns a channel that is closed when the server takes nothing new: answers that go on for as long as their
// callers stay end then.
func (s *Server) Stopping() <-chan struct{} { return s.stopping }
