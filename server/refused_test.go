package server_test

import (
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestRefusedAreDurable pulls the plug as soon as somebody has been told that an event was refused: the list holds it.
func TestRefusedAreDurable(t *testing.T) {
	mem := vfs.NewCrashableMem()
	h := newHouse(t, mem)
	h.open()
	for i, c := range []struct{ path, body string }{
		{"/v1/events", `[{"type":1},` + order("", "c1", h.now()) + `,{"no":2}]`},
		{"/v1/events", `{"type":"x","time":"never"}`},
		{"/v1/decisions", `{"type":"x"}`},
	} {
		if x := h.postTo(c.path, c.body); x.status != 207 && x.status != 422 {
			t.Fatalf("%d %s", x.status, x.body)
		}
		left := newHouse(t, mem.CrashClone(vfs.CrashCloneCfg{}))
		left.open()
		want := []string{"http@1 missing-time", "http@2 missing-type", "http@3 unparsable-time", "http@4 missing-time"}[:i+2]
		got := left.rejected()
		for k := range got {
			got[k], _, _ = strings.Cut(got[k], " {")
		}
		if strings.Join(got, ", ") != strings.Join(want, ", ") {
			t.Errorf("after %s the list is %q, want %q", c.body, got, want)
		}
		if x := left.post(`{"type":"y"}`); x.Events[0].Position != "http@"+string(rune('3'+i)) {
			t.Errorf("the next one is %s", x.body)
		}
		if err := left.close(); err != nil {
			t.Error(err)
		}
	}
}
