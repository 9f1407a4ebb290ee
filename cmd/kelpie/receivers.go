package main

import (
	"fmt"
	"io"

	"kelpie/alert"
	"kelpie/alert/alertmanager"
	"kelpie/alert/pagerduty"
	"kelpie/alert/post"
	"kelpie/alert/slack"
	"kelpie/alert/webhook"
	"kelpie/config"
)

// notifierKind is a way in which a receiver may be told: the name of its settings in a receiver, and how it is opened. Of
// a receiver that is not told in this way open returns nil.
type notifierKind struct {
	name string
	open func(*config.Receiver, post.Options) (alert.GroupNotifier, error)
}

// notifierKinds are all of them, in the order of their names.
var notifierKinds = []notifierKind{
	{"alertmanager", func(r *config.Receiver, o post.Options) (alert.GroupNotifier, error) {
		if r.Alertmanager == nil {
			return nil, nil
		}
		return alertmanager.New(*r.Alertmanager, o)
	}},
	{"pagerduty", func(r *config.Receiver, o post.Options) (alert.GroupNotifier, error) {
		if r.PagerDuty == nil {
			return nil, nil
		}
		return pagerduty.New(*r.PagerDuty, o)
	}},
	{"slack", func(r *config.Receiver, o post.Options) (alert.GroupNotifier, error) {
		if r.Slack == nil {
			return nil, nil
		}
		return slack.New(*r.Slack, o)
	}},
	{"webhook", func(r *config.Receiver, o post.Options) (alert.GroupNotifier, error) {
		if r.Webhook == nil {
			return nil, nil
		}
		return webhook.New(*r.Webhook, o)
	}},
}

// openGroupReceivers opens the receivers of groups.
func (h *house) openGroupReceivers(receivers []config.Receiver) (all []alert.GroupReceiver, err error) {
	o := post.Options{Agent: "kelpie/" + readBuild().Version}
	for i := range receivers {
		r := &receivers[i]
		g := alert.GroupReceiver{ReceiverSpec: r.ReceiverSpec}
		for _, k := range notifierKinds {
			n, err := k.open(r, o)
			if err != nil {
				return nil, fmt.Errorf("alerts: receiver %s: %s: %w", r.Name, k.name, err)
			}
			if n == nil {
				continue
			}
			if c, ok := n.(io.Closer); ok {
				h.closers = append(h.closers, c)
			}
			g.Notifiers = append(g.Notifiers, alert.NamedNotifier{Kind: k.name, Notifier: n})
		}
		all = append(all, g)
	}
	return all, nil
}
