package webhook

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"kelpie/alert/post"
	"kelpie/secret"
)

// Spec is the part `webhook:` of a receiver.
type Spec struct {
	URL     secret.Value            `yaml:"url"`                   // where to; often a secret itself
	Secrets []secret.Value          `yaml:"secrets"`               // whsec_ and base64: each signs, so that a new one can be added before the old one goes
	Headers map[string]secret.Value `yaml:"headers"`               // more of them
	Body    string                  `yaml:"body"`                  // template of the JSON; default: the document as it is
	MaxBody int64                   `yaml:"max_body" unit:"bytes"` // default 1 MiB: where there is more, alerts are cut and left out

	post.Spec `yaml:",inline"`
}

const (
	defaultMaxBody = 1 << 20
	leastMaxBody   = 64 << 10
	mostMaxBody    = 64 << 20
)

func (s Spec) max() int {
	if s.MaxBody == 0 {
		return defaultMaxBody
	}
	return int(s.MaxBody)
}

// Validate says what is wrong with the settings, each as an error that begins with the setting's name.
func (s Spec) Validate() error {
	errs := []error{s.Spec.Validate()}
	if err := post.CheckURL(s.URL.Reveal()); err != nil {
		errs = append(errs, fmt.Errorf("url: %w", err))
	}
	for i, v := range s.Secrets {
		if _, err := signingKey(v.Reveal()); err != nil {
			errs = append(errs, fmt.Errorf("secrets.%d: %w", i, err))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Headers)) {
		if err := checkHeader(name, s.Headers[name].Reveal()); err != nil {
			errs = append(errs, fmt.Errorf("headers.%s: %w", name, err))
		}
	}
	if s.MaxBody != 0 && (s.MaxBody < leastMaxBody || s.MaxBody > mostMaxBody) {
		errs = append(errs, errors.New("max_body: must be from 64KiB to 64MiB"))
	}
	if s.Body != "" {
		if _, err := parseTemplate(s.Body, s.max()); err != nil {
			errs = append(errs, fmt.Errorf("body: %w", err))
		}
	}
	return errors.Join(errs...)
}

// Where says where messages go, without what is secret.
func (s Spec) Where() string { return post.Host(s.URL.Reveal()) }

// Paths returns the settings that are paths of files.
func (s *Spec) Paths() []*string { return s.TLS.Paths() }

// tokenCharacters are those of a header's name.
const tokenCharacters = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// checkHeader says why a header cannot be sent. It never says what its value is.
func checkHeader(name, value string) error {
	switch lower := strings.ToLower(name); {
	case name == "" || strings.ContainsFunc(name, func(r rune) bool { return !strings.ContainsRune(tokenCharacters, r) }):
		return errors.New("is no name of a header")
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
		return errors.New("has characters that a header cannot have")
	case strings.HasPrefix(lower, "webhook-"), strings.HasPrefix(lower, "kelpie-"), slices.Contains(ours, lower):
		return errors.New("this header has its meaning already")
	}
	return nil
}

// ours are headers that say what is true of each request.
var ours = []string{"content-type", "content-length", "content-encoding", "transfer-encoding", "connection", "host", "user-agent", "trailer", "te", "upgrade"}
