package main

import (
	"fmt"
	"io"

	"kelpie/alert"
	"kelpie/alert/alertmanager"
	"kelpie/alert/email"
	"kelpie/alert/kafka"
	"kelpie/alert/pagerduty"
	"kelpie/alert/post"
	"kelpie/alert/slack"
	"kelpie/alert/webhook"
	"kelpie/config"
)

// notifierKind is a way in which a receiver may be told.
type notifierKind struct {
	name  string                        // of its settings in a receiver
	where func(*config.Receiver) string // where messages go, without what is secret; "" of a receiver that is not told in this way
	open  func(*config.Receiver, post.Options) (alert.GroupNotifier, error)
}

// notifierKinds are all of them, in the order of their names.
var notifierKinds = []notifierKind{
	kindOf("alertmanager", func(r *config.Receiver) *alertmanager.Spec { return r.Alertmanager }, alertmanager.New),
	kindOf("email", func(r *config.Receiver) *email.Spec { return r.Email }, email.New),
	kindOf("kafka", func(r *config.Receiver) *kafka.Spec { return r.Kafka }, kafka.New),
	kindOf("pagerduty", func(r *config.Receiver) *pagerduty.Spec { return r.PagerDuty }, pagerduty.New),
	kindOf("slack", func(r *config.Receiver) *slack.Spec { return r.Slack }, slack.New),
	kindOf("webhook", func(r *config.Receiver) *webhook.Spec { return r.Webhook }, webhook.New),
}

func kindOf[S interface{ Where() string }, N alert.GroupNotifier](
	name string, of func(*config.Receiver) *S, open func(S, post.Options) (N, error),
) notifierKind {
	return notifierKind{
		name: name,
		where: func(r *config.Receiver) string {
			if s := of(r); s != nil {
				return (*s).Where()
			}
			return ""
		},
		open: func(r *config.Receiver, o post.Options) (alert.GroupNotifier, error) {
			n, err := open(*of(r), o)
			if err != nil {
				return nil, fmt.Errorf("receiver %s: %w", r.Name, err)
			}
			return n, nil
		},
	}
}

// notifierOptions are what every notifier is given.
func notifierOptions() post.Options { return post.Options{Agent: "kelpie/" + readBuild().Version} }

// openGroupReceivers opens the receivers of groups.
func (h *house) openGroupReceivers(receivers []config.Receiver) (all []alert.GroupReceiver, err error) {
	o := notifierOptions()
	for i := range receivers {
		r := &receivers[i]
		g := alert.GroupReceiver{ReceiverSpec: r.ReceiverSpec}
		for _, k := range notifierKinds {
			if k.where(r) == "" {
				continue
			}
			n, err := k.open(r, o)
			if err != nil {
				return nil, fmt.Errorf("alerts: %w", err)
			}
			if c, ok := n.(io.Closer); ok {
				h.closers = append(h.closers, c)
			}
			if w, ok := n.(writer); ok {
				h.writers = append(h.writers, topicWriter{r.Name, w})
			}
			g.Notifiers = append(g.Notifiers, alert.NamedNotifier{Kind: k.name, Notifier: n})
		}
		all = append(all, g)
	}
	return all, nil
}
