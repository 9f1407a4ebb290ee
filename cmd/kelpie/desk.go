package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"kelpie/alert"
	"kelpie/alert/slack"
	"kelpie/config"
	"kelpie/engine"
	"kelpie/journal"
	"kelpie/mask"
	"kelpie/state"
)

// desk does what people ask for in a chat: it becomes an entry of the log, under their name.
type desk struct {
	service *engine.Service
	store   *state.Store
	masks   *mask.Fields
}

// slackButtons returns what Slack calls when somebody presses a button; nil if no receiver has a signing secret.
func (h *house) slackButtons(receivers []config.Receiver, s *engine.Service) (http.Handler, error) {
	var specs []slack.Spec
	for i := range receivers {
		if x := receivers[i].Slack; x != nil {
			specs = append(specs, *x)
		}
	}
	x, err := slack.NewInteractions(specs, &desk{s, h.store, h.masks}, notifierOptions(), h.out)
	if err != nil || x == nil {
		return nil, err
	}
	h.closers = append(h.closers, x)
	return x, nil
}

// Acknowledge implements slack.Desk.
func (d *desk) Acknowledge(ctx context.Context, alertID, by string) error {
	return d.service.Command(ctx, engine.Command{Kind: journal.AlertAcknowledged, Alert: alertID, By: by})
}

// Label implements slack.Desk.
func (d *desk) Label(ctx context.Context, alertID, word, by string) error {
	return d.service.Command(ctx, engine.Command{Kind: journal.AlertLabelled, Alert: alertID, By: by, Verdict: word})
}

// Silence implements slack.Desk: alerts of the same rule and key are not told for a while.
func (d *desk) Silence(ctx context.Context, alertID, by string, span time.Duration) error {
	a, err := alert.Get(d.store, alertID)
	if err != nil {
		return fmt.Errorf("silence: %w", err)
	}
	s, err := alert.SilenceLike(a.Masked(d.masks))
	if err != nil {
		return fmt.Errorf("silence: %w", err)
	}
	now := time.Now()
	s.From, s.To, s.By, s.Comment = now.UnixMilli(), now.Add(span).UnixMilli(), by, "by a button, at alert "+a.ID
	_, err = d.service.AddSilence(ctx, s)
	return err
}
