package engine

import "context"

// refusals are events of one input that did not come as far as the log.
type refusals struct {
	input string
	list  []Rejection
}

// Refuse puts events that an input has refused before they came to the log into the list of refused events, beside those
// that the fold refuses, and counts them. It returns when they are on their way to the next commit; a crash before it may
// lose them, since nothing depends on them. The list is the service's from then on.
func (s *Service) Refuse(ctx context.Context, input string, list []Rejection) error {
	select {
	case s.refused <- refusals{input, list}:
		return nil
	case <-s.ended:
		return ErrNotRunning
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *loop) noteRefused(r refusals) error {
	if err := l.take(&Effects{Rejected: r.list}); err != nil {
		return err
	}
	in := l.tally.Inputs[r.input]
	in.Refused += int64(len(r.list))
	l.tally.Inputs[r.input] = in
	l.touch()
	return l.makeRoom()
}
