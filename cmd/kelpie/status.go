package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"kelpie/server"
)

func newStatus() *cobra.Command {
	var o deskFlags
	c := &cobra.Command{
		Use:   "status",
		Short: "Say how the service is: rates, lag, rules by health, outbox, disk",
		Long: `Asks the service how it is, through its API. The exit code is 1 if it is not ready.

` + apiHelp,
		Example: `  kelpie status
  kelpie status -c kelpie.yml --json
  kelpie status --url https://kelpie.example.com`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			api, err := o.service(server.Read)
			if err != nil {
				return err
			}
			answer, err := api.call(c.Context(), "GET", "/v1/status", nil)
			if err != nil {
				return err
			}
			var s server.Status
			if err := json.Unmarshal(answer, &s); err != nil {
				return err
			}
			if o.asJSON {
				_, err = c.OutOrStdout().Write(answer)
			} else {
				err = writeStatus(c.OutOrStdout(), &s)
			}
			if err == nil && !s.Ready {
				err = errNo
			}
			return err
		},
	}
	o.add(c.Flags())
	return c
}

func writeStatus(out io.Writer, s *server.Status) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%s\t%s\n", name, clean(fmt.Sprintf(format, args...), 2000))
	}
	line("service", "%s, version %s, since %s", s.Phase, s.Version, s.Started)
	for _, p := range s.Problems {
		line("problem", "%s", p)
	}
	line("events", "%.1f a second, %s folded since the start, %s refused ever", s.Events.PerSecond, thousands(s.Events.Folded), thousands(int64(s.Events.Refused)))
	if s.Time.Newest != "" {
		line("time", "newest event %s, watermark %s, %.1f s behind the clock", s.Time.Newest, s.Time.Watermark, s.Time.Lag)
	}
	for i := range s.Sources {
		writeSource(line, &s.Sources[i])
	}
	line("rules", "%d ok, %d warming, %d with errors; version %s", s.Rules.OK, s.Rules.Warming, s.Rules.Error, s.Rules.Version)
	if len(s.Rules.Blind) > 0 {
		line("blind", "%s: no event for longer than usual", strings.Join(s.Rules.Blind, ", "))
	}
	if s.Rules.Refusal != "" {
		line("refused", "the newest rules do not run: %s", s.Rules.Refusal)
	}
	if x := s.Rules.Filling; x != nil {
		line("filling", "%s", fillingText(x))
	}
	line("alerts", "%s open, %s active", thousands(s.Alerts.Open), counted(s.Alerts.Silences, "silence"))
	for _, r := range s.Outbox {
		line("to "+r.Receiver, "%s waiting, %s delivered, %s failed, %s given up", thousands(r.Waiting), thousands(r.Delivered), thousands(r.Failures), thousands(r.GivenUp))
	}
	for _, c := range s.Copies {
		line("to "+c.Topic, "%s: %s waiting, %s copied, %s failed, %s given up, %s missed", c.Setting,
			thousands(c.Waiting), thousands(c.Copied), thousands(c.Failures), thousands(c.GivenUp), thousands(c.Missed))
	}
	line("log", "%s in %s%s", bytesText(s.Log.Bytes), counted(s.Log.Segments, "file"), fullText(s.Log.DiskFull))
	line("state", "%s, %s%s", bytesText(s.State.Bytes), counted(int(s.State.Rows), "row"), fullText(s.State.DiskFull))
	return w.Flush()
}

// writeSource says what came from one source, and how far its topics are read.
func writeSource(line func(name, format string, args ...any), s *server.SourceStatus) {
	gaps := ""
	if s.Gaps > 0 {
		gaps = fmt.Sprintf(", records lost in %s: kelpie events rejected --reason lost", counted(int(s.Gaps), "gap"))
	}
	line("from "+s.Source, "%s folded, %s refused, %s%s", thousands(s.Folded), thousands(s.Refused), bytesText(s.Bytes), gaps)
	writeDedupe(line, s.Dedupe)
	t := s.Topics
	if t == nil {
		return
	}
	var silent []string
	for _, b := range t.Brokers {
		if !b.Answers {
			silent = append(silent, b.Broker)
		}
	}
	switch {
	case !t.Cluster:
		line("  brokers", "do not tell of topics and leaders")
	case len(silent) > 0:
		line("  brokers", "%s of %s: no answer from %s", thousands(int64(len(t.Brokers)-len(silent))), thousands(int64(len(t.Brokers))), strings.Join(silent, ", "))
	}
	for _, x := range t.Topics {
		writeTopic(line, &x)
	}
}

// writeDedupe says what came again of a source.
func writeDedupe(line func(name, format string, args ...any), d *server.SourceDedupe) {
	if d == nil {
		return
	}
	span := func(s float64) string { return (time.Duration(s*1000) * time.Millisecond).String() }
	text := fmt.Sprintf("%s came again and were not folded, %s ids known, %s back", thousands(d.Repeated), thousands(int64(d.IDs)), span(d.Span))
	if d.Span < d.Wanted {
		text += fmt.Sprintf(" in place of %s: dedupe_ids is too small", span(d.Wanted))
	}
	if d.Unnamed > 0 {
		text += fmt.Sprintf(", %s had no id", thousands(d.Unnamed))
	}
	if d.Last != "" {
		text += fmt.Sprintf("; last %s, which is %s again", d.Last, d.LastOf)
	}
	line("  dedupe", "%s", text)
}

func writeTopic(line func(name, format string, args ...any), t *server.TopicStatus) {
	name, newest := t.Topic, ""
	if name == "" {
		name = "(others)"
	}
	if t.Newest != "" {
		newest = ", newest record " + t.Newest
	}
	worst := ""
	if t.Most > 0 {
		worst = fmt.Sprintf(", most in %s: %s", t.Behind[0].Partition, thousands(t.Most))
	}
	line("  "+name, "%s, %s behind%s%s", counted(t.Partitions, "partition"), thousands(t.Lag), worst, newest)
}

// fillingText says how far windows are filled for rules that wait for them.
func fillingText(x *server.Filling) string {
	text := fmt.Sprintf("version %s waits until windows of %s are filled from the log: %s of %s records", x.Version, strings.Join(x.Rules, ", "),
		thousands(x.At-x.From), thousands(x.To-x.From))
	if x.Ready != "" {
		text += ", ready about " + x.Ready
	}
	if x.Missing > 0 {
		text += fmt.Sprintf("; the log lacks %.0f s of them, then they are warming up", x.Missing)
	}
	return text
}

func fullText(full bool) string {
	if full {
		return ": the disk is full"
	}
	return ""
}
