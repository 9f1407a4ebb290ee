package alert

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kelpie/mask"
)

// RouteSpec is an entry of `routes:`: which alerts go to which receiver, and which of them together. Words and meaning are
// Alertmanager's. What is not set is as in the route around it, and there as in the settings beside the list.
type RouteSpec struct {
	Match          Matchers       `yaml:"match"`           // all must hold; none: every alert
	Receiver       string         `yaml:"receiver"`        // name of a receiver
	Continue       bool           `yaml:"continue"`        // further routes beside this one are tried, too
	GroupBy        []string       `yaml:"group_by"`        // labels; alerts that have the same are told together; [...]: every alert by itself
	GroupWait      *time.Duration `yaml:"group_wait"`      // from a group's first alert until it is told
	GroupInterval  *time.Duration `yaml:"group_interval"`  // the least time between two notifications of a group because of changes
	RepeatInterval *time.Duration `yaml:"repeat_interval"` // after which a group that is firing is told again
	Mute           []WeeklySpec   `yaml:"mute"`            // when nobody is told; not inherited
	Active         []WeeklySpec   `yaml:"active"`          // when somebody is told, and at no other time; not inherited
	Escalate       []EscalateSpec `yaml:"escalate"`        // who is told if nobody acknowledges
	Routes         []RouteSpec    `yaml:"routes"`          // tried first; the first that matches, or more with continue
}

// EscalateSpec says who is told of alerts that are firing and not acknowledged some time after a route took them.
type EscalateSpec struct {
	After    time.Duration `yaml:"after"`
	Receiver string        `yaml:"receiver"`
}

// InhibitSpec says that alerts that match target are not told while an alert that matches source is firing, and both have
// the same values of the labels in equal.
type InhibitSpec struct {
	Source Matchers `yaml:"source"`
	Target Matchers `yaml:"target"`
	Equal  []string `yaml:"equal"`
}

// MaintenanceSpec is a planned time in which nobody is told of alerts that match.
type MaintenanceSpec struct {
	Name   string       `yaml:"name"`
	Match  Matchers     `yaml:"match"`  // none: every alert
	From   Moment       `yaml:"from"`   // once, from …
	To     Moment       `yaml:"to"`     // … to
	Weekly []WeeklySpec `yaml:"weekly"` // again and again
}

// ReceiverSpec is what is set of a receiver beside how it is reached, which is the business of its notifiers.
type ReceiverSpec struct {
	Name         string         `yaml:"name"`
	SendResolved *bool          `yaml:"send_resolved"` // whether it is told that alerts have resolved; default true
	Limit        *int           `yaml:"limit"`         // notifications a minute; more become one digest; default 20, 0: no limit
	GiveUp       *time.Duration `yaml:"give_up"`       // after which a notification is not tried any more; default 24h
}

const (
	defaultLimit  = 20
	defaultGiveUp = 24 * time.Hour
)

// Validate says what is wrong, each as an error that begins with the setting's name.
func (s ReceiverSpec) Validate() error {
	var errs []error
	if s.Name == "" || strings.Trim(s.Name, receiverLetters) != "" {
		errs = append(errs, errors.New("name: a name of letters, digits, - and _ is needed"))
	}
	if s.Name == "stdout" || s.Name == "file" {
		errs = append(errs, fmt.Errorf("name: %s is the name of a receiver that is there already", s.Name))
	}
	if s.Limit != nil && *s.Limit < 0 {
		errs = append(errs, errors.New("limit: must be 0 (no limit) or more"))
	}
	if s.GiveUp != nil && *s.GiveUp < time.Minute {
		errs = append(errs, errors.New("give_up: must be at least 1m"))
	}
	return errors.Join(errs...)
}

const receiverLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

// everyAlert, as a group_by of its own, makes a group of every alert.
const everyAlert = "..."

// Validate says what is wrong, each as an error that begins with the setting's name.
func (r RouteSpec) Validate() error {
	errs := validateGroupBy(r.GroupBy)
	if r.GroupInterval != nil && *r.GroupInterval <= 0 {
		errs = append(errs, errors.New("group_interval: must be more than 0s"))
	}
	if r.RepeatInterval != nil && *r.RepeatInterval <= 0 {
		errs = append(errs, errors.New("repeat_interval: must be more than 0s"))
	}
	for i := range r.Escalate {
		if i > 0 && r.Escalate[i].After <= r.Escalate[i-1].After {
			errs = append(errs, fmt.Errorf("escalate.%d: after must be longer than that of the step before", i))
		}
	}
	return errors.Join(errs...)
}

func validateGroupBy(names []string) (errs []error) {
	for i, name := range names {
		switch {
		case name == everyAlert && len(names) > 1:
			errs = append(errs, fmt.Errorf("group_by.%d: %s stands alone", i, everyAlert))
		case name != everyAlert && (name == "" || mask.LabelName(name) != name):
			errs = append(errs, fmt.Errorf("group_by.%d: %q is no label: write letters, digits and _", i, name))
		case slices.Index(names, name) < i:
			errs = append(errs, fmt.Errorf("group_by.%d: %s is named twice", i, name))
		}
	}
	return errs
}

// Validate says what is wrong, each as an error that begins with the setting's name.
func (e EscalateSpec) Validate() error {
	var errs []error
	if e.After <= 0 {
		errs = append(errs, errors.New("after: must be more than 0s"))
	}
	if e.Receiver == "" {
		errs = append(errs, errors.New("receiver: the name of a receiver is needed"))
	}
	return errors.Join(errs...)
}

// Validate says what is wrong, each as an error that begins with the setting's name.
func (s InhibitSpec) Validate() error {
	var errs []error
	if s.Source.vague() {
		errs = append(errs, errors.New("source: one matcher must need a label"))
	}
	if len(s.Target) == 0 {
		errs = append(errs, errors.New("target: a matcher is needed"))
	}
	for i, name := range s.Equal {
		if name == "" || mask.LabelName(name) != name {
			errs = append(errs, fmt.Errorf("equal.%d: %q is no label: write letters, digits and _", i, name))
		}
	}
	return errors.Join(errs...)
}

// Validate says what is wrong, each as an error that begins with the setting's name.
func (m MaintenanceSpec) Validate() error {
	once := m.From != 0 || m.To != 0
	switch {
	case !once && len(m.Weekly) == 0:
		return errors.New("from: a time is needed: from and to, or weekly")
	case once && len(m.Weekly) > 0:
		return errors.New("weekly: either from and to, or weekly")
	case once && m.From == 0:
		return errors.New("from: is needed beside to")
	case once && m.To <= m.From:
		return errors.New("to: must be after from")
	}
	return nil
}

// CheckReceivers says which settings name receivers that are not there, and which routes name none, each as an error that
// begins with the setting's name.
func (s Spec) CheckReceivers(names []string) error {
	c := receiverCheck{names: names}
	c.routes("routes", s.Routes, false)
	return errors.Join(c.errs...)
}

type receiverCheck struct {
	names []string
	errs  []error
}

func (c *receiverCheck) routes(path string, routes []RouteSpec, inherited bool) {
	for i := range routes {
		r, at := &routes[i], fmt.Sprintf("%s.%d", path, i)
		if r.Receiver == "" && !inherited {
			c.errs = append(c.errs, fmt.Errorf("%s: a receiver is needed", at))
		}
		if r.Receiver != "" {
			c.known(at+".receiver", r.Receiver)
		}
		for j, e := range r.Escalate {
			c.known(fmt.Sprintf("%s.escalate.%d.receiver", at, j), e.Receiver)
		}
		c.routes(at+".routes", r.Routes, true)
	}
}

func (c *receiverCheck) known(at, name string) {
	if name != "" && !slices.Contains(c.names, name) {
		there := "there are none"
		if len(c.names) > 0 {
			there = "there are " + strings.Join(c.names, ", ")
		}
		c.errs = append(c.errs, fmt.Errorf("%s: there is no receiver %q: %s", at, name, there))
	}
}
