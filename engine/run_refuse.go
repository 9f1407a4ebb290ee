package engine

import "context"

// refusals are events of one input that did not come as far as the log.
type refusals struct {
	input string
	list  []Rejection
	kept  *request // whose commit is waited for; it has no record
}

// Refuse puts events that an input has refused before they came to the log into the list of refused events, beside those
// that the fold refuses, and counts them. It returns when they are durable: the log does not hold them, so a crash must not
// come between the list and the answer. With an error it is not known whether they are kept. The list is the service's from
// then on.
func (s *Service) Refuse(ctx context.Context, input string, list []Rejection) error {
	r := refusals{input, list, &request{committed: make(chan struct{})}}
	select {
	case s.refused <- r:
	case <-s.ended:
		return ErrNotRunning
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-r.kept.committed:
		return nil
	case <-s.ended:
	case <-ctx.Done():
	}
	select {
	case <-r.kept.committed: // the service ends with a commit
		return nil
	default:
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return ErrNotRunning
}

func (l *loop) noteRefused(r refusals) error {
	if err := l.take(&Effects{Rejected: r.list}); err != nil {
		return err
	}
	in := l.tally.Inputs[r.input]
	in.Refused += int64(len(r.list))
	l.tally.Inputs[r.input] = in
	l.asked = append(l.asked, r.kept)
	l.touch()
	return l.makeRoom()
}
