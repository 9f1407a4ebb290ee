package config

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Secret is a value that must not be shown. In the file it is written as it is or, better, as a reference:
// ${env:NAME} is an environment variable, ${file:PATH} the content of a file without the line break at its end.
// Only secrets may be references, so that nothing else ends up in a log by accident.
type Secret struct{ value string }

// Reveal returns the secret.
func (s Secret) Reveal() string { return s.value }

// String hides the secret; so does every way to print it.
func (s Secret) String() string {
	if s.value == "" {
		return ""
	}
	return "(secret)"
}

// GoString hides the secret.
func (s Secret) GoString() string { return s.String() }

// MarshalText hides the secret.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// isReference reports whether a text is, or contains, a reference.
func isReference(s string) bool {
	return strings.Contains(s, "${env:") || strings.Contains(s, "${file:")
}

// resolveSecret reads what was written for a secret. No error says what the secret is.
func resolveSecret(written, dir string) (Secret, error) {
	inner, isRef := strings.CutPrefix(written, "${")
	if !isRef {
		if isReference(written) {
			return Secret{}, fmt.Errorf("a reference must be the whole value")
		}
		return Secret{written}, nil
	}
	inner, ends := strings.CutSuffix(inner, "}")
	kind, name, _ := strings.Cut(inner, ":")
	switch {
	case !ends || strings.ContainsAny(name, "${}"):
		return Secret{}, fmt.Errorf("a reference must be the whole value: ${env:NAME} or ${file:PATH}")
	case name == "":
		return Secret{}, fmt.Errorf("the reference names nothing: write ${env:NAME} or ${file:PATH}")
	case kind == "env":
		return secretFromEnv(name)
	case kind == "file":
		return secretFromFile(name, dir)
	}
	return Secret{}, fmt.Errorf("there are no references of kind %q: write ${env:NAME} or ${file:PATH}", kind)
}

func secretFromEnv(name string) (Secret, error) {
	value, ok := os.LookupEnv(name)
	if !ok || value == "" {
		return Secret{}, fmt.Errorf("the environment variable %s is not set", name)
	}
	return Secret{value}, nil
}

// largestSecret bounds the file of a secret, bytes.
const largestSecret = 64 << 10

func secretFromFile(name, dir string) (Secret, error) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	info, err := os.Stat(name)
	if err != nil {
		return Secret{}, err
	}
	if !info.Mode().IsRegular() || info.Size() > largestSecret {
		return Secret{}, fmt.Errorf("%s is no file of at most %d bytes", name, largestSecret)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return Secret{}, err
	}
	value := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	if value == "" {
		return Secret{}, fmt.Errorf("%s is empty", name)
	}
	return Secret{value}, nil
}
