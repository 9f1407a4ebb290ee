package state

import (
	"slices"
	"testing"
)

// TestFetch holds what is read when: what is wanted in the order of the hashes, once each, whether it is there or not; and
// what was not there again only when rows have left memory.
func TestFetch(t *testing.T) {
	s, disk := twins(t, "a", "c")
	s.Cold += 10 // other rows
	want := []Wanted{{9, []byte("d")}, {2, []byte("a")}, {7, []byte("c")}, {9, []byte("d")}, {5, []byte("b")}}
	if err := s.Fetch(want); err != nil {
		t.Fatal(err)
	}
	read := func(want ...string) {
		t.Helper()
		if !slices.Equal(disk.reads, want) {
			t.Errorf("%q were read, want %q", disk.reads, want)
		}
		disk.reads = nil
	}
	read("a", "b", "c", "d")
	get := func(hash uint64, key string, want bool) {
		t.Helper()
		if _, ok, err := s.Get(hash, []byte(key)); ok != want || err != nil {
			t.Errorf("%s: found %v, %v, want %v", key, ok, err, want)
		}
	}
	get(2, "a", true)
	get(5, "b", false)
	read()
	get(5, "a", true) // another key of that hash
	read("a")
	if n := s.Evict(1 << 20); n != 3 {
		t.Fatalf("%d rows left memory, want 3", n)
	}
	get(5, "b", false)
	read("b")
}
