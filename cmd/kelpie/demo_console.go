package main

import (
	"context"

	"kelpie/engine"
	"kelpie/server"
	"kelpie/source"
)

// noPosts is the way into the demo's log for others: there is none, the shop's events are made up.
type noPosts struct{}

// Add implements server.Posts.
func (noPosts) Add(context.Context, *source.Post) error { return engine.ErrNotRunning }

// openConsole makes the console of the demo and takes a free address of this machine; nil if it is not wanted.
func (d *running) openConsole(s *engine.Service) (*server.Server, error) {
	if !d.console {
		return nil, nil
	}
	spec := server.DefaultSpec()
	spec.Listen = "127.0.0.1:0"
	api, err := server.New(server.Options{
		Spec: spec, Service: s, Posts: noPosts{}, Log: d.house.log, Store: d.house.store, Teller: d.house.dispatcher, Disk: d.house.disk,
		Event: d.cfg.Event.Spec, Refused: int64(d.house.store.RejectedCounts().Total),
	})
	if err != nil {
		return nil, err
	}
	if err := api.Listen(); err != nil {
		return nil, err
	}
	return api, d.screen.say("    %s\n\nThe console: open it in a browser. It shows what you see here, with values and evidence.\n",
		d.screen.paint("opened", "http://"+api.Address().String()+"/"))
}

// wantsConsole reports whether somebody may look at the demo in a browser.
func (o *demoOptions) wantsConsole() bool { return !o.noConsole && !o.asJSON && !o.rush }
