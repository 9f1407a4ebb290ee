package state

import (
	"errors"
	"math"

	"github.com/cockroachdb/pebble/v2"
)

// GetRow appends the stored row of (dim, hash, key) to dst; nil, nil if there is none. It allocates nothing of its
// own while dst has room for the key, and for the row and a little more.
func (s *Store) GetRow(dim uint16, hash uint64, key, dst []byte) ([]byte, error) {
	k := append(appendHashed(dst[len(dst):], kindRow, dim, hash), key...) // where the row will stand
	v, closer, err := s.db.Get(k)
	if err == pebble.ErrNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, fatal("read", err)
	}
	row, ok := appendUnsealed(dst, v)
	if err := closer.Close(); err != nil {
		return nil, fatal("read", err)
	}
	if ok && isPaged(row[len(dst):]) {
		return s.getPaged(dim, hash, key, dst)
	}
	if !ok {
		return nil, damaged("row", append(appendHashed(nil, kindRow, dim, hash), key...))
	}
	if row == nil {
		row = []byte{}
	}
	return row, nil
}

// getPaged is GetRow of a row whose large blocks stand in pages: all of one moment.
func (s *Store) getPaged(dim uint16, hash uint64, key, dst []byte) ([]byte, error) {
	now := s.db.NewSnapshot()
	row, err := s.getWhole(now, dim, hash, key)
	if err := errors.Join(err, fatal("read", now.Close())); err != nil {
		return nil, err
	}
	return append(dst, row...), nil
}

func (s *Store) getWhole(from pebble.Reader, dim uint16, hash uint64, key []byte) ([]byte, error) {
	k := append(appendHashed(nil, kindRow, dim, hash), key...)
	v, closer, err := from.Get(k)
	if err == pebble.ErrNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, fatal("read", err)
	}
	row, ok := appendUnsealed(nil, v)
	if err := closer.Close(); err != nil {
		return nil, fatal("read", err)
	}
	switch {
	case !ok:
		return nil, damaged("row", k)
	case isPaged(row):
		return s.whole(from, dim, hash, key, row)
	}
	return row, nil
}

// SeekRows calls f with every stored row of (dim, hash). The row is valid during the call.
func (s *Store) SeekRows(dim uint16, hash uint64, f func(row []byte) error) error {
	now := s.db.NewSnapshot()
	err := s.scanIn(now, appendHashed(nil, kindRow, dim, hash), nil, func(k, v []byte) (bool, error) {
		row, err := s.unpackRow(now, nil, k, v)
		if err != nil {
			return false, err
		}
		return true, f(row)
	})
	return errors.Join(err, fatal("scan", now.Close()))
}

// unpackRow returns the whole row of a stored key and value, in dst where there is room.
func (s *Store) unpackRow(from pebble.Reader, dst, k, v []byte) ([]byte, error) {
	dim, hash, key, ok := parseRowKey(k)
	if !ok {
		return nil, damaged("row", k)
	}
	row, ok := appendUnsealed(dst[:0], v)
	switch {
	case !ok:
		return nil, damaged("row", k)
	case isPaged(row):
		return s.whole(from, dim, hash, key, row)
	}
	return row, nil
}

// ScanRows calls f with hash, key and the first bytes (at most head of them; all with head < 0) of every row of dim,
// ordered by hash. Key and value are valid during the call. At start it finds what is due without keeping the rows.
func (s *Store) ScanRows(dim uint16, head int, f func(hash uint64, key, value []byte) error) error {
	return s.ScanHashes(dim, 0, math.MaxUint64, head, f)
}

// ScanHashes is ScanRows for the hashes from first to last, so that shards can be scanned side by side.
func (s *Store) ScanHashes(dim uint16, first, last uint64, head int, f func(hash uint64, key, value []byte) error) error {
	var row []byte
	now := s.db.NewSnapshot()
	err := s.scanIn(now, be.AppendUint16([]byte{kindRow}, dim), appendHashed(nil, kindRow, dim, first), func(k, v []byte) (bool, error) {
		_, hash, key, ok := parseRowKey(k)
		if !ok {
			return false, damaged("row", k)
		}
		if hash > last {
			return false, nil
		}
		if head < 0 || head > packHead {
			var err error
			if row, err = s.unpackRow(now, row, k, v); err != nil {
				return false, err
			}
			v = row
		} else if v, ok = unseal(v); !ok {
			return false, damaged("row", k)
		}
		if head >= 0 && len(v) > head {
			v = v[:head]
		}
		return true, f(hash, key, v)
	})
	return errors.Join(err, fatal("scan", now.Close()))
}

// GetChunk appends a chunk of the row of (dim, hash, key) to dst; nil, nil if there is none.
func (s *Store) GetChunk(dim uint16, hash uint64, key []byte, chunk uint64, dst []byte) ([]byte, error) {
	return s.get(be.AppendUint64(appendChunks(nil, dim, hash, key), chunk), dst)
}

// ScanChunks calls f with every chunk of the row of (dim, hash, key), ordered by chunk number. The value is valid
// during the call.
func (s *Store) ScanChunks(dim uint16, hash uint64, key []byte, f func(chunk uint64, value []byte) error) error {
	return s.scan(appendChunks(nil, dim, hash, key), nil, func(k, v []byte) (bool, error) {
		_, _, _, chunk, ok := parseChunkKey(k)
		if !ok {
			return false, damaged("chunk", k)
		}
		return true, f(chunk, v)
	})
}

// Dimensions returns the key dimensions that have stored rows.
func (s *Store) Dimensions() (dims []uint16, err error) {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{kindRow}, UpperBound: []byte{kindRow + 1}})
	if err != nil {
		return nil, fatal("scan", err)
	}
	for ok := it.First(); ok; {
		dim, _, _, valid := parseRowKey(it.Key())
		if !valid {
			return nil, errors.Join(damaged("row", it.Key()), it.Close())
		}
		dims = append(dims, dim)
		ok = it.SeekGE(after(be.AppendUint16([]byte{kindRow}, dim)))
	}
	return dims, fatal("scan", it.Close())
}
