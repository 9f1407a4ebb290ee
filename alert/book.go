package alert

import (
	"fmt"
	"slices"

	"kelpie/state"
)

// Book carries the alerts through their lives between commits: what the fold says of them is gathered here, and Flush
// puts it into the batch of a commit. It belongs to the goroutine that folds.
//
// An alert stays in memory from its change until the batch with it has been committed, so that nothing is lost between
// two batches that are under way. After that an open one stays while it is used, since it changes with every judgement
// that is true; what has been let go of is read back from the store.
type Book struct {
	store    *state.Store
	alerts   map[string]*entry
	order    []*entry  // changed since the last Flush, in order of their first change
	written  []written // by earlier flushes, whose batches have not been committed
	age      uint64    // how often alerts were let go of
	messages []queued  // since the last Flush
	silences map[string]silenceEntry
	epoch    uint64 // of the next Flush
	buf      []byte // of an alert
}

type entry struct {
	Alert
	epoch uint64 // of the Flush that writes, or wrote, its newest change; 0: there has been none
	age   uint64 // of the book when it was used last
}

// written is an entry that is in the batch of an epoch.
type written struct {
	*entry
	epoch uint64
}

// mostKept is how many alerts are kept in memory though the store has them.
const mostKept = 10_000

// queued is a message with the alert as it was then.
type queued struct {
	kind  Kind
	alert Alert
}

// NewBook returns an empty book over a store.
func NewBook(s *state.Store) *Book {
	return &Book{store: s, alerts: map[string]*entry{}, silences: map[string]silenceEntry{}, epoch: 1}
}

// Open begins the life of an alert. State, Updated and Evaluations are set here, ID too where it is not given.
func (k *Book) Open(a Alert) {
	if a.ID == "" {
		a.ID = ID(a.Rule, a.Key, a.Opened, a.Opener)
	}
	a.State, a.Updated, a.Evaluations = Firing, max(a.Updated, a.Opened), max(a.Evaluations, 1)
	e := &entry{Alert: a, age: k.age}
	k.alerts[a.ID] = e
	k.changed(e)
	k.messages = append(k.messages, queued{KindOpened, a})
}

// Update notes a further judgement that was true, as of at: the values then and, unless it is empty, the message.
// evaluations is how many there have been, 0 for one more. Nobody is told.
func (k *Book) Update(id string, at int64, evaluations int64, values []Value, message string) error {
	e, err := k.entry(id)
	if err != nil {
		return err
	}
	e.Updated, e.Values = at, values
	if message != "" {
		e.Message, e.Shown, e.Traced = message, nil, false
	}
	if e.Evaluations++; evaluations > 0 {
		e.Evaluations = evaluations
	}
	k.changed(e)
	return nil
}

// Resolve ends the life of an alert as of at.
func (k *Book) Resolve(id string, at int64, r Reason) error {
	e, err := k.entry(id)
	if err != nil {
		return err
	}
	e.State, e.Resolved, e.Reason = Resolved, at, r
	k.changed(e)
	k.messages = append(k.messages, queued{KindResolved, e.Alert})
	return nil
}

// Get returns the alert as it is now, changes that are not committed included. The error is state.ErrNotFound if there is
// none. The alert belongs to the book.
func (k *Book) Get(id string) (*Alert, error) {
	e, err := k.entry(id)
	if err != nil {
		return nil, err
	}
	return &e.Alert, nil
}

// Acknowledge notes who takes care of an open alert, and tells the receivers.
func (k *Book) Acknowledge(id string, m Mark) error {
	e, err := k.entry(id)
	if err != nil {
		return err
	}
	e.Acknowledged = &m
	k.changed(e)
	k.messages = append(k.messages, queued{KindAcknowledged, e.Alert})
	return nil
}

// Label notes what an alert turned out to be. Nobody is told.
func (k *Book) Label(id string, m Mark) error {
	e, err := k.entry(id)
	if err != nil {
		return err
	}
	e.Verdict = &m
	k.changed(e)
	return nil
}

// ResolvedBy notes who resolves an alert by hand; Resolve is to follow.
func (k *Book) ResolvedBy(id string, m Mark) error {
	e, err := k.entry(id)
	if err != nil {
		return err
	}
	e.ResolvedBy = &m
	k.changed(e)
	return nil
}

// entry returns the alert, from the store if it is not in memory.
func (k *Book) entry(id string) (*entry, error) {
	if e, ok := k.alerts[id]; ok {
		e.age = k.age
		return e, nil
	}
	row, err := k.store.Alert(id)
	if err != nil {
		return nil, fmt.Errorf("alert: %w", err)
	}
	a, err := decode(row)
	if err != nil {
		return nil, err
	}
	if a.ID != id { // the store finds an alert by the beginning of its id, too
		return nil, fmt.Errorf("alert: %q: %w", id, state.ErrNotFound)
	}
	e := &entry{Alert: *a, age: k.age}
	k.alerts[id] = e
	k.written = append(k.written, written{e, 0})
	return e, nil
}

func (k *Book) changed(e *entry) {
	if e.epoch != k.epoch {
		e.epoch = k.epoch
		k.order = append(k.order, e)
	}
}

// Urgent reports whether somebody is to be told of a change, or a silence has changed: then the commit is not to wait.
func (k *Book) Urgent() bool {
	if k.silencesChanged() {
		return true
	}
	for i := range k.messages {
		if k.messages[i].alert.Mode != Shadow {
			return true
		}
	}
	return false
}

// Flush puts all changes since the last Flush into the batch, with the messages about them. When the batch has been
// committed, Committed is to be told the epoch.
func (k *Book) Flush(b *state.Batch) (epoch uint64, err error) {
	for _, e := range k.order {
		if k.buf, err = put(b, &e.Alert, k.buf); err != nil {
			return 0, err
		}
		k.written = append(k.written, written{e, k.epoch})
	}
	for i := range k.messages {
		if err := Enqueue(b, &k.messages[i].alert, k.messages[i].kind); err != nil {
			return 0, err
		}
	}
	if err := k.flushSilences(b); err != nil {
		return 0, err
	}
	clear(k.order)
	clear(k.messages)
	k.order, k.messages = k.order[:0], k.messages[:0]
	k.epoch++
	return k.epoch - 1, nil
}

// Committed notes that the batch of an epoch, and of all before it, has been committed.
func (k *Book) Committed(epoch uint64) {
	k.written = slices.DeleteFunc(k.written, func(w written) bool {
		if w.epoch > epoch {
			return false
		}
		if !w.Open() && w.entry.epoch <= epoch {
			delete(k.alerts, w.ID)
		}
		return true
	})
	k.trim(epoch)
	for id, e := range k.silences {
		if e.epoch <= epoch {
			delete(k.silences, id)
		}
	}
}

// trim lets go of alerts that the store has and that were not used lately, if there are too many.
func (k *Book) trim(epoch uint64) {
	if len(k.alerts) <= mostKept {
		return
	}
	for id, e := range k.alerts {
		if e.epoch <= epoch && e.age != k.age {
			delete(k.alerts, id)
		}
	}
	k.age++
}
