package kafka

import (
	"errors"

	"kelpie/source/kafka"
)

// Spec is the part `kafka:` of a receiver.
type Spec struct {
	kafka.Target `yaml:",inline"`
	MaxBody      int64 `yaml:"max_body" unit:"bytes"` // of a value; default 960 KiB: where there is more, alerts are cut and left out
}

const (
	defaultMaxBody = 960 << 10 // with key and headers below what topics take where nobody says otherwise, 1 MiB
	leastMaxBody   = 64 << 10
	mostMaxBody    = 64 << 20
)

// Validate says what is wrong with the settings, each as an error that begins with the setting's name.
func (s Spec) Validate() error {
	errs := []error{s.Target.Validate()}
	if s.MaxBody != 0 && (s.MaxBody < leastMaxBody || s.MaxBody > mostMaxBody) {
		errs = append(errs, errors.New("max_body: must be from 64KiB to 64MiB"))
	}
	return errors.Join(errs...)
}

// Where says where records go, without what is secret.
func (s Spec) Where() string { return s.Topic + " at " + s.Brokers[0] }
