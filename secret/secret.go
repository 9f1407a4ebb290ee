// Package secret holds values that must not be shown, and reads them from where they are kept.
package secret

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Value is a value that must not be shown. In a file it is written as it is or, better, as a reference:
// ${env:NAME} is an environment variable, ${file:PATH} the content of a file without the line break at its end.
// Only secrets may be references, so that nothing else ends up in a log by accident.
type Value struct {
	text *string // a pointer, since fmt prints what unexported fields hold, and of a pointer in them the address only
}

// New returns a secret that is known already.
func New(text string) Value {
	if text == "" {
		return Value{}
	}
	return Value{&text}
}

// Reveal returns the secret; "" if there is none.
func (v Value) Reveal() string {
	if v.text == nil {
		return ""
	}
	return *v.text
}

// String hides the secret; so does every way to print it.
func (v Value) String() string {
	if v.text == nil {
		return ""
	}
	return "(secret)"
}

// IsZero reports whether there is no secret.
func (v Value) IsZero() bool { return v.text == nil }

// GoString hides the secret.
func (v Value) GoString() string { return v.String() }

// MarshalText hides the secret.
func (v Value) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// IsReference reports whether a text is, or contains, a reference.
func IsReference(s string) bool {
	return strings.Contains(s, "${env:") || strings.Contains(s, "${file:")
}

// Resolve reads what was written for a secret; the paths of files are relative to dir. No error says what the secret is.
func Resolve(written, dir string) (Value, error) {
	inner, isRef := strings.CutPrefix(written, "${")
	if !isRef {
		if IsReference(written) {
			return Value{}, fmt.Errorf("a reference must be the whole value")
		}
		return New(written), nil
	}
	inner, ends := strings.CutSuffix(inner, "}")
	kind, name, _ := strings.Cut(inner, ":")
	switch {
	case !ends || strings.ContainsAny(name, "${}"):
		return Value{}, fmt.Errorf("a reference must be the whole value: ${env:NAME} or ${file:PATH}")
	case name == "":
		return Value{}, fmt.Errorf("the reference names nothing: write ${env:NAME} or ${file:PATH}")
	case kind == "env":
		return fromEnv(name)
	case kind == "file":
		return fromFile(name, dir)
	}
	return Value{}, fmt.Errorf("there are no references of kind %q: write ${env:NAME} or ${file:PATH}", kind)
}

func fromEnv(name string) (Value, error) {
	value, ok := os.LookupEnv(name)
	if !ok || value == "" {
		return Value{}, fmt.Errorf("the environment variable %s is not set", name)
	}
	return New(value), nil
}

// largest bounds the file of a secret, bytes.
const largest = 64 << 10

func fromFile(name, dir string) (Value, error) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	info, err := os.Stat(name)
	if err != nil {
		return Value{}, err
	}
	if !info.Mode().IsRegular() || info.Size() > largest {
		return Value{}, fmt.Errorf("%s is no file of at most %d bytes", name, largest)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return Value{}, err
	}
	value := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	if value == "" {
		return Value{}, fmt.Errorf("%s is empty", name)
	}
	return New(value), nil
}
