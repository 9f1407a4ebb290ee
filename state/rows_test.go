package state

import (
	"slices"
	"testing"
)

// shelf is a Backing that notes what it is asked.
type shelf struct {
	rows  map[string][]byte // by key; all have one hash
	reads []string
	seeks int
}

func (s *shelf) GetRow(_ uint16, _ uint64, key, dst []byte) ([]byte, error) {
	s.reads = append(s.reads, string(key))
	if b, ok := s.rows[string(key)]; ok {
		return append(dst, b...), nil
	}
	return nil, nil
}

func (s *shelf) SeekRows(_ uint16, _ uint64, f func([]byte) error) error {
	s.seeks++
	for _, b := range s.rows {
		if err := f(b); err != nil {
			return err
		}
	}
	return nil
}

// twins returns a cache over a shelf of rows whose keys share a hash.
func twins(t *testing.T, keys ...string) (*Rows, *shelf) {
	t.Helper()
	s := &shelf{rows: map[string][]byte{}}
	var m Memory
	made := NewRows(1, &m, nil, 0)
	for _, k := range keys {
		r, err := made.GetOrNew(0, 7, []byte(k), 80)
		if err != nil {
			t.Fatal(err)
		}
		s.rows[k] = slices.Clone(r.Bytes())
	}
	return NewRows(1, &Memory{}, s, int64(len(keys))), s
}

// found returns the keys of the rows that ByHash finds for a key.
func found(t *testing.T, s *Rows, key string) (keys []string) {
	t.Helper()
	if err := s.ByHash(7, RowCheck([]byte(key)), func(r Row) error {
		keys = append(keys, string(r.Key()))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	slices.Sort(keys)
	return keys
}

// TestByHashInMemory holds that a row in memory is found without asking the disk.
func TestByHashInMemory(t *testing.T) {
	s, disk := twins(t, "a")
	if _, ok, err := s.Get(7, []byte("a")); !ok || err != nil {
		t.Fatal(ok, err)
	}
	s.Cold++ // some other row is not in memory
	if got := found(t, s, "a"); !slices.Equal(got, []string{"a"}) || disk.seeks > 0 {
		t.Errorf("found %q with %d seeks", got, disk.seeks)
	}
}

// TestByHashTwins holds that of two keys of one hash the one on disk is found, too.
func TestByHashTwins(t *testing.T) {
	s, disk := twins(t, "a", "b")
	if _, ok, err := s.Get(7, []byte("a")); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if got := found(t, s, "b"); !slices.Equal(got, []string{"a", "b"}) || disk.seeks != 1 {
		t.Errorf("found %q with %d seeks", got, disk.seeks)
	}
	if r := s.handle(0); r.Check() == RowCheck([]byte("b")) {
		t.Error("the two keys have one check: choose others")
	}
}
