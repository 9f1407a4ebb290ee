package alertmanager

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"kelpie/alert/post"
	"kelpie/secret"
)

// Spec is the part `alertmanager:` of a receiver.
type Spec struct {
	URLs      []string      `yaml:"urls"`       // of one Alertmanager, or of all of a cluster: http://host:9093
	BasicAuth BasicAuth     `yaml:"basic_auth"` // a name and its password
	Bearer    secret.Value  `yaml:"bearer"`     // or a token
	Expire    time.Duration `yaml:"expire"`     // after which Alertmanager holds an alert for over that it has not heard of again; default 12h

	post.Spec `yaml:",inline"`
}

// BasicAuth is a name and its password.
type BasicAuth struct {
	Username string       `yaml:"username"`
	Password secret.Value `yaml:"password"`
}

// DefaultExpire is that of a Spec that names none.
const DefaultExpire = 12 * time.Hour

// Validate says what is wrong with the settings, each as an error that begins with the setting's name.
func (s Spec) Validate() error {
	errs := []error{s.Spec.Validate()}
	if len(s.URLs) == 0 {
		errs = append(errs, errors.New("urls: an address is needed, such as http://127.0.0.1:9093"))
	}
	for i, u := range s.URLs {
		if err := post.CheckURL(u); err != nil {
			errs = append(errs, fmt.Errorf("urls.%d: %w", i, err))
		}
	}
	if s.BasicAuth != (BasicAuth{}) && !s.Bearer.IsZero() {
		errs = append(errs, errors.New("bearer: a token or basic_auth, not both"))
	}
	if strings.ContainsFunc(s.Bearer.Reveal(), func(r rune) bool { return r <= ' ' || r > '~' }) {
		errs = append(errs, errors.New("bearer: has characters that a token cannot have"))
	}
	if s.Expire != 0 && s.Expire < time.Minute {
		errs = append(errs, errors.New("expire: must be at least 1m, and longer than the route's repeat_interval"))
	}
	return errors.Join(errs...)
}

// Where says where alerts go, without what is secret.
func (s Spec) Where() string {
	var hosts []string
	for _, u := range s.URLs {
		hosts = append(hosts, post.Host(u))
	}
	return strings.Join(hosts, ", ")
}

// Paths returns the settings that are paths of files.
func (s *Spec) Paths() []*string { return s.TLS.Paths() }
