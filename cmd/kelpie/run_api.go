package main

import (
	"context"
	"log/slog"

	"kelpie/config"
	"kelpie/engine"
	"kelpie/journal"
	"kelpie/server"
	"kelpie/source"
	"kelpie/state"
)

// posts makes the source of what is posted, which goes on numbering where the log stops.
func (h *house) posts() *source.Push {
	p, _ := h.log.Progress(server.Input)
	return source.NewPush(source.PushOptions{Name: server.Input, From: p.Mark.Line})
}

func postedInput(p *source.Push) engine.Input {
	return engine.Input{Name: server.Input, Live: true, Once: true, Open: func(resume) (source.Source, error) { return p, nil }}
}

// openAPI makes the API of a service and takes its address; nil if it is off.
func (h *house) openAPI(cfg *config.Config, s *engine.Service, posts *source.Push, logger *slog.Logger) (*server.Server, error) {
	if posts == nil {
		return nil, nil
	}
	buttons, err := h.slackButtons(cfg.Alerts.Receivers, s)
	if err != nil {
		return nil, err
	}
	api, err := server.New(server.Options{
		Mask: h.masks, Slack: buttons, Teller: h.dispatcher, Disk: h.disk, Copies: h.copiesStatus,
		Spec: cfg.HTTP, Service: remarking{s, h.copies}, Posts: posts, Log: h.log, Store: h.store, Sender: h.dispatcher, Version: readBuild().Version, Event: cfg.Event.Spec, ByTime: cfg.TimeSpec().ByTime, Records: readAgain(cfg), Future: cfg.Time.Future,
		Refused: int64(h.store.RejectedCounts().Total), Logger: logger,
	})
	if err != nil {
		return nil, err
	}
	return api, api.Listen()
}

// disk returns what log and state take.
func (h *house) disk() (journal.Stats, state.Stats) { return h.log.Stats(), h.store.Stats() }

// answerFirst lets the API end before the service does: it takes nothing new once ctx is done, and what it has taken comes
// to its end. It returns the context of the service.
func answerFirst(ctx context.Context, api *server.Server, start func(func() error)) context.Context {
	if api == nil {
		return ctx
	}
	service, stop := context.WithCancel(context.WithoutCancel(ctx))
	start(func() error {
		defer stop()
		return api.Serve(ctx)
	})
	return service
}
