package state

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// Format is the version of what this package writes. A store with a higher one is refused.
const Format = 1

const ownerFile = "OWNER"

// Options says how to open a store. The zero value is a store on disk with default sizes.
type Options struct {
	FS       vfs.FS       // the file system; nil is the disk, vfs.NewMem() keeps all in memory
	Cache    int64        // bytes of Pebble's block cache; default 64 MiB
	MemTable int64        // bytes of one of Pebble's memtables; default 64 MiB
	ReadOnly bool         // change nothing: for the command line while no service runs
	Seed     uint64       // of the row hash of a new store; 0 draws one
	Rejected RejectBounds // of the list of refused events
	Log      *slog.Logger // nil discards
}

// Store is the open state. It is safe for concurrent use.
type Store struct {
	dir  string
	fs   vfs.FS
	db   *pebble.DB
	lock *pebble.Lock
	log  pebbleLog
	seed uint64

	readOnly bool
	ready    chan struct{} // holds a token after a commit that added to the outbox

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
	s := &Store{dir: dir, fs: o.FS, readOnly: o.ReadOnly, ready: make(chan struct{}, 1)}
	s.log.out = o.Log
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
	if o.MemTable <= 0 {
		o.MemTable = memTableSize
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Rejected.setDefaults()
}

func (s *Store) open(o Options) (err error) {
	p := s.pebbleOptions(o)
	p.Lock = s.lock
	if s.db, err = pebble.Open(s.dir, p); err != nil {
		return s.openError(err)
	}
	if err := s.loadFormat(o.Seed); err != nil {
		return err
	}
	if err := s.loadCounters(); err != nil {
		return err
	}
	return s.loadRejected(o.Rejected)
}

// openError puts Pebble's reasons not to open into words that say what to do.
func (s *Store) openError(err error) error {
	switch {
	case errors.Is(err, pebble.ErrDBDoesNotExist):
		return fmt.Errorf("state: open %q: %w", s.dir, ErrNone)
	case strings.Contains(err.Error(), "unknown format major version"):
		return fmt.Errorf("state: open %q: %w (%v): use the newer Kelpie that wrote it", s.dir, ErrNewer, err)
	}
	return fatal("open "+strconv.Quote(s.dir), err)
}

// lockFolder makes the folder where it may and takes its lock.
func (s *Store) lockFolder() error {
	if s.readOnly {
		if _, err := s.fs.Stat(s.dir); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("state: open %q: %w", s.dir, ErrNone)
		}
	} else if err := s.fs.MkdirAll(s.dir, 0o755); err != nil {
		return fatal("make folder", err)
	}
	lock, err := pebble.LockDirectory(s.dir, s.fs)
	if err != nil {
		if path := (*fs.PathError)(nil); errors.As(err, &path) {
			return fatal("lock folder", err)
		}
		return fmt.Errorf("state: open %q: %w by %s", s.dir, ErrInUse, s.owner())
	}
	s.lock = lock
	s.noteOwner()
	return nil
}

// noteOwner writes the process id beside the lock, for the message that a second process prints. The lock holds
// without it, so it is no error if it cannot be written.
func (s *Store) noteOwner() {
	f, err := s.fs.Create(s.fs.PathJoin(s.dir, ownerFile), vfs.WriteCategoryUnspecified)
	if err != nil {
		return
	}
	_, err = f.Write([]byte(strconv.Itoa(os.Getpid())))
	if err = errors.Join(err, f.Close()); err != nil {
		s.log.out.Debug("state: note owner", "error", err)
	}
}

func (s *Store) owner() string {
	f, err := s.fs.Open(s.fs.PathJoin(s.dir, ownerFile))
	if err != nil {
		return "another process"
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, 20))
	if pid, perr := strconv.Atoi(string(b)); err == nil && perr == nil {
		return fmt.Sprintf("process %d", pid)
	}
	return "another process"
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
func (s *Store) Err() error { return s.log.err() }

// Close closes the store and releases its folder. After a failure of the storage only the lock is released: what
// had not reached the disk is lost, as in a crash.
func (s *Store) Close() error {
	var err error
	if s.db != nil && s.Err() == nil {
		err = fatal("close", s.db.Close())
	}
	s.db = nil
	if s.lock != nil {
		err = errors.Join(err, fatal("unlock", s.lock.Close()))
		s.lock = nil
	}
	return err
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
	upper := after(append([]byte(nil), prefix...))
	if start == nil {
		start = prefix
	}
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: start, UpperBound: upper})
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
