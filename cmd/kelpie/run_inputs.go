package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"

	"github.com/zeebo/xxh3"

	"kelpie/config"
	"kelpie/engine"
	"kelpie/evidence"
	"kelpie/journal"
	"kelpie/source"
	"kelpie/source/kafka"
)

// resume says how far a file has been read.
type resume = func(file string) (journal.Progress, bool)

// inputsOf makes inputs of the sources of a configuration.
type inputsOf struct {
	untilEnd bool
	stdin    io.Reader
	maxLine  int
	data     string // folder
	log      *slog.Logger
}

func newInputs(cfg *config.Config, untilEnd bool, stdin io.Reader, log *slog.Logger) (all []engine.Input) {
	m := inputsOf{untilEnd, stdin, cfg.Event.Spec.WithDefaults().MaxSize, cfg.Data, log}
	for _, s := range cfg.Sources {
		places := map[string]string{}
		for i, f := range s.Files {
			places[f] = s.Places[i]
		}
		from := len(all)
		switch {
		case s.Kafka != nil:
			all = append(all, m.topics(s.Name, *s.Kafka))
		case s.Stdin:
			all = append(all, m.standardInput(s.Name))
		case s.Follow && !untilEnd:
			for _, f := range s.Files {
				all = append(all, m.followed(f, places[f], s.Partitions))
			}
		case s.Partitions:
			for _, f := range s.Files {
				in := m.files(places[f], places, f)
				in.Partition = in.Name
				all = append(all, in)
			}
		default:
			all = append(all, m.files(s.Name, places, s.Files...))
		}
		for i := range all[from:] {
			all[from+i].Idle = s.Idle
		}
		if s.Dedupe > 0 {
			dedupe(all[from:], &s)
		}
	}
	return all
}

// dedupe has the inputs of a source know events that come again.
func dedupe(inputs []engine.Input, s *config.Source) {
	places := s.Places
	if s.Stdin {
		places = []string{s.Name}
	}
	for i := range inputs {
		inputs[i].Places = places
		inputs[i].Dedupe = engine.Dedupe{Name: s.Name, Span: s.Dedupe.Milliseconds(), IDs: s.DedupeIDs}
	}
}

func (m *inputsOf) standardInput(name string) engine.Input {
	return engine.Input{
		Name: name, Live: !m.untilEnd, Once: true, Key: func(string) string { return name },
		Open: func(resume) (source.Source, error) {
			return source.OpenFiles(source.FilesOptions{Names: []string{source.Stdin}, Stdin: m.stdin, MaxLine: m.maxLine})
		},
	}
}

// followed is one file that grows.
func (m *inputsOf) followed(file, place string, partition bool) engine.Input {
	in := engine.Input{Name: place, Live: true, Key: func(string) string { return place }}
	if partition {
		in.Partition = place
	}
	in.Open = func(at resume) (source.Source, error) {
		o := source.FollowOptions{Name: file, MaxLine: m.maxLine, Log: m.log}
		if p, ok := at(file); ok {
			o.Resume = &p
		}
		return source.OpenFollow(o)
	}
	return in
}

// files are files that are read one after the other.
func (m *inputsOf) files(name string, places map[string]string, files ...string) engine.Input {
	return engine.Input{
		Name: name, Key: func(file string) string { return places[file] },
		Open: func(at resume) (source.Source, error) {
			return source.OpenFiles(source.FilesOptions{Names: files, MaxLine: m.maxLine, Resume: at})
		},
	}
}

// member returns the file that says who a source is in its group.
func (m *inputsOf) member(source string) string {
	return filepath.Join(m.data, fmt.Sprintf("member-%016x.json", xxh3.HashString(source)))
}

// topics are topics of Kafka.
func (m *inputsOf) topics(name string, spec kafka.Spec) engine.Input {
	return engine.Input{
		Name: name, Live: true,
		Stream: func(marks func() map[source.Partition][]byte) (source.Stream, error) {
			return kafka.OpenStream(spec, kafka.StreamOptions{Log: m.log, Marks: marks, Member: m.member(name)})
		},
		Records: func() (source.Records, error) { return kafka.OpenRecords(spec, m.log), nil },
	}
}

// readAgain returns what reads once more what a source of a configuration has read of topics.
func readAgain(cfg *config.Config) evidence.OpenRecords {
	return func(input string) (source.Records, error) {
		for _, s := range cfg.Sources {
			if s.Kafka != nil && s.Name == input {
				return kafka.OpenRecords(*s.Kafka, nil), nil
			}
		}
		return nil, errors.New("no configuration that is given has this source: name the one of the service, -c kelpie.yml")
	}
}
