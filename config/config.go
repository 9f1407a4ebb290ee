package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"kelpie/alert"
	"kelpie/engine"
	"kelpie/event"
	"kelpie/mask"
	"kelpie/rules"
	"kelpie/server"
	"kelpie/source/kafka"
	"kelpie/state"
)

// Config is what kelpie.yml says, with defaults filled in and paths resolved.
type Config struct {
	Data      string      `yaml:"data"` // folder with log/ and state/; default "data"
	Event     Event       `yaml:"event"`
	Time      Time        `yaml:"time"`
	Timezone  string      `yaml:"timezone"` // of rules that name none; default UTC
	Rules     []string    `yaml:"rules"`    // files and folders; default "rules"
	Warm      string      `yaml:"warm"`     // what of a core may fill windows of new rules from the log: 25%, or off
	Sources   []Source    `yaml:"sources"`
	Log       Log         `yaml:"log"`
	State     state.Spec  `yaml:"state"`
	Alerts    Alerts      `yaml:"alerts"`
	HTTP      server.Spec `yaml:"http"`
	Metrics   Metrics     `yaml:"metrics"`
	Logging   Logging     `yaml:"logging"`
	Rejected  Rejected    `yaml:"rejected"`
	Decisions Decisions   `yaml:"decisions"`
	Mask      Mask        `yaml:"mask"`
	Client    Client      `yaml:"client"`
}

// Validate says what is wrong between the parts, each as an error that begins with a setting's name.
func (c Config) Validate() error {
	var errs []error
	if _, err := time.LoadLocation(c.Timezone); err != nil {
		errs = append(errs, fmt.Errorf("timezone: there is no time zone %q: write one such as Europe/Berlin", c.Timezone))
	}
	if _, err := c.WarmShare(); err != nil {
		errs = append(errs, err)
	}
	if len(c.Rules) == 0 {
		errs = append(errs, errors.New("rules: a file or folder is needed"))
	}
	if c.Log.Dir != "" && filepath.Clean(c.Log.Dir) == filepath.Clean(c.State.Dir) {
		errs = append(errs, errors.New("state: log and state need folders of their own"))
	}
	names := map[string]bool{}
	for i, s := range c.Sources {
		if names[s.name()] {
			errs = append(errs, fmt.Errorf("sources.%d: there are two sources %q: give them names", i, s.name()))
		}
		if s.name() == server.Input && c.HTTP.Listen != server.Off {
			errs = append(errs, fmt.Errorf("sources.%d: the name %s is that of what is posted: use another one", i, server.Input))
		}
		names[s.name()] = true
	}
	errs = append(errs, c.samePlaces()...)
	errs = append(errs, c.sameTopics()...)
	if err := mask.CheckFields(c.Mask, c.Event.Spec); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// WarmShare returns what of one core may fill windows of new rules from the log: 0 for none, 1 for a whole one.
func (c Config) WarmShare() (float64, error) {
	if c.Warm == "off" {
		return 0, nil
	}
	digits, ok := strings.CutSuffix(c.Warm, "%")
	n, err := strconv.Atoi(digits)
	if !ok || err != nil || n < 1 || n > 100 {
		return 0, fmt.Errorf("warm: %q is no share of a core: write one from 1%% to 100%%, or off", c.Warm)
	}
	return float64(n) / 100, nil
}

// samePlaces finds files that the log could not tell apart.
func (c Config) samePlaces() (errs []error) {
	seen := map[string]bool{}
	for i, s := range c.Sources {
		for j, place := range s.places() {
			if seen[place] {
				errs = append(errs, fmt.Errorf("sources.%d.files.%d: %s is read twice", i, j, s.Files[j]))
			}
			seen[place] = true
		}
	}
	return errs
}

// sameTopics finds topics that the state could not tell apart: a position names the topic and not the cluster.
func (c Config) sameTopics() (errs []error) {
	for i, s := range c.Sources {
		for _, other := range c.Sources[:i] {
			if s.Kafka == nil || other.Kafka == nil {
				continue
			}
			if topic := kafka.Overlap(other.Kafka.Topics, s.Kafka.Topics); topic != "" {
				errs = append(errs, fmt.Errorf("sources.%d.kafka.topics: the source %s reads %s already: a topic can be read by one source, also where clusters are two", i, other.name(), topic))
			}
		}
	}
	return errs
}

// Default returns the settings that hold where nothing is said, with paths relative to dir.
func Default(dir string) *Config {
	c := defaults()
	c.resolve(dir)
	return c
}

// dedupeIDs is how many ids of a source are known, unless it says so.
const dedupeIDs = 1_000_000

func defaults() *Config {
	return &Config{
		Data:     "data",
		Event:    Event{Spec: event.Spec{}.WithDefaults()},
		Time:     Time{Order: "arrival", Disorder: 2 * time.Second, Idle: 30 * time.Second, Future: 5 * time.Minute},
		Rules:    []string{"rules"},
		Warm:     "25%",
		Log:      Log{Segment: 128 << 20},
		State:    state.DefaultSpec(),
		Alerts:   Alerts{Spec: alert.DefaultSpec()},
		HTTP:     server.DefaultSpec(),
		Metrics:  Metrics{Listen: "127.0.0.1:9477"},
		Logging:  Logging{Level: "info", Format: "text"},
		Rejected: Rejected{Max: 10_000, Bytes: 64 << 20},
	}
}

// Load reads a configuration file. What is wrong in it is rules.Errors.
func Load(path string) (*Config, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	c, wrong := Parse(path, src)
	if len(wrong) > 0 {
		return nil, wrong
	}
	return c, nil
}

// Parse reads a configuration whose file has the given name; paths are relative to its folder. Where something is
// wrong the Config is nil.
func Parse(name string, src []byte) (*Config, rules.Errors) {
	c := defaults()
	d := newDecoder(name, string(src))
	d.document(c)
	if len(d.errs) > 0 {
		return nil, d.errs.Sorted()
	}
	c.resolve(filepath.Dir(name))
	return c, nil
}

// resolve makes all paths relative to dir.
func (c *Config) resolve(dir string) {
	at := func(path *string) {
		if *path != "" && !filepath.IsAbs(*path) {
			*path = filepath.Join(dir, *path)
		}
	}
	at(&c.Data)
	within := func(path *string, name string) {
		if *path == "" {
			*path = filepath.Join(c.Data, name)
			return
		}
		at(path)
	}
	within(&c.Log.Dir, "log")
	within(&c.State.Dir, "state")
	at(&c.Alerts.File)
	at(&c.HTTP.TLS.Cert)
	at(&c.HTTP.TLS.Key)
	at(&c.HTTP.TLS.ClientCA)
	at(&c.Client.CA)
	at(&c.Client.Cert)
	at(&c.Client.Key)
	for i := range c.Alerts.Receivers {
		for _, path := range c.Alerts.Receivers[i].paths() {
			at(path)
		}
	}
	if c.Rejected.Kafka != nil {
		for _, path := range c.Rejected.Kafka.Paths() {
			at(path)
		}
	}
	if c.Decisions.Kafka != nil {
		for _, path := range c.Decisions.Kafka.Paths() {
			at(path)
		}
	}
	for i := range c.Rules {
		at(&c.Rules[i])
	}
	for i := range c.Sources {
		s := &c.Sources[i]
		s.Places = s.places()
		s.Name = s.name()
		if s.Dedupe > 0 && s.DedupeIDs == 0 {
			s.DedupeIDs = dedupeIDs
		}
		for j := range s.Files {
			at(&s.Files[j])
		}
		if s.Kafka != nil {
			for _, path := range s.Kafka.Paths() {
				at(path)
			}
		}
	}
}

// RuleOptions returns what the rules are checked against.
func (c *Config) RuleOptions() rules.Options {
	return rules.Options{
		Types: c.Event.types(), Strict: c.Event.Strict, Timezone: c.Timezone,
		Order: c.Time.Order, Event: c.Event.Spec,
	}
}

// TimeSpec returns the settings of order, watermark and lateness.
func (c *Config) TimeSpec() engine.TimeSpec {
	return engine.TimeSpec{
		ByTime:   c.Time.Order == "time",
		Disorder: c.Time.Disorder.Milliseconds(),
		Lateness: c.Time.Lateness.Milliseconds(),
		Idle:     c.Time.Idle.Milliseconds(),
		Future:   c.Time.Future.Milliseconds(),
	}
}

// RejectBounds returns how many refused events are kept.
func (c *Config) RejectBounds() state.RejectBounds {
	return state.RejectBounds{Events: c.Rejected.Max, Bytes: c.Rejected.Bytes}
}
