package journal

import (
	"math/rand/v2"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestOrigins reads the records of some sources, and finds where the newest of them begin, and compares with looking at
// everything.
func TestOrigins(t *testing.T) {
	c := &clock{1000}
	o := small(vfs.NewMem())
	o.Now = c.now
	l := open(t, o)
	rng := rand.New(rand.NewPCG(1, 2))
	names := []string{"", "a", "b", "c"}
	for n := 0; n < 600; {
		to := n + 1 + rng.IntN(8)
		name := names[rng.IntN(4)]
		if n > 200 && n < 400 { // for a while nothing of a
			name = names[2*rng.IntN(2)]
		}
		if _, err := l.AppendBatch(ctx, batch(n, to, name, -1)); err != nil {
			t.Fatal(err)
		}
		n = to
		c.ms += int64(rng.IntN(20))
	}
	if s := l.Stats(); s.Segments < 5 {
		t.Fatalf("%d segments", s.Segments)
	}
	all := readAll(t, l.NewReader(0))
	for _, want := range [][]string{{"a"}, {"a", "c"}, {"nobody"}} {
		r := l.NewReader(0)
		r.Only(want...)
		got := map[int64]bool{}
		blocks := 0
		for _, x := range readAll(t, r) {
			got[x.Offset] = true
			blocks++
		}
		for _, x := range all {
			if isFrom(x, want) && !got[x.Offset] {
				t.Fatalf("%v: record %d is left out", want, x.Offset)
			}
		}
		if len(got) == len(all) || want[0] == "nobody" && blocks > 0 {
			t.Errorf("%v: %d of %d records are read", want, len(got), len(all))
		}
		for range 200 {
			newest(t, l, all, want, 1+rng.Int64N(int64(len(all))), 990+rng.Int64N(c.ms))
		}
	}
}

func isFrom(x Record, names []string) bool {
	for _, n := range names {
		if x.Source.Name == n {
			return true
		}
	}
	return false
}

// newest checks that what Newest finds has what was asked for, and that it has not gone back a block too far.
func newest(t *testing.T, l *Log, all []Record, names []string, n, since int64) {
	t.Helper()
	offset, err := l.Newest(ctx, names, n, since)
	if err != nil {
		t.Fatal(err)
	}
	have, missed := int64(0), int64(0)
	for _, x := range all {
		switch {
		case !isFrom(x, names):
		case x.Offset >= offset:
			have++
		case x.Appended >= since:
			missed++
		}
	}
	if have < n && missed > 0 {
		t.Fatalf("the newest %d of %v since %d: from %d on there are %d, and %d before it", n, names, since, offset, have, missed)
	}
	if offset == l.NextOffset() {
		return
	}
	_, h, _, err := l.NewReader(offset).locate()
	if err != nil || h.first != offset || h.appended < since {
		t.Fatalf("the newest %d of %v since %d begin at %d: no block that is asked for: %v", n, names, since, offset, err)
	}
	for _, x := range all[offset:h.next()] {
		if isFrom(x, names) {
			have--
		}
	}
	if have >= n {
		t.Fatalf("the newest %d of %v begin at %d: it has gone back too far", n, names, offset)
	}
}

// TestNewestPassesDamage looks for records behind a block that cannot be read.
func TestNewestPassesDamage(t *testing.T) {
	fs := vfs.NewMem()
	o := small(fs)
	l := open(t, o)
	for n := 0; n < 200; n += 4 {
		if _, err := l.AppendBatch(ctx, batch(n, n+4, "a", -1)); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	damageBlock(t, fs, l)
	l = open(t, o)
	offset, err := l.Newest(ctx, []string{"a"}, 1000, 0)
	if err != nil || offset != 0 {
		t.Errorf("%d, %v", offset, err)
	}
}

// damageBlock overwrites the header of a block of the first segment.
func damageBlock(t *testing.T, fs vfs.FS, l *Log) {
	t.Helper()
	g := l.segments[0]
	if _, _, err := l.loadBlocks(g, g.end, g.next); err != nil {
		t.Fatal(err)
	}
	f, err := fs.OpenReadWrite(fs.PathJoin(testDir, g.name), vfs.WriteCategoryUnspecified)
	if err == nil {
		_, err = f.WriteAt([]byte("nothing"), g.blocks[2].pos)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}
