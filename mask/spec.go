package mask

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"kelpie/event"
)

// Field is one entry of `mask:`: a field of events that is personal. It may be written as its path alone.
type Field struct {
	Path string `yaml:"field,short" json:"field"` // as rules write it: card_number, customer.email, "e-mail address"
	Show Show   `yaml:"show" json:"show"`         // what of it may be seen; default nothing
}

// Validate says what is wrong, each as an error that begins with the setting's name.
func (f Field) Validate() error {
	if _, err := event.ParsePath(f.Path); err != nil {
		return fmt.Errorf("field: %w", err)
	}
	return nil
}

// Show says how many characters of a value may be seen, at its beginning or its end. The zero Show is none.
type Show struct {
	Chars int
	Last  bool // at the end; else at the beginning
}

// mostShown is how many characters may be seen of a value.
const mostShown = 8

// UnmarshalText reads `nothing`, `first N` or `last N`.
func (s *Show) UnmarshalText(text []byte) error {
	if string(text) == "nothing" {
		*s = Show{}
		return nil
	}
	where, digits, _ := strings.Cut(string(text), " ")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || n > mostShown || where != "first" && where != "last" {
		return fmt.Errorf("%q: write nothing, or first or last with a number from 1 to %d, such as last 4", text, mostShown)
	}
	*s = Show{n, where == "last"}
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (s Show) MarshalText() ([]byte, error) {
	switch {
	case s.Chars == 0:
		return []byte("nothing"), nil
	case s.Last:
		return fmt.Appendf(nil, "last %d", s.Chars), nil
	}
	return fmt.Appendf(nil, "first %d", s.Chars), nil
}

// CheckFields says what is wrong with fields between each other and with where type, time and id of an event stand, which
// are seen everywhere and cannot be masked. Each error begins with the setting, mask.N.
func CheckFields(fields []Field, spec event.Spec) error {
	var errs []error
	spec = spec.WithDefaults()
	seen := map[string]bool{}
	for i, f := range fields {
		path := canonical(f.Path)
		if seen[path] {
			errs = append(errs, fmt.Errorf("mask.%d: %s is named twice", i, path))
		}
		seen[path] = true
		for _, x := range []struct{ what, at string }{{"type", spec.Type}, {"time", spec.Time}, {"id", spec.ID}} {
			if at := canonical(x.at); touches(path, at) {
				errs = append(errs, fmt.Errorf("mask.%d: %s holds the %s of events (%s), which is seen everywhere: name other fields", i, path, x.what, at))
			}
		}
	}
	return errors.Join(errs...)
}

// canonical writes a path in the way in which rules write it.
func canonical(path string) string {
	p, err := event.ParsePath(path)
	if err != nil {
		return path
	}
	return p.String()
}

// touches reports whether a value at one path can be seen at the other: one of them is the other, or is inside it.
func touches(a, b string) bool {
	return a == b || strings.HasPrefix(a, b+".") || strings.HasPrefix(b, a+".")
}
