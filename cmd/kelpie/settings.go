package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"kelpie/config"
	"kelpie/engine"
	"kelpie/event"
	"kelpie/rules"
)

// settings are what the configuration says about events, time and rules.
type settings struct {
	event event.Spec
	time  engine.TimeSpec
	rules rules.Options
	files []string       // the rules that it names; none without a configuration
	whole *config.Config // all that it says; nil without one
}

// loadSettings reads a configuration; without a name it returns the defaults.
func loadSettings(name string) (*settings, error) {
	c := config.Default(".")
	if name == "" {
		return &settings{event: c.Event.Spec, time: c.TimeSpec(), rules: c.RuleOptions()}, nil
	}
	c, err := config.Load(name)
	if err != nil {
		return nil, err
	}
	return &settings{c.Event.Spec, c.TimeSpec(), c.RuleOptions(), c.Rules, c}, nil
}

// loadRules reads rule files and folders; if none are named, those of the configuration.
func (s *settings) loadRules(names []string) (*rules.Set, error) {
	if len(names) == 0 {
		names = s.files
	}
	if len(names) == 0 {
		return nil, errors.New("name rule files or folders, or a configuration that does (-c kelpie.yml)")
	}
	set, err := rules.Load(names, s.rules)
	var wrong rules.Errors
	if errors.As(err, &wrong) {
		return nil, withoutConfigs(wrong)
	}
	return set, err
}

// withoutConfigs puts one mistake in place of the many that a configuration has if it is read as rules.
func withoutConfigs(wrong rules.Errors) (out rules.Errors) {
	told := map[string]bool{}
	for _, e := range wrong {
		file := e.At.File
		if !isConfig(file) {
			out = append(out, e)
			continue
		}
		if !told[file] {
			told[file] = true
			out = append(out, &rules.Error{At: rules.Place{File: file}, Message: "this is a configuration, not a file of rules",
				Hint: fmt.Sprintf("say -c %s: the rules that it names are taken if you name none", file)})
		}
	}
	return out
}

// isConfig reports whether a file has the name that configurations have.
func isConfig(name string) bool {
	base := filepath.Base(name)
	return base == "kelpie.yml" || base == "kelpie.yaml"
}
