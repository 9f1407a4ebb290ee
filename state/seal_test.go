package state

import (
	"errors"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestDamagedRow changes each byte of a stored row in turn, among them those that say when it is due: whatever reads it
// says that it is damaged.
func TestDamagedRow(t *testing.T) {
	s, err := Open(testDir, Options{FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var m Memory
	row, err := NewRows(1, &m, nil, 0).GetOrNew(0, 2, []byte("key"), 80)
	if err != nil {
		t.Fatal(err)
	}
	row.SetDue(1_700_000_000_000)
	copy(row.Ensure(3, 24), "some state of a unit")
	good := appendSealed(nil, row.Bytes())
	key := append(appendHashed(nil, kindRow, 1, 2), "key"...)
	nothing := func(uint64, []byte, []byte) error { return nil }
	for i := -1; i < len(good); i++ {
		v := append([]byte(nil), good...)
		if i >= 0 {
			v[i] ^= 0x10
		}
		if err := s.db.Set(key, v, pebble.NoSync); err != nil {
			t.Fatal(err)
		}
		_, get := s.GetRow(1, 2, []byte("key"), nil)
		seek := s.SeekRows(1, 2, func([]byte) error { return nil })
		for _, err := range []error{get, seek, s.ScanRows(1, RowHeaderSize, nothing), s.ScanRows(1, -1, nothing)} {
			if errors.Is(err, ErrFatal) != (i >= 0) {
				t.Errorf("with byte %d changed: %v", i, err)
			}
		}
	}
}
