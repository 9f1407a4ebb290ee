package engine_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/engine"
	"kelpie/engine/oracle"
	"kelpie/state"
)

// damage changes one byte of a row in a state, in the blocks that it may, behind what is checked when a row is read.
func damage(t *testing.T, fs vfs.FS, row, at int, to byte, may func(dim, unit uint16) bool) {
	t.Helper()
	store, err := state.Open("state", state.Options{FS: fs, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for dim := range uint16(16) {
		rows := state.NewRows(dim, new(state.Memory), store, 1<<20)
		err := store.ScanRows(dim, 0, func(hash uint64, key, _ []byte) error {
			r, ok, err := rows.Get(hash, key)
			if err != nil || !ok {
				return err
			}
			if body := bodyOf(&r, may); len(body) > 0 {
				if row == 0 {
					*body[at%len(body)] = to
					rows.MarkDirty(&r)
				}
				row--
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		b := store.NewBatch()
		defer b.Close()
		rows.Flush(b)
		if err := store.Commit(b, true); err != nil {
			t.Fatal(err)
		}
	}
}

// bodyOf returns where the bytes of some blocks of a row are.
func bodyOf(r *state.Row, may func(dim, unit uint16) bool) (body []*byte) {
	for i := range r.Blocks() {
		if !may(r.Dim(), r.Unit(i)) {
			continue
		}
		b := r.BlockAt(i)
		for k := range b {
			body = append(body, &b[k])
		}
	}
	return body
}

// halfway is a state in which half of a scenario has been folded.
func halfway(t testing.TB, s oracle.Scenario) *vfs.MemFS {
	fs := vfs.NewMem()
	s.Lines = s.Lines[:len(s.Lines)/2]
	if err := keep(t, fs, s); err != nil {
		t.Fatal(err)
	}
	return fs
}

// foldDamaged goes on with a damaged state and returns the error that comes of it.
func foldDamaged(t *testing.T, base *vfs.MemFS, s oracle.Scenario, row, at int, to byte, may func(dim, unit uint16) bool) error {
	t.Helper()
	fs := vfs.NewMem()
	if ok, err := vfs.Clone(base, fs, "state", "state"); err != nil || !ok {
		t.Fatal(ok, err)
	}
	damage(t, fs, row, at, to, may)
	return keep(t, fs, s)
}

// FuzzDamagedSketches changes a byte of what has been folded into sketches: whatever becomes of it, there is no panic.
func FuzzDamagedSketches(f *testing.F) {
	random := rand.New(rand.NewPCG(3, 5))
	for range 60 {
		f.Add(random.UintN(12), random.UintN(1<<12), byte(random.UintN(256)))
	}
	for at := range uint(48) { // the head
		f.Add(at%5, at, byte(0xff))
	}
	s := crashScenario(false)
	base, plan := halfway(f, s), planOf(f, s, engine.NewUnits())
	f.Fuzz(func(t *testing.T, row, at uint, to byte) {
		_ = foldDamaged(t, base, s, int(row%12), int(at%(1<<16)), to, plan.HoldsPanes)
	})
}

// TestDamagedSketches finds damage that the engine meets, and wants it told as such.
func TestDamagedSketches(t *testing.T) {
	s := crashScenario(false)
	base, plan := halfway(t, s), planOf(t, s, engine.NewUnits())
	met := 0
	for at := 0; at < 400 && met < 3; at += 3 {
		var b *engine.Broken
		if err := foldDamaged(t, base, s, at%5, at, 0xff, plan.HoldsPanes); errors.As(err, &b) {
			if met++; len(b.Stack) == 0 || b.While == "" {
				t.Errorf("%v: %q", b, b.Stack)
			}
		}
	}
	if met == 0 {
		t.Error("no damage was met")
	}
}
