package config

import (
	"errors"
	"fmt"

	"kelpie/alert"
	"kelpie/alert/alertmanager"
	"kelpie/alert/email"
	"kelpie/alert/kafka"
	"kelpie/alert/pagerduty"
	"kelpie/alert/slack"
	"kelpie/alert/webhook"
)

// Alerts is the part `alerts:`: who is told, of what, and when.
type Alerts struct {
	alert.Spec `yaml:",inline"`
	Receivers  []Receiver `yaml:"receivers"`
}

// Receiver is one entry of `receivers:`: somebody who is told of groups of alerts, in each of the ways that are set.
type Receiver struct {
	alert.ReceiverSpec `yaml:",inline"`
	Alertmanager       *alertmanager.Spec `yaml:"alertmanager"`
	Email              *email.Spec        `yaml:"email"`
	Kafka              *kafka.Spec        `yaml:"kafka"`
	PagerDuty          *pagerduty.Spec    `yaml:"pagerduty"`
	Slack              *slack.Spec        `yaml:"slack"`
	Webhook            *webhook.Spec      `yaml:"webhook"`
}

// Validate says what is wrong, each as an error that begins with the setting's name.
func (a Alerts) Validate() error {
	errs := []error{a.Spec.Validate()}
	var names []string
	seen := map[string]bool{}
	for i, r := range a.Receivers {
		if seen[r.Name] {
			errs = append(errs, fmt.Errorf("receivers.%d.name: there are two receivers %q", i, r.Name))
			continue
		}
		seen[r.Name] = true
		names = append(names, r.Name)
	}
	return errors.Join(append(errs, a.Spec.CheckReceivers(names))...)
}

// Validate says what is wrong, each as an error that begins with the setting's name.
func (r Receiver) Validate() error { return r.ReceiverSpec.Validate() }

// paths returns the settings that are paths of files.
func (r *Receiver) paths() (all []*string) {
	if r.Alertmanager != nil {
		all = append(all, r.Alertmanager.Paths()...)
	}
	if r.Email != nil {
		all = append(all, r.Email.Paths()...)
	}
	if r.Kafka != nil {
		all = append(all, r.Kafka.Paths()...)
	}
	if r.PagerDuty != nil {
		all = append(all, r.PagerDuty.Paths()...)
	}
	if r.Slack != nil {
		all = append(all, r.Slack.Paths()...)
	}
	if r.Webhook != nil {
		all = append(all, r.Webhook.Paths()...)
	}
	return all
}
