package rules

import (
	"strings"
	"testing"
)

func TestErrorShowsTheLine(t *testing.T) {
	f := func(src, at string, want string) {
		t.Helper()
		s := newSource("f.yml", src)
		off := strings.Index(src, at)
		if got := s.error(off, off+len(at), "", "message").Error(); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	}
	f("a: 1\nb: größe > x\n", "> x", "f.yml:2:10: message\n    b: größe > x\n             ^^^")
	f("a: 1\r\nb: 2\r\n", "b: 2\r\n", "f.yml:2:1: message\n    b: 2\n    ^^^^")
	f("a:\t\tx y\n", "x y", "f.yml:1:5: message\n    a:\t\tx y\n      \t\t^^^")
	f("a: "+strings.Repeat("x", 300)+"BAD"+strings.Repeat("y", 300), "BAD",
		"f.yml:1:304: message\n    "+strings.Repeat("x", 70)+"BAD"+strings.Repeat("y", 67)+"\n    "+strings.Repeat(" ", 70)+"^^^")
	f("a: two\n  lines\n", "two\n  lines", "f.yml:1:4: message\n    a: two\n       ^^^")
	f("x", "", "f.yml:1:1: message\n    x\n    ^")
}

func TestErrorWithoutAPlace(t *testing.T) {
	if got := (&Error{Message: "m", Hint: "h"}).Error(); got != "m\n    h" {
		t.Errorf("%q", got)
	}
	if got := (&Error{At: Place{File: "f"}, Message: "m"}).Error(); got != "f: m" {
		t.Errorf("%q", got)
	}
}

func TestErrorsAreSortedOnce(t *testing.T) {
	at := func(file string, line, col int) Place { return Place{file, line, col} }
	e := Errors{{At: at("b", 1, 1), Message: "4"}, {At: at("a", 2, 1), Message: "3"}, {At: at("a", 1, 9), Message: "2"}, {At: at("a", 1, 2), Message: "1"}, {At: at("a", 2, 1), Message: "3"}}
	var got []string
	for _, x := range e.sorted() {
		got = append(got, x.Message)
	}
	if strings.Join(got, " ") != "1 2 3 4" {
		t.Error(got)
	}
}
