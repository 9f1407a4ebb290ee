// Package topics copies to topics of Kafka what the state keeps in a list: refused events, and decisions that were made.
// How far a list has been copied stands in the state too, so that each entry is copied at least once, and nobody who reads
// or folds ever waits for a broker.
package topics

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"kelpie/engine"
	"kelpie/mask"
	"kelpie/source/kafka"
	"kelpie/state"
)

// Sender writes records and waits until they are acknowledged: kafka.Producer. Its errors are *kafka.SendError, if it is
// known of which records they are.
type Sender interface {
	Send(ctx context.Context, ms []kafka.Message) error
}

// Options say how entries are copied, and where to.
type Options struct {
	Store  *state.Store
	Sender Sender
	Topic  string       // under whose name the place is kept: another one is given all that the list has
	Mask   *mask.Fields // what nobody is to see; nil: everything may be seen
	Clock  engine.Clock
	Log    *slog.Logger // nil discards
}

// list is what is copied: entries in the order of their numbers, from 1.
type list interface {
	// name says what its entries are, in the plural and in words; setting is that of the topic.
	name() string
	setting() string
	// read calls f with the entries from a number on, until f returns false. A message gets its time from the Copier.
	read(from uint64, f func(number uint64, m kafka.Message) bool) error
	// start returns the number before the oldest entry, if there is any, else that of the newest one ever.
	start() (uint64, error)
	// missing returns how many entries there were between two that follow one another.
	missing(before, number uint64) uint64
	// copied puts into a batch what follows of it that all entries up to a number have been copied.
	copied(b *state.Batch, upTo uint64)
	// excess returns up to which number entries are to be given up, since too many wait behind a number, and how many.
	excess(upTo uint64) (last uint64, n int64, err error)
	// ready holds a token when there are new entries, and waiting counts those behind a number.
	ready() <-chan struct{}
	waiting(upTo uint64) int64
}

// Copier copies one list. One goroutine runs it; any may ask for its Stats and Remarks.
type Copier struct {
	o       Options
	list    list
	place   string    // name of the note that says how far it is
	pending []item    // read from the list and not copied yet, in order
	last    uint64    // number of the last one that was read
	looked  time.Time // for too many entries
	figures figures
}

// item is an entry on its way.
type item struct {
	number  uint64
	message kafka.Message
}

// open returns a Copier that goes on where one of the same list and topic stopped.
func open(o Options, l list) (*Copier, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	c := &Copier{o: o, list: l, place: l.setting() + " " + o.Topic}
	v, err := o.Store.Note(c.place)
	if err != nil {
		return nil, fmt.Errorf("topics: %w", err)
	}
	if v != nil && len(v) != 8 {
		return nil, fmt.Errorf("topics: the note %q has %d bytes", c.place, len(v))
	}
	if v != nil {
		c.last = binary.BigEndian.Uint64(v)
		c.figures.done.Store(c.last)
		return c, nil
	}
	if c.last, err = l.start(); err != nil {
		return nil, fmt.Errorf("topics: %w", err)
	}
	return c, c.note()
}

const (
	mostAtOnce  = 500
	bytesAtOnce = 4 << 20
	firstPause  = time.Second // after a failure; then twice as long each time
	longestWait = time.Minute
	lookEvery   = time.Minute     // for entries that are too many
	lastTry     = 5 * time.Second // for what is left when it is to end
)

// Run copies until ctx is done, and then for a moment what is there already. An error is one of the state.
func (c *Copier) Run(ctx context.Context) error {
	sending, cancel := outlive(ctx, lastTry)
	defer cancel()
	pause := firstPause
	for ctx.Err() == nil {
		what, err := c.round(sending)
		if err != nil {
			return err
		}
		var again <-chan time.Time // never, if there is nothing to be copied
		switch what {
		case copied:
			pause = firstPause
			continue
		case failed:
			again = c.o.Clock.After(pause)
			pause = min(2*pause, longestWait)
		}
		c.wait(ctx, what, again)
	}
	for {
		if what, err := c.round(sending); err != nil || what != copied {
			return err
		}
	}
}

// outlive returns a context that ends some time after another one: what is on its way then need not be sent twice.
func outlive(ctx context.Context, by time.Duration) (longer context.Context, cancel func()) {
	longer, end := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.NewTimer(by)
		defer timer.Stop()
		select {
		case <-timer.C:
			end()
		case <-longer.Done():
		}
	})
	return longer, func() { stop(); end() }
}

// wait waits for entries, or after a failure for its pause.
func (c *Copier) wait(ctx context.Context, what outcome, again <-chan time.Time) {
	ready := c.list.ready()
	if what == failed {
		ready = nil
	}
	select {
	case <-ready:
	case <-again:
	case <-ctx.Done():
	}
}

// outcome is what came of a round.
type outcome int

const (
	idle   outcome = iota // there is nothing to be copied
	copied                // some are; there may be more
	failed                // another try is needed
)

// round sends what is pending, or what comes next in the list.
func (c *Copier) round(ctx context.Context) (outcome, error) {
	if err := c.bound(); err != nil {
		return failed, fmt.Errorf("topics: %w", err)
	}
	if len(c.pending) == 0 {
		if err := c.read(); err != nil {
			return failed, fmt.Errorf("topics: %w", err)
		}
	}
	if len(c.pending) == 0 {
		return idle, nil
	}
	ms := make([]kafka.Message, len(c.pending))
	for i, x := range c.pending {
		ms[i] = x.message
	}
	err := c.o.Sender.Send(ctx, ms)
	c.settle(err)
	if len(c.pending) == 0 {
		return copied, c.note()
	}
	if ctx.Err() == nil {
		c.trouble(err)
	}
	return failed, nil
}

// bound gives entries up, the oldest, if too many wait. It looks once a minute, since it may have to count them.
func (c *Copier) bound() error {
	now := c.o.Clock.Now()
	if now.Sub(c.looked) < lookEvery {
		return nil
	}
	c.looked = now
	last, n, err := c.list.excess(c.figures.done.Load())
	if err != nil || n == 0 {
		return err
	}
	b := c.o.Store.NewBatch()
	defer b.Close()
	c.list.copied(b, last)
	if err := c.o.Store.Commit(b, false); err != nil {
		return err
	}
	c.pending = slices.DeleteFunc(c.pending, func(x item) bool { return x.number <= last })
	c.last = max(c.last, last)
	c.figures.done.Store(last)
	c.figures.missed.Add(n)
	c.o.Log.Error("topics: "+c.list.name()+" are given up before they could be copied, since too many wait", "entries", n, "topic", c.o.Topic)
	return nil
}

// read takes the next entries of the list.
func (c *Copier) read() error {
	size, now := 0, c.o.Clock.Now().UnixMilli()
	return c.list.read(c.last+1, func(number uint64, m kafka.Message) bool {
		if gone := c.list.missing(c.last, number); gone > 0 {
			c.figures.missed.Add(int64(gone))
			c.o.Log.Error("topics: "+c.list.name()+" were pushed out of the list before they could be copied", "entries", gone, "topic", c.o.Topic)
		}
		m.Time = now
		c.pending, c.last = append(c.pending, item{number, m}), number
		size += len(m.Value)
		return len(c.pending) < mostAtOnce && size < bytesAtOnce
	})
}

// settle takes out of pending what was acknowledged, and what the topic will never take.
func (c *Copier) settle(err error) {
	var e *kafka.SendError
	switch {
	case err == nil:
		c.figures.copied.Add(int64(len(c.pending)))
		c.pending = nil
		return
	case !errors.As(err, &e):
		return
	}
	var left []item
	for _, f := range e.Failed {
		x := c.pending[f.Index]
		if !f.Refused {
			left = append(left, x)
			continue
		}
		c.figures.givenUp.Add(1)
		c.o.Log.Error("topics: the topic does not take one of the "+c.list.name(), "topic", c.o.Topic, "number", x.number, "error", f.Reason)
	}
	c.figures.copied.Add(int64(len(c.pending) - len(e.Failed)))
	c.pending = left
}

// note keeps how far it is. It need not be synced: what a crash takes away is copied once more.
func (c *Copier) note() error {
	b := c.o.Store.NewBatch()
	defer b.Close()
	c.list.copied(b, c.last)
	b.SetNote(c.place, binary.BigEndian.AppendUint64(nil, c.last))
	if err := c.o.Store.Commit(b, false); err != nil {
		return fmt.Errorf("topics: %w", err)
	}
	c.figures.done.Store(c.last)
	if c.figures.failing.Swap(false) {
		c.o.Log.Info("topics: "+c.list.name()+" are copied again", "topic", c.o.Topic)
	}
	return nil
}

// trouble counts a failure, and says it once.
func (c *Copier) trouble(err error) {
	c.figures.failures.Add(1)
	if !c.figures.failing.Swap(true) {
		c.o.Log.Warn("topics: "+c.list.name()+" cannot be copied, it will be tried again", "topic", c.o.Topic, "error", err)
	}
}
