// Package webhook posts notifications as JSON to an address, signed as Standard Webhooks asks.
package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"kelpie/alert"
	"kelpie/alert/post"
	"kelpie/alert/words"
)

// Notifier posts to one address.
type Notifier struct {
	url    string
	header http.Header
	keys   [][]byte  // that sign; none: nothing is signed
	body   *template // nil: the document itself
	max    int       // bytes of a body
	client *post.Client
}

// New returns a notifier with the given settings, which must be valid.
func New(s Spec, o post.Options) (*Notifier, error) {
	if err := s.Validate(); err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	n := &Notifier{url: s.URL.Reveal(), header: http.Header{}, max: s.max()}
	hide := append(s.Secrets[:len(s.Secrets):len(s.Secrets)], s.URL)
	for name, value := range s.Headers {
		n.header.Set(name, value.Reveal())
		hide = append(hide, value)
	}
	for _, v := range s.Secrets {
		key, err := signingKey(v.Reveal())
		if err != nil {
			return nil, fmt.Errorf("webhook: secrets: %w", err)
		}
		n.keys = append(n.keys, key)
	}
	var err error
	if s.Body != "" {
		if n.body, err = parseTemplate(s.Body, s.max()); err != nil {
			return nil, fmt.Errorf("webhook: body: %w", err)
		}
	}
	if n.client, err = post.New(s.Spec, o, hide...); err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	return n, nil
}

// Close closes the connections.
func (n *Notifier) Close() error { return n.client.Close() }

// NotifyGroup implements alert.GroupNotifier. A webhook remembers nothing.
func (n *Notifier) NotifyGroup(ctx context.Context, note *alert.Notification) (memo string, err error) {
	body, err := n.render(note)
	if err != nil {
		return "", &alert.DeliveryError{Err: fmt.Errorf("webhook: %w", err), Final: true}
	}
	header := n.header.Clone()
	header.Set("Content-Type", "application/json")
	header.Set("Kelpie-Attempt", strconv.Itoa(note.Attempt))
	sign(header, n.keys, words.DocumentID(note.Key), n.client.Now(), body)
	if _, err := n.client.Post(ctx, n.url, header, body); err != nil {
		return "", fmt.Errorf("webhook: %w", err)
	}
	return "", nil
}

// smallestTry is the document below which a template that gives too much is given up, bytes.
const smallestTry = 8 << 10

// render writes the body, within its limit: the document has fewer alerts, in shorter words, where it must.
func (n *Notifier) render(note *alert.Notification) ([]byte, error) {
	if n.body == nil {
		return words.Document(note, n.max)
	}
	for budget := n.max; budget >= smallestTry; budget /= 4 {
		d, err := words.Document(note, budget)
		if err != nil {
			return nil, err
		}
		body, err := n.body.render(d, n.max)
		if !errors.Is(err, errTooLong) {
			return body, err
		}
	}
	return nil, fmt.Errorf("body: %w: more than %d bytes", errTooLong, n.max)
}
