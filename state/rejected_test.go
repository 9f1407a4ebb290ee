package state

import (
	"reflect"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/event"
)

// rejected returns the refused events that are kept, from a sequence number on.
func rejected(t *testing.T, s *Store, from uint64) (all []Rejected) {
	t.Helper()
	if err := s.Rejected(from, func(r Rejected) (bool, error) {
		all = append(all, r)
		return true, nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestRejectedKeepsWhatWasRefused(t *testing.T) {
	s := openMem(t, vfs.NewMem(), Options{})
	want := Rejected{
		Position: event.Position{Stream: "orders", Partition: 3, Offset: 42, Kind: event.KafkaPosition},
		Reason:   event.DuplicateKey, Detail: "the key is there twice", Offset: 17, Size: 25,
		Raw: []byte("{\"a\":1,\x00\xff\"a\":2}"),
	}
	commit(t, s, func(b *Batch) { b.Reject(want) })
	want.Sequence = 1
	if got := rejected(t, s, 0); len(got) != 1 || !reflect.DeepEqual(got[0], want) {
		t.Errorf("kept %+v, want %+v", got, want)
	}
	commit(t, s, func(b *Batch) { b.Reject(Rejected{Reason: event.TooLong, Raw: make([]byte, maxRaw+5)}) })
	if r := rejected(t, s, 2)[0]; r.Size != maxRaw+5 || len(r.Raw) != maxRaw {
		t.Errorf("kept %d of %d bytes", len(r.Raw), r.Size)
	}
}

func TestRejectedPushesOldestOut(t *testing.T) {
	fs := vfs.NewMem()
	bounds := RejectBounds{Events: 3, Bytes: 400}
	check := func(s *Store, wantFirst, wantLast, wantTotal uint64) {
		t.Helper()
		got := rejected(t, s, 0)
		c := s.RejectedCounts()
		if got[0].Sequence != wantFirst || got[len(got)-1].Sequence != wantLast || c.Total != wantTotal || c.Kept != len(got) {
			t.Errorf("kept %d to %d, counts %+v, want %d to %d of %d",
				got[0].Sequence, got[len(got)-1].Sequence, c, wantFirst, wantLast, wantTotal)
		}
	}
	add := func(s *Store, n, size int) {
		commit(t, s, func(b *Batch) {
			for range n {
				b.Reject(Rejected{Reason: event.NotJSON, Raw: []byte(strings.Repeat("x", size))})
			}
		})
	}
	s, err := Open(testDir, Options{FS: fs, Rejected: bounds})
	if err != nil {
		t.Fatal(err)
	}
	add(s, 7, 10) // by count, more in one batch than are kept
	check(s, 5, 7, 7)
	add(s, 1, 380) // by size
	check(s, 8, 8, 8)
	add(s, 1, 999) // larger than all that may be kept: the newest stays
	check(s, 9, 9, 9)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openMem(t, fs, Options{Rejected: bounds})
	check(s, 9, 9, 9)
	add(s, 2, 10)
	check(s, 10, 11, 11)
}
