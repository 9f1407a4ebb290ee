// Package alertmanager hands alerts to Prometheus' Alertmanager by its API v2, which then groups, silences and tells.
//
// Alertmanager knows an alert by its labels and holds it for over when its endsAt has passed. A firing alert is sent with
// an endsAt ahead, and anew with each notification of its group; the reminders of its route keep it alive.
package alertmanager

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"kelpie/alert"
	"kelpie/alert/post"
	"kelpie/secret"
)

// Notifier tells the Alertmanagers of one cluster.
type Notifier struct {
	spec   Spec
	header http.Header
	client *post.Client
}

// New returns a notifier with the given settings, which must be valid.
func New(s Spec, o post.Options) (*Notifier, error) {
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("alertmanager: %w", err)
	}
	if s.Expire == 0 {
		s.Expire = DefaultExpire
	}
	n := &Notifier{spec: s, header: http.Header{"Content-Type": {"application/json"}}}
	credentials := ""
	switch {
	case s.BasicAuth != (BasicAuth{}):
		credentials = base64.StdEncoding.EncodeToString([]byte(s.BasicAuth.Username + ":" + s.BasicAuth.Password.Reveal()))
		n.header.Set("Authorization", "Basic "+credentials)
	case !s.Bearer.IsZero():
		n.header.Set("Authorization", "Bearer "+s.Bearer.Reveal())
	}
	var err error
	if n.client, err = post.New(s.Spec, o, s.BasicAuth.Password, s.Bearer, secret.New(credentials)); err != nil {
		return nil, fmt.Errorf("alertmanager: %w", err)
	}
	return n, nil
}

// Close closes the connections.
func (n *Notifier) Close() error { return n.client.Close() }

// mostAtOnce is how many alerts a request has.
const mostAtOnce = 64

// NotifyGroup implements alert.GroupNotifier. Sending an alert again changes nothing, so that there is nothing to remember.
func (n *Notifier) NotifyGroup(ctx context.Context, note *alert.Notification) (memo string, err error) {
	for chunk := range slices.Chunk(n.alerts(note), mostAtOnce) {
		body, err := json.Marshal(chunk)
		if err != nil {
			return "", &alert.DeliveryError{Err: fmt.Errorf("alertmanager: %w", err), Final: true}
		}
		if err := n.post(ctx, body); err != nil {
			return "", fmt.Errorf("alertmanager: %w", err)
		}
	}
	return "", nil
}

// post sends to every Alertmanager, as those of a cluster want it. One that has taken it tells the people.
func (n *Notifier) post(ctx context.Context, body []byte) error {
	var errs []error
	for _, u := range n.spec.URLs {
		if _, err := n.client.Post(ctx, strings.TrimSuffix(u, "/")+"/api/v2/alerts", n.header, body); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) < len(n.spec.URLs) {
		return nil
	}
	return hopeful(errs)
}

// hopeful returns the error that leaves most hope: one that another try may mend, if there is any.
func hopeful(errs []error) error {
	for _, err := range errs {
		if !alert.Permanent(err) {
			return err
		}
	}
	return errors.Join(errs...)
}
