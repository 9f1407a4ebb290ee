package alert

import (
	"errors"
	"net/url"
	"time"
)

// Spec is the part `alerts:` of the configuration: who is told, of what, and when. The receivers themselves are beside it
// in the configuration.
type Spec struct {
	Stdout string        `yaml:"stdout"` // text (default), json or off
	File   string        `yaml:"file"`   // JSON lines are appended to it; "" is nowhere
	Keep   time.Duration `yaml:"keep"`   // how long what was delivered is kept, with its attempts; default 7d
	Link   string        `yaml:"link"`   // address under which people reach the service, for links; "" is none

	// History is how long an alert is kept after it has resolved, in event time; 0: for ever; default 90d.
	History time.Duration `yaml:"history"`

	GroupBy        []string      `yaml:"group_by"`        // of routes that say nothing; default [rule]
	GroupWait      time.Duration `yaml:"group_wait"`      // default 10s
	GroupInterval  time.Duration `yaml:"group_interval"`  // default 5m
	RepeatInterval time.Duration `yaml:"repeat_interval"` // default 4h

	Routes      []RouteSpec       `yaml:"routes"` // none: every alert goes to every receiver
	Inhibit     []InhibitSpec     `yaml:"inhibit"`
	Maintenance []MaintenanceSpec `yaml:"maintenance"`
}

// DefaultSpec returns the settings that hold where the configuration says nothing.
func DefaultSpec() Spec {
	return Spec{
		Stdout: "text", Keep: 7 * 24 * time.Hour, History: 90 * 24 * time.Hour,
		GroupBy: []string{"rule"}, GroupWait: 10 * time.Second, GroupInterval: 5 * time.Minute, RepeatInterval: 4 * time.Hour,
	}
}

// Validate says what is wrong with the settings, each as an error that begins with the setting's name.
func (s Spec) Validate() error {
	errs := validateGroupBy(s.GroupBy)
	wrong := func(is bool, text string) {
		if is {
			errs = append(errs, errors.New(text))
		}
	}
	wrong(s.Stdout != "text" && s.Stdout != "json" && s.Stdout != "off", "stdout: must be text, json or off")
	wrong(s.Keep < time.Minute, "keep: must be at least 1m")
	wrong(s.GroupInterval <= 0, "group_interval: must be more than 0s")
	wrong(s.RepeatInterval <= 0, "repeat_interval: must be more than 0s")
	if s.Link != "" {
		u, err := url.Parse(s.Link)
		wrong(err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "", "link: must be an address such as https://kelpie.example.com")
	}
	if s.History != 0 && s.History < time.Minute {
		errs = append(errs, errors.New("history: must be at least 1m, or 0s for no end"))
	}
	return errors.Join(errs...)
}
