// Package pagerduty tells PagerDuty by its Events API v2: an incident a group, triggered when it opens, acknowledged when
// somebody takes care of it, resolved when it is over.
package pagerduty

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"

	"kelpie/alert"
	"kelpie/alert/post"
	"kelpie/secret"
)

// Spec is the part `pagerduty:` of a receiver.
type Spec struct {
	RoutingKey secret.Value `yaml:"routing_key"` // of the service's integration "Events API v2"
	URL        string       `yaml:"url"`         // default https://events.pagerduty.com/v2/enqueue; in the EU https://events.eu.pagerduty.com/v2/enqueue
	Source     string       `yaml:"source"`      // which system is affected; default kelpie

	post.Spec `yaml:",inline"`
}

const (
	defaultURL    = "https://events.pagerduty.com/v2/enqueue"
	defaultSource = "kelpie"
)

// Validate says what is wrong with the settings, each as an error that begins with the setting's name.
func (s Spec) Validate() error {
	errs := []error{s.Spec.Validate()}
	if key := s.RoutingKey.Reveal(); len(key) != 32 {
		errs = append(errs, errors.New("routing_key: must be the 32 characters of an integration key"))
	}
	if s.URL != "" {
		if err := post.CheckURL(s.URL); err != nil {
			errs = append(errs, fmt.Errorf("url: %w", err))
		}
	}
	return errors.Join(errs...)
}

// Where says where events go, without what is secret.
func (s Spec) Where() string { return post.Host(cmp.Or(s.URL, defaultURL)) }

// Paths returns the settings that are paths of files.
func (s *Spec) Paths() []*string { return s.TLS.Paths() }

// Notifier tells one service of PagerDuty.
type Notifier struct {
	spec   Spec
	client *post.Client
}

// New returns a notifier with the given settings, which must be valid.
func New(s Spec, o post.Options) (*Notifier, error) {
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("pagerduty: %w", err)
	}
	if s.URL == "" {
		s.URL = defaultURL
	}
	if s.Source == "" {
		s.Source = defaultSource
	}
	client, err := post.New(s.Spec, o, s.RoutingKey)
	if err != nil {
		return nil, fmt.Errorf("pagerduty: %w", err)
	}
	return &Notifier{s, client}, nil
}

// Close closes the connections.
func (n *Notifier) Close() error { return n.client.Close() }

// NotifyGroup implements alert.GroupNotifier. PagerDuty knows the incident by its dedup key, so that there is nothing to
// remember. A test is triggered and resolved at once.
func (n *Notifier) NotifyGroup(ctx context.Context, note *alert.Notification) (memo string, err error) {
	err = n.enqueue(ctx, note, actionOf(note))
	if err == nil && note.Kind == alert.KindTest {
		err = n.enqueue(ctx, note, resolve)
	}
	if err != nil {
		return "", fmt.Errorf("pagerduty: %w", err)
	}
	return "", nil
}

func (n *Notifier) enqueue(ctx context.Context, note *alert.Notification, action string) error {
	body, err := n.request(note, action)
	if err != nil {
		return &alert.DeliveryError{Err: err, Final: true}
	}
	_, err = n.client.Post(ctx, n.spec.URL, http.Header{"Content-Type": {"application/json"}}, body)
	return err
}
