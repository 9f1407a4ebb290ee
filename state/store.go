package state

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Format is the version of what this package writes. A store with another one is refused.
const Format = 2 // since rows have checksums

// Options says how to open a store. The zero value is a store on disk with default sizes.
type Options struct {
	FS       vfs.FS       // the file system; nil is the disk, vfs.NewMem() keeps all in memory
	Cache    int64        // bytes of Pebble's block cache; default 64 MiB
	MemTable int64        // bytes of one of Pebble's memtables; default 64 MiB
	PageSize int          // bytes of the pages in which large blocks of rows are stored; default 16 KiB
	ReadOnly bool         // change nothing: for the command line while no service runs
	Seed     uint64       // of the row hash of a new store; 0 draws one
	Rejected RejectBounds // of the list of refused events
	Log      *slog.Logger // nil discards
}

// Store is the open state. It is safe for concurrent use.
type Store struct {
	dir    string
	fs     vfs.FS
	db     *pebble.DB
	lock   *pebble.Lock
	health *health
	seed   uint64

	readOnly bool
	pageSize int           // of large blocks
	ready    chan struct{} // holds a token after a commit that let messages be sent or changed silences
	refused  chan struct{} // holds a token after a commit with refused events
	made     chan struct{} // holds a token after a commit with KeepMade
	released atomic.Uint64 // sequence number up to which messages may be sent
	silenced atomic.Uint64 // commits that changed silences
	watched  struct {
		sync.Mutex
		more chan struct{} // closed, and made anew, when released has grown; nil: nobody waits for it
	}

	// numbering is held while a batch that needs sequence numbers is committed, so that numbers are given in the order
	// of commits and the counters on disk never go back.
	numbering struct {
		sync.Mutex
		counters counters
		rejected rejectQueue
	}
}

// Open opens the state in dir and makes it where there is none (not when read-only). The folder is locked: a second
// process gets ErrInUse with the first one's process id.
func Open(dir string, o Options) (*Store, error) {
	o.setDefaults()
	s := &Store{dir: filepath.Clean(dir), fs: o.FS, readOnly: o.ReadOnly, pageSize: o.PageSize, ready: make(chan struct{}, 1), refused: make(chan struct{}, 1), made: make(chan struct{}, 1), health: newHealth(o.Log)}
	if err := s.lockFolder(); err != nil {
		return nil, err
	}
	if err := s.open(o); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (o *Options) setDefaults() {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Cache <= 0 {
		o.Cache = 64 << 20
	}
	if o.PageSize <= 0 {
		o.PageSize = PageSize
	}
	if o.MemTable <= 0 {
		o.MemTable = memTableSize
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Rejected.setDefaults()
}

func (s *Store) open(o Options) error {
	if err := s.openPebble(o); err != nil {
		return err
	}
	if err := s.loadFormat(o.Seed); err != nil {
		return err
	}
	if err := s.loadCounters(); err != nil {
		return err
	}
	if err := s.loadRejected(o.Rejected); err != nil {
		return err
	}
	return s.Err()
}

func (s *Store) openPebble(o Options) error {
	p := s.pebbleOptions(o)
	p.Lock = s.lock
	var db *pebble.DB
	err := s.health.attempt("open "+strconv.Quote(s.dir), func() (err error) {
		db, err = pebble.Open(s.dir, p)
		return err
	})
	if err != nil {
		return s.openError(err)
	}
	s.db = db
	return nil
}

// openError puts Pebble's reasons not to open into words that say what to do.
func (s *Store) openError(err error) error {
	switch {
	case errors.Is(err, ErrFatal):
		return err
	case errors.Is(err, pebble.ErrDBDoesNotExist):
		return fmt.Errorf("state: open %q: %w", s.dir, ErrNone)
	case strings.Contains(err.Error(), "unknown format major version"):
		return fmt.Errorf("state: open %q: %w (%v): use the newer Kelpie that wrote it", s.dir, ErrNewer, err)
	}
	return fatal("open "+strconv.Quote(s.dir), err)
}

// loadFormat checks the format version, or writes it and the seed into a new store.
func (s *Store) loadFormat(seed uint64) error {
	b, err := s.get(appendNamed(nil, kindMeta, metaFormat), nil)
	if err != nil {
		return err
	}
	if b == nil {
		return s.initialize(seed)
	}
	if len(b) != 4 {
		return damaged("format version", []byte(metaFormat))
	}
	if v := binary.LittleEndian.Uint32(b); v > Format {
		return fmt.Errorf("state: open %q: %w (%d, this Kelpie knows up to %d): use the newer Kelpie that wrote it", s.dir, ErrNewer, v, Format)
	} else if v < Format {
		return fmt.Errorf("state: open %q: %w (%d, this Kelpie writes %d): delete it, it is made anew from the log", s.dir, ErrOlder, v, Format)
	}
	b, err = s.get(appendNamed(nil, kindMeta, metaSeed), nil)
	if err != nil {
		return err
	}
	if len(b) != 8 {
		return damaged("seed", []byte(metaSeed))
	}
	s.seed = binary.LittleEndian.Uint64(b)
	return nil
}

// initialize writes format and seed into an empty store, and refuses one that holds somebody else's keys.
func (s *Store) initialize(seed uint64) error {
	it, err := s.db.NewIter(nil)
	if err != nil {
		return fatal("read", err)
	}
	foreign := it.First()
	if err := it.Close(); err != nil {
		return fatal("read", err)
	}
	if foreign {
		return fmt.Errorf("state: open %q: this folder holds a Pebble store that is not Kelpie's", s.dir)
	}
	if s.readOnly {
		return fmt.Errorf("state: open %q: %w", s.dir, ErrNone)
	}
	for seed == 0 {
		var b [8]byte
		if _, err := rand.Read(b[:]); err != nil {
			return fatal("draw seed", err)
		}
		seed = binary.LittleEndian.Uint64(b[:])
	}
	s.seed = seed
	b := s.NewBatch()
	defer b.Close()
	b.setMeta(kindMeta, metaFormat, binary.LittleEndian.AppendUint32(nil, Format))
	b.setMeta(kindMeta, metaSeed, binary.LittleEndian.AppendUint64(nil, seed))
	return s.Commit(b, true)
}

// Seed returns the store's own random number, made once. Key hashes are seeded with it, so that nobody outside can
// choose keys that collide.
func (s *Store) Seed() uint64 { return s.seed }

// Dir returns the folder that the store is in.
func (s *Store) Dir() string { return s.dir }

// Err returns the failure after which the store takes no commit, or nil.
func (s *Store) Err() error { return s.health.err() }

// Failed returns a channel that is closed at the first failure of the storage.
func (s *Store) Failed() <-chan struct{} { return s.health.over }

// StopWaiting makes a full disk a failure. Until then a commit waits for room.
func (s *Store) StopWaiting() { s.health.stopWaiting() }

// Close closes the store, which nobody may use any more, and releases its folder. After a failure of the storage it does nothing: what had not
// reached the disk is lost, as in a crash, and the folder stays locked until the process ends, because Pebble may still
// be at work in it.
func (s *Store) Close() error {
	if s.Err() != nil {
		return nil
	}
	s.StopWaiting()
	if s.db != nil {
		db := s.db
		s.db = nil
		if err := s.health.attempt("close", db.Close); err != nil {
			return fatal("close", err)
		}
	}
	if s.lock != nil {
		lock := s.lock
		s.lock = nil
		return fatal("unlock", lock.Close())
	}
	return nil
}

// get appends the value of key to dst; nil if there is none.
func (s *Store) get(key, dst []byte) ([]byte, error) {
	v, closer, err := s.db.Get(key)
	if err == pebble.ErrNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, fatal("read", err)
	}
	if dst = append(dst, v...); dst == nil {
		dst = []byte{}
	}
	if err := closer.Close(); err != nil {
		return nil, fatal("read", err)
	}
	return dst, nil
}

// scan calls f with every key and value that begin with prefix, from the key start on, where that is given. Both
// belong to the store and are valid during the call. f returns false to end the scan.
func (s *Store) scan(prefix, start []byte, f func(key, value []byte) (bool, error)) error {
	return s.scanIn(s.db, prefix, start, f)
}

// scanIn is scan of what a reader sees.
func (s *Store) scanIn(from pebble.Reader, prefix, start []byte, f func(key, value []byte) (bool, error)) error {
	upper := after(append([]byte(nil), prefix...))
	if start == nil {
		start = prefix
	}
	it, err := from.NewIter(&pebble.IterOptions{LowerBound: start, UpperBound: upper})
	if err != nil {
		return fatal("scan", err)
	}
	for ok := it.First(); ok; ok = it.Next() {
		v, err := it.ValueAndErr()
		if err != nil {
			return errors.Join(fatal("scan", err), it.Close())
		}
		more, err := f(it.Key(), v)
		if err != nil {
			return errors.Join(err, it.Close())
		}
		if !more {
			break
		}
	}
	return fatal("scan", it.Close())
}

// InMemory opens an empty store that is kept in memory and gone when it is closed. seed is that of its row hash.
func InMemory(seed uint64) (*Store, error) {
	return Open("state", Options{FS: vfs.NewMem(), Seed: seed, Cache: 8 << 20, MemTable: 8 << 20})
}
