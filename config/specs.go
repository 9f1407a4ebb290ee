package config

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"kelpie/event"
	"kelpie/mask"
	"kelpie/rules"
	"kelpie/source/kafka"
	"kelpie/topics"
)

// Event is the part `event:`: where type, time and id of an event stand, and the types of its fields.
type Event struct {
	event.Spec `yaml:",inline"`
	Fields     map[string]string `yaml:"fields"` // path -> number, string, bool, list or any
	Strict     bool              `yaml:"strict"` // rules may read only the fields named here
}

var fieldTypes = map[string]rules.Type{
	"number": rules.NumberType, "string": rules.StringType, "bool": rules.BoolType, "list": rules.ListType, "any": rules.AnyType,
}

// Validate says what is wrong, each as an error that begins with the setting's name.
func (e Event) Validate() error {
	errs := []error{e.Spec.Validate()}
	for _, path := range slices.Sorted(maps.Keys(e.Fields)) {
		if _, ok := fieldTypes[e.Fields[path]]; !ok {
			errs = append(errs, fmt.Errorf("fields.%s: must be number, string, bool, list or any, not %q", path, e.Fields[path]))
		}
		if _, err := event.ParsePath(path); err != nil {
			errs = append(errs, fmt.Errorf("fields.%s: %w", path, err))
		}
	}
	if e.Strict && len(e.Fields) == 0 {
		errs = append(errs, errors.New("strict: with strict, fields must be named"))
	}
	return errors.Join(errs...)
}

// types returns the declared types by canonical path; nil if none are declared.
func (e Event) types() map[string]rules.Type {
	if len(e.Fields) == 0 {
		return nil
	}
	types := map[string]rules.Type{}
	for text, name := range e.Fields {
		if p, err := event.ParsePath(text); err == nil {
			types[p.String()] = fieldTypes[name]
		}
	}
	return types
}

// Mask is the part `mask:`: the fields of events that are personal.
type Mask []mask.Field

// Time is the part `time:` (order, watermark, lateness).
type Time struct {
	Order    string        `yaml:"order"`    // arrival (default): folded as they come; time: in order of event time
	Disorder time.Duration `yaml:"disorder"` // how far event times may be out of order; default 2s
	Lateness time.Duration `yaml:"lateness"` // how long after its end a window still accepts; default 0s
	Idle     time.Duration `yaml:"idle"`     // after which a silent partition holds nobody up; default 30s
	Future   time.Duration `yaml:"future"`   // how far an event may be ahead of its arrival; default 5m, 0s is no limit
}

// Validate says what is wrong, each as an error that begins with the setting's name.
func (t Time) Validate() error {
	var errs []error
	if t.Order != "arrival" && t.Order != "time" {
		errs = append(errs, errors.New("order: must be arrival or time"))
	}
	if t.Idle == 0 {
		errs = append(errs, errors.New("idle: must be more than 0s"))
	}
	return errors.Join(errs...)
}

// Source is one entry of `sources:`.
type Source struct {
	Name       string      `yaml:"name"`       // by which its place is remembered; default its files as written
	Files      []string    `yaml:"files"`      // JSON lines, may be gzip or zstd
	Stdin      bool        `yaml:"stdin"`      // JSON lines from standard input
	Follow     bool        `yaml:"follow"`     // the files grow and rotate: go on reading
	Partitions bool        `yaml:"partitions"` // each file is a partition of its own, in place of one after the other
	Kafka      *kafka.Spec `yaml:"kafka"`      // topics of Kafka

	Idle      time.Duration `yaml:"idle"`       // after which silence the source, or a partition of it, holds nobody up; default time.idle
	Dedupe    time.Duration `yaml:"dedupe"`     // for how long, by event time, the id of an event is known, so that it is folded once; default 0s: not at all
	DedupeIDs int           `yaml:"dedupe_ids"` // how many ids are known at most, the newest; default 1,000,000

	// Places are the names under which the log remembers how far each of the Files has been read: as the file is written
	// here, whatever the folder of the configuration is; where the source has a name, this and the file's own name, so
	// that the file may be moved.
	Places []string
}

// Validate says what is wrong, each as an error that begins with the setting's name.
func (s Source) Validate() error {
	if err := s.checkDedupe(); err != nil {
		return err
	}
	switch {
	case s.Kafka != nil && (s.Stdin || len(s.Files) > 0 || s.Follow || s.Partitions):
		return errors.New("kafka: a source reads topics or files, not both: write two sources")
	case s.Kafka != nil:
		return nil
	case s.Stdin && len(s.Files) > 0:
		return errors.New("stdin: a source reads files or standard input, not both: write two sources")
	case !s.Stdin && len(s.Files) == 0:
		return errors.New("files: a source needs files: [...], stdin: true or kafka: {...}")
	case s.Stdin && s.Follow:
		return errors.New("follow: only files can be followed")
	case s.Stdin && s.Partitions:
		return errors.New("partitions: only files can be partitions")
	}
	return nil
}

func (s Source) checkDedupe() error {
	switch {
	case s.Dedupe < 0 || s.Dedupe > 90*24*time.Hour:
		return errors.New("dedupe: must be at most 90d")
	case s.DedupeIDs < 0 || s.DedupeIDs > 100_000_000:
		return errors.New("dedupe_ids: must be from 1 to 100000000")
	case s.DedupeIDs > 0 && s.Dedupe == 0:
		return errors.New("dedupe_ids: it says nothing without dedupe: write for how long an id is known, such as dedupe: 1h")
	}
	return nil
}

// name returns the source's name, or what stands for it.
func (s Source) name() string {
	switch {
	case s.Name != "":
		return s.Name
	case s.Stdin:
		return "stdin"
	case s.Kafka != nil:
		return "kafka:" + strings.Join(s.Kafka.Topics, ",")
	}
	return strings.Join(s.Files, ",")
}

// places returns the Places of files as they are written.
func (s Source) places() []string {
	if len(s.Files) == 0 {
		return nil
	}
	all := make([]string, len(s.Files))
	bases := map[string]int{}
	for _, f := range s.Files {
		bases[filepath.Base(f)]++
	}
	for i, f := range s.Files {
		switch base := filepath.Base(f); {
		case s.Name == "":
			all[i] = filepath.ToSlash(filepath.Clean(f))
		case bases[base] > 1:
			all[i] = s.Name + ":" + filepath.ToSlash(filepath.Clean(f))
		default:
			all[i] = s.Name + ":" + base
		}
	}
	return all
}

// Log is the part `log:`: what is read is appended to it first.
type Log struct {
	Dir       string    `yaml:"dir"` // folder; default "log" in the data folder
	Retention Retention `yaml:"retention"`
	Segment   int64     `yaml:"segment" unit:"bytes"` // of one file; default 128 MiB
}

// Retention says what of the log may be removed. Nothing is that the state still needs.
type Retention struct {
	Age  time.Duration `yaml:"age"`               // what was appended longer ago; default 0s: never
	Size int64         `yaml:"size" unit:"bytes"` // the oldest, while the log is larger; default 0B: never
}

// Validate says what is wrong, each as an error that begins with the setting's name.
func (l Log) Validate() error {
	if l.Segment < 1<<20 || l.Segment > 4<<30 {
		return errors.New("segment: must be from 1MiB to 4GiB")
	}
	return nil
}

// Metrics is the part `metrics:`.
type Metrics struct {
	Listen string `yaml:"listen"` // host:port for Prometheus, or off; default 127.0.0.1:9477
}

// Off is the address of metrics that nobody can read.
const Off = "off"

// Validate says what is wrong, each as an error that begins with the setting's name.
func (m Metrics) Validate() error {
	if m.Listen == Off {
		return nil
	}
	_, port, err := net.SplitHostPort(m.Listen)
	if _, numeric := strconv.ParseUint(port, 10, 16); err != nil || numeric != nil {
		return fmt.Errorf("listen: %q is no address: write host:port, such as 127.0.0.1:9477, or off", m.Listen)
	}
	return nil
}

// Logging is the part `logging:`: the service's own log, on standard error.
type Logging struct {
	Level  string `yaml:"level"`  // debug, info (default), warn or error
	Format string `yaml:"format"` // text (default) or json
}

var levels = map[string]slog.Level{
	"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
}

// Validate says what is wrong, each as an error that begins with the setting's name.
func (l Logging) Validate() error {
	var errs []error
	if _, ok := levels[l.Level]; !ok {
		errs = append(errs, errors.New("level: must be debug, info, warn or error"))
	}
	if l.Format != "text" && l.Format != "json" {
		errs = append(errs, errors.New("format: must be text or json"))
	}
	return errors.Join(errs...)
}

// Logger returns the service's own log, written to w.
func (l Logging) Logger(w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: levels[l.Level]}
	if l.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// Rejected is the part `rejected:`: how many refused events are kept, the newest ones, and where they are copied to.
type Rejected struct {
	Max   int           `yaml:"max"`                // default 10000
	Bytes int64         `yaml:"bytes" unit:"bytes"` // default 64 MiB
	Kafka *kafka.Target `yaml:"kafka"`              // a topic; nil: none
}

// Validate says what is wrong, each as an error that begins with the setting's name.
func (r Rejected) Validate() error {
	var errs []error
	if r.Max < 1 || r.Max > 1_000_000 {
		errs = append(errs, errors.New("max: must be from 1 to 1000000"))
	}
	if r.Bytes < 1<<20 {
		errs = append(errs, errors.New("bytes: must be at least 1MiB"))
	}
	return errors.Join(errs...)
}

// Decisions is the part `decisions:`: where answers other than allow are copied to.
type Decisions struct {
	Kafka *topics.DecisionTarget `yaml:"kafka"` // a topic; nil: none
}
