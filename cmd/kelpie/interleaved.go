package main

import (
	"fmt"
	"io"
	"log/slog"
	"strings"

	"kelpie/config"
	"kelpie/event"
	"kelpie/rules"
)

// interleaving is what a source says it is partitioned by, and the rules that see what is in several of its partitions
// together: with order: arrival, what they find depends on how these are interleaved.
type interleaving struct {
	Source        string         `json:"source"`
	PartitionedBy string         `json:"partitioned_by"`
	Rules         []rules.Across `json:"rules"`
}

// interleavings lists the sources of a configuration that say what they are partitioned by, where some rule does not keep
// to it.
func interleavings(cfg *config.Config, set *rules.Set) (all []interleaving) {
	if cfg.TimeSpec().ByTime {
		return nil
	}
	for _, s := range cfg.Sources {
		if s.Kafka == nil || s.Kafka.PartitionedBy == "" {
			continue
		}
		field, err := event.ParsePath(s.Kafka.PartitionedBy)
		if err != nil {
			continue // unreachable: it was checked
		}
		if across := set.Across(field); len(across) > 0 {
			all = append(all, interleaving{s.Name, s.Kafka.PartitionedBy, across})
		}
	}
	return all
}

func (x *interleaving) rules() string {
	names := make([]string, len(x.Rules))
	for i, r := range x.Rules {
		names[i] = fmt.Sprintf("%s (by %s)", r.Rule, strings.Join(r.Keys, "; by "))
	}
	return strings.Join(names, ", ")
}

func writeInterleavings(out io.Writer, all []interleaving) {
	for i := range all {
		x := &all[i]
		fmt.Fprintf(out, "warning: source %s is partitioned by %s, and with order: arrival what these rules find depends on how partitions are interleaved: %s. "+
			"Produce under a key that they have in common, or use order: time.\n", x.Source, x.PartitionedBy, x.rules())
	}
}

// warnOfInterleaving says so when a service begins.
func warnOfInterleaving(log *slog.Logger, cfg *config.Config, set *rules.Set) {
	for _, x := range interleavings(cfg, set) {
		log.Warn("kelpie: with order: arrival, what rules find depends on how partitions are interleaved", "source", x.Source, "partitioned_by", x.PartitionedBy, "rules", x.rules())
	}
}
