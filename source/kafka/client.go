package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// client asks brokers one question at a time: which topics there are, where offsets are. Fetching has connections of its
// own.
type client struct {
	d         *dialer
	bootstrap []string

	mu    sync.Mutex
	first int              // of bootstrap, to be tried first
	known map[int32]string // brokers by id, from the last metadata
	conns map[string]*conn // by address
}

func newClient(c Connection) (*client, error) {
	d, err := newDialer(c)
	if err != nil {
		return nil, err
	}
	return &client{d: d, bootstrap: c.Brokers, known: map[int32]string{}, conns: map[string]*conn{}}, nil
}

// close ends all connections.
func (c *client) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		conn.close()
	}
	c.conns = map[string]*conn{}
}

// on runs f with a connection to an address, which is kept if f has no error. A kept connection may have been closed by
// the broker meanwhile: then f runs once more, with a new one.
func (c *client) on(ctx context.Context, addr string, f func(*conn) error) error {
	c.mu.Lock()
	kept := c.conns[addr]
	delete(c.conns, addr)
	c.mu.Unlock()
	if kept != nil {
		err := f(kept)
		if err == nil {
			c.keep(kept)
			return nil
		}
		if refused(err) {
			c.keep(kept)
			return err
		}
		kept.close()
		if ctx.Err() != nil || !hungUp(err) {
			return c.d.explain(working, addr, err)
		}
	}
	conn, err := c.d.dial(ctx, addr)
	if err != nil {
		return err
	}
	if err := f(conn); refused(err) {
		c.keep(conn)
		return err
	} else if err != nil {
		conn.close()
		return c.d.explain(asking, addr, err)
	}
	c.keep(conn)
	return nil
}

// refused reports whether an error is what a broker says: the connection is fine.
func refused(err error) bool {
	var r *refusal
	return errors.As(err, &r)
}

func (c *client) keep(conn *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if other := c.conns[conn.addr]; other != nil {
		other.close()
	}
	c.conns[conn.addr] = conn
}

// addresses returns all that are known: those of the settings, that which answered last first, then others.
func (c *client) addresses() (all []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.bootstrap {
		all = append(all, c.bootstrap[(c.first+i)%len(c.bootstrap)])
	}
	seen := map[string]bool{}
	for _, a := range all {
		seen[a] = true
	}
	for _, a := range c.known {
		if !seen[a] {
			all = append(all, a)
		}
	}
	return all
}

// metadata asks the first broker that answers. Its error says of all brokers of the settings what is wrong.
func (c *client) metadata(ctx context.Context, names []string) (*cluster, error) {
	var errs []error
	for i, addr := range c.addresses() {
		var all *cluster
		err := c.on(ctx, addr, func(conn *conn) (err error) {
			all, err = conn.metadata(ctx, names)
			return err
		})
		if err == nil && len(all.brokers) == 0 {
			err = fmt.Errorf("broker %s: knows of no brokers yet", addr)
		}
		if err == nil {
			c.mu.Lock()
			c.known = all.brokers
			if i < len(c.bootstrap) {
				c.first = (c.first + i) % len(c.bootstrap)
			}
			c.mu.Unlock()
			return all, nil
		}
		if ctx.Err() != nil {
			return nil, errors.Join(append(errs, err)...)
		}
		if i < len(c.bootstrap) {
			errs = append(errs, err)
		}
	}
	return nil, errors.Join(errs...)
}
