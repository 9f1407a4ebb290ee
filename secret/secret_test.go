package secret

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestHidden prints and writes a secret in every way that a program is likely to.
func TestHidden(t *testing.T) {
	v := New("hush")
	if got := fmt.Sprintf("%v %+v %#v %s %q", v, struct{ V, v Value }{v, v}, v, []Value{v}, v); strings.Contains(got, "hush") {
		t.Errorf("a secret prints as %s", got)
	}
	if b, err := json.Marshal(map[string]Value{"token": v}); err != nil || strings.Contains(string(b), "hush") {
		t.Errorf("a secret is written as %s, %v", b, err)
	}
	if v.Reveal() != "hush" || v.IsZero() {
		t.Error("a secret is not what it was made of")
	}
	if (Value{}).String() != "" || !(Value{}).IsZero() {
		t.Error("no secret prints as one")
	}
}
