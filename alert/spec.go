package alert

import (
	"errors"
	"time"
)

// Spec is the part `alerts:` of the configuration: who is told.
type Spec struct {
	Stdout string        `yaml:"stdout"` // text (default), json or off
	File   string        `yaml:"file"`   // JSON lines are appended to it; "" is nowhere
	Keep   time.Duration `yaml:"keep"`   // how long what was delivered is kept, with its attempts; default 7d

	// History is how long an alert is kept after it has resolved, in event time; 0: for ever; default 90d.
	History time.Duration `yaml:"history"`
}

// DefaultSpec returns the settings that hold where the configuration says nothing.
func DefaultSpec() Spec {
	return Spec{Stdout: "text", Keep: 7 * 24 * time.Hour, History: 90 * 24 * time.Hour}
}

// Validate says what is wrong with the settings, each as an error that begins with the setting's name.
func (s Spec) Validate() error {
	var errs []error
	switch s.Stdout {
	case "text", "json", "off":
	default:
		errs = append(errs, errors.New("stdout: must be text, json or off"))
	}
	if s.Keep < time.Minute {
		errs = append(errs, errors.New("keep: must be at least 1m"))
	}
	if s.History != 0 && s.History < time.Minute {
		errs = append(errs, errors.New("history: must be at least 1m, or 0s for no end"))
	}
	return errors.Join(errs...)
}
