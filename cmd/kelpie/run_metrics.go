package main

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"kelpie/alert"
	"kelpie/engine"
	"kelpie/server"
	"kelpie/state"
)

// metrics are the service's figures in the words of Prometheus. There are as many series as there are rules, inputs and
// receivers: nothing that events say becomes a label.
type metrics struct {
	house   *house
	service *engine.Service
	api     *server.Server // nil: there is none
	descs   map[string]*prometheus.Desc
}

// help says what each metric is; what stands in brackets are its labels.
var help = []struct {
	name   string
	labels []string
	help   string
}{
	{"ready", nil, "1 while events are taken and judged; /readyz says why not."},
	{"events_total", []string{"input", "outcome"}, "Events by input and what became of them: folded (those of repeated_events_total too) or refused. What was folded again from the log at the start has the input (log)."},
	{"events_bytes_total", []string{"input"}, "Bytes of those events, unpacked."},
	{"gaps_total", []string{"input"}, "Gaps in topics: runs of records that were gone before they were read, or read again."},
	{"repeated_events_total", []string{"source"}, "Events of a source with dedupe that had come before, by their id, and were not folded again."},
	{"unnamed_events_total", []string{"source"}, "Events without an id, of a source with dedupe: all of them are folded."},
	{"known_ids", []string{"source"}, "Ids of a source with dedupe that are known."},
	{"known_ids_span_seconds", []string{"source"}, "How far back they are known, by event time: the source's dedupe, or less if more came than its dedupe_ids."},
	{"refused_total", []string{"reason"}, "Events ever refused, by reason; counted in the state."},
	{"kafka_lag_records", []string{"input", "topic"}, "Offsets of the topic's partitions that are not folded yet. The topic is empty for all beyond the first hundred of a source."},
	{"kafka_lag_most_records", []string{"input", "topic"}, "Offsets that are not folded yet of the topic's partition that is furthest behind."},
	{"kafka_partition_lag_records", []string{"input", "topic", "partition"}, "Offsets that are not folded yet of a partition. Where a source reads more than a hundred, they are not told apart."},
	{"kafka_partitions", []string{"input", "topic"}, "Partitions that are read by this process."},
	{"kafka_newest_record_seconds", []string{"input", "topic"}, "The newest timestamp of a record that was read. Seconds since 1970."},
	{"kafka_cluster_up", []string{"input"}, "1 while the brokers tell of topics, partitions and leaders."},
	{"kafka_broker_up", []string{"input", "broker"}, "1 while a broker answers that leads partitions which are read."},
	{"kafka_fetches_total", []string{"input"}, "Answers with records, or with none."},
	{"kafka_fetched_bytes_total", []string{"input"}, "Bytes of those answers, as they came: packed, where records are."},
	{"kafka_failures_total", []string{"input"}, "Requests that failed, whatever the reason. They are made again."},
	{"kafka_rebalances_total", []string{"input"}, "Generations of the consumer group that gave partitions to this process."},
	{"kafka_waiting_bytes", []string{"input"}, "Memory of records that were read and wait to be folded."},
	{"kafka_writes_total", []string{"target", "outcome"}, "Requests that write to the topic of a receiver, of rejected.kafka or of decisions.kafka: acknowledged, or failed."},
	{"kafka_written_records_total", []string{"target"}, "Records that were acknowledged."},
	{"kafka_written_bytes_total", []string{"target"}, "Bytes of those records, before they were packed."},
	{"copies_total", []string{"topic", "outcome"}, "What became of copies for the topic of rejected.kafka or decisions.kafka: copied, given_up (the topic does not take it), missed (it had to go before it could be copied, since too many waited)."},
	{"copies_failures_total", []string{"topic"}, "Attempts to copy that failed, and are made again."},
	{"copies_waiting", []string{"topic"}, "Refused events, or decisions, that are to be copied."},
	{"http_events_total", []string{"outcome"}, "Events that were posted: accepted (durable in the log), duplicate (known by their id), refused."},
	{"http_requests_total", []string{"route", "code"}, "Requests that were answered."},
	{"http_request_seconds", []string{"route"}, "From the header of a request to its answer."},
	{"http_append_seconds", nil, "From reading a body until its events were durable."},
	{"decisions_total", []string{"answer"}, "Decisions by answer: allow, review or block."},
	{"decisions_default_total", nil, "Decisions that are the default, because the time budget had ended."},
	{"decisions_repeated_total", nil, "Decisions that were asked for again, and answered as before."},
	{"decision_evaluated_seconds", nil, "From a request for a decision until the rules had been judged."},
	{"decision_seconds", nil, "From a request for a decision until its answer, which is durable."},
	{"http_connections", nil, "Connections that are open."},
	{"http_connections_refused_total", nil, "Connections that were closed at once, because there were too many."},
	{"http_bodies_bytes", nil, "Memory of the bodies that are being worked on."},
	{"dedupe_ids", nil, "Ids of posted events that are known."},
	{"dedupe_span_seconds", nil, "How far back ids are known: http.dedupe, or less if more came than http.dedupe_ids."},
	{"watermark_seconds", nil, "The watermark: no earlier event is expected. Seconds since 1970."},
	{"watermark_lag_seconds", nil, "How far the watermark is behind the clock."},
	{"newest_event_seconds", nil, "The newest event time. Seconds since 1970."},
	{"waiting_events", nil, "Events that wait in memory for the watermark (order: time)."},
	{"ticks_total", nil, "Records by which time went on without events."},
	{"strides_total", nil, "Runs of records that were folded at once."},
	{"rule_evaluations_total", []string{"rule"}, "Judgements of the rule, those that abstained included."},
	{"rule_abstentions_total", []string{"rule", "reason"}, "Judgements that abstained: something was missing, or ready was false (not_ready)."},
	{"rule_errors_total", []string{"rule"}, "Judgements that failed with an error."},
	{"rule_healthy", []string{"rule"}, "1 unless a judgement of the rule has failed."},
	{"rule_blind", []string{"rule"}, "1 while the rule has judged nothing for twice its longest silence, and at least ten minutes."},
	{"rule_warming", []string{"rule"}, "1 while some window of the rule could not be full yet."},
	{"rule_late_total", []string{"rule"}, "Judgements of windows that had closed, because of a late event."},
	{"rule_too_late_total", []string{"rule"}, "Events that came too late for a fact of the rule."},
	{"alerts_opened_total", []string{"rule"}, "Alerts that opened."},
	{"alerts_resolved_total", []string{"rule"}, "Alerts that resolved."},
	{"alerts_open", []string{"rule"}, "Alerts that are open."},
	{"alerts_forgotten_total", nil, "Alerts that had resolved longer ago than they are kept, and are not in the state any more."},
	{"table_updates_missing_total", []string{"table"}, "Updates of a table that left a field as it was, because something was missing."},
	{"type_mismatches_total", nil, "Values of a type that the use does not allow."},
	{"rules_info", []string{"version"}, "1 for the version of the rules that runs."},
	{"rules_filling_records", nil, "Records of the log that are still to be folded before new rules with filled windows begin; 0: none wait."},
	{"rules_reloads_total", []string{"outcome"}, "Attempts to change the rules: adopted or refused."},
	{"outbox_messages", []string{"receiver"}, "Messages, or notifications of groups, that are committed and not delivered."},
	{"outbox_age_seconds", []string{"receiver"}, "Since when the oldest of them has been waiting, at the most."},
	{"deliveries_total", []string{"receiver", "outcome"}, "Attempts to deliver: delivered, failed (and tried again), given_up."},
	{"alert_groups", []string{"receiver"}, "Groups of alerts that are not over, of which the receiver is told."},
	{"notifications_total", []string{"receiver", "kind"}, "Notifications of groups that were made: opened, updated, resolved, reminder, acknowledged, escalated, digest."},
	{"notifications_delayed", []string{"receiver"}, "Groups that wait to be told because of the receiver's limit."},
	{"alerts_suppressed_total", []string{"receiver", "reason"}, "Alerts that the receiver was not told of for a while: silence, maintenance, inhibited, muted."},
	{"alerts_unrouted_total", nil, "Alerts that no route took."},
	{"append_seconds", nil, "From reading a batch until it was durable in the log, and its turn to be folded."},
	{"commit_seconds", nil, "Commits of the state."},
	{"commits_synced_total", nil, "Commits that were synced, since somebody was to be told."},
	{"rows", []string{"where"}, "Rows of keys: in memory, or in the store only."},
	{"rows_bytes", nil, "Memory of the rows, with their index."},
	{"rows_written_total", nil, "Rows that commits wrote."},
	{"rows_evicted_total", nil, "Rows that left memory because it was needed."},
	{"log_bytes", nil, "The log on disk."},
	{"log_segments", nil, "Files of the log."},
	{"log_first_offset", nil, "The oldest record that is kept."},
	{"log_next_offset", nil, "The record to come."},
	{"state_bytes", nil, "The state on disk."},
	{"state_stalls_total", nil, "Times that writes of the state had to wait for its own housekeeping."},
	{"disk_full", []string{"of"}, "1 while log or state find no room."},
}

func newMetrics(h *house, s *engine.Service, api *server.Server) *metrics {
	m := &metrics{house: h, service: s, api: api, descs: map[string]*prometheus.Desc{}}
	for _, d := range help {
		m.descs[d.name] = prometheus.NewDesc("kelpie_"+d.name, d.help, d.labels, nil)
	}
	return m
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range m.descs {
		out <- d
	}
}

// scrape is one answer.
type scrape struct {
	*metrics
	out chan<- prometheus.Metric
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	s := scrape{m, out}
	f := m.service.Figures()
	problems, _ := s.service.Problems()
	s.flag("ready", len(problems) == 0)
	s.storage()
	s.copies()
	s.topics()
	s.written()
	s.outbox(f, time.Now())
	if m.api != nil {
		s.http(m.api.Stats())
	}
	s.groups(time.Now())
	if f.Engine == nil {
		return // it is starting
	}
	s.input(f)
	s.time(f, time.Now())
	s.rules(f, time.Now())
	s.work(f)
}

func (s *scrape) count(name string, n int64, labels ...string) {
	s.out <- prometheus.MustNewConstMetric(s.descs[name], prometheus.CounterValue, float64(n), labels...)
}

func (s *scrape) gauge(name string, x float64, labels ...string) {
	s.out <- prometheus.MustNewConstMetric(s.descs[name], prometheus.GaugeValue, x, labels...)
}

func (s *scrape) flag(name string, on bool, labels ...string) {
	x := 0.0
	if on {
		x = 1
	}
	s.gauge(name, x, labels...)
}

func (s *scrape) histogram(name string, h engine.Histogram, labels ...string) {
	counts, sum := map[float64]uint64{}, uint64(0)
	for i, most := range engine.Buckets() {
		sum += uint64(h.Counts[i])
		counts[most] = sum
	}
	s.out <- prometheus.MustNewConstHistogram(s.descs[name], uint64(h.Count), h.Sum, counts, labels...)
}

func (s *scrape) storage() {
	log, store := s.house.log.Stats(), s.house.store.Stats()
	s.gauge("log_bytes", float64(log.Bytes))
	s.gauge("log_segments", float64(log.Segments))
	s.gauge("log_first_offset", float64(log.First))
	s.gauge("log_next_offset", float64(log.Next))
	s.gauge("state_bytes", float64(store.DiskBytes))
	s.count("state_stalls_total", store.Stalls)
	s.flag("disk_full", log.DiskFull, "log")
	s.flag("disk_full", store.DiskFull, "state")
	for reason, n := range s.house.store.RejectedCounts().ByReason {
		s.count("refused_total", int64(n), reason)
	}
}

func (s *scrape) copies() {
	for _, c := range s.house.copies {
		x, topic := c.Stats(), c.Setting()
		s.count("copies_total", x.Copied, topic, "copied")
		s.count("copies_total", x.GivenUp, topic, "given_up")
		s.count("copies_total", x.Missed, topic, "missed")
		s.count("copies_failures_total", x.Failures, topic)
		s.gauge("copies_waiting", float64(x.Waiting), topic)
	}
}

func (s *scrape) http(x server.Stats) {
	s.count("http_events_total", x.Accepted, "accepted")
	s.count("http_events_total", x.Duplicates, "duplicate")
	s.count("http_events_total", x.Refused, "refused")
	for _, r := range x.Routes {
		for code, n := range r.Codes {
			s.count("http_requests_total", n, r.Name, strconv.Itoa(code))
		}
		if r.Took.Count > 0 {
			s.histogram("http_request_seconds", r.Took, r.Name)
		}
	}
	s.histogram("http_append_seconds", x.Appended)
	d := &x.Decisions
	s.count("decisions_total", d.Allow, engine.Allow)
	s.count("decisions_total", d.Review, engine.Review)
	s.count("decisions_total", d.Block, engine.Block)
	s.count("decisions_default_total", d.Default)
	s.count("decisions_repeated_total", d.Again)
	s.histogram("decision_evaluated_seconds", d.Evaluated)
	s.histogram("decision_seconds", d.Answered)
	s.gauge("http_connections", float64(x.Connections))
	s.count("http_connections_refused_total", x.TurnedAway)
	s.gauge("http_bodies_bytes", float64(x.Memory))
	s.gauge("dedupe_ids", float64(x.Known.IDs))
	s.gauge("dedupe_span_seconds", x.Known.Span.Seconds())
}

func (s *scrape) outbox(f *engine.Figures, now time.Time) {
	last := s.house.store.LastMessage()
	for _, r := range s.house.dispatcher.Stats() {
		s.gauge("outbox_messages", float64(r.Waiting), r.Receiver)
		age := 0.0
		if at := f.Committed(last - uint64(r.Waiting) + 1); r.Waiting > 0 && !at.IsZero() {
			age = now.Sub(at).Seconds()
		}
		s.gauge("outbox_age_seconds", age, r.Receiver)
		s.count("deliveries_total", r.Delivered, r.Receiver, "delivered")
		s.count("deliveries_total", r.Failures, r.Receiver, "failed")
		s.count("deliveries_total", r.GivenUp, r.Receiver, "given_up")
	}
}

func (s *scrape) groups(now time.Time) {
	stats := s.house.dispatcher.RouterStats()
	s.count("alerts_unrouted_total", stats.Unrouted)
	for i := range stats.Receivers {
		r := &stats.Receivers[i]
		s.gauge("alert_groups", float64(r.Groups), r.Receiver)
		for _, k := range alert.Kinds() {
			s.count("notifications_total", r.Made[k], r.Receiver, string(k))
		}
		s.gauge("notifications_delayed", float64(r.Delayed), r.Receiver)
		for _, reason := range alert.HeldReasons {
			s.count("alerts_suppressed_total", r.Suppressed[reason], r.Receiver, reason)
		}
		s.gauge("outbox_messages", float64(r.Waiting), r.Receiver)
		age := 0.0
		if !r.Oldest.IsZero() {
			age = now.Sub(r.Oldest).Seconds()
		}
		s.gauge("outbox_age_seconds", age, r.Receiver)
		s.count("deliveries_total", r.Delivered, r.Receiver, "delivered")
		s.count("deliveries_total", r.Failures, r.Receiver, "failed")
		s.count("deliveries_total", r.GivenUp, r.Receiver, "given_up")
	}
}

func (s *scrape) input(f *engine.Figures) {
	for name, in := range f.Inputs {
		s.count("events_total", in.Folded, name, "folded")
		s.count("events_total", in.Refused, name, "refused")
		s.count("events_bytes_total", in.Bytes, name)
		s.count("gaps_total", in.Lost, name)
	}
	for i := range f.Dedupe {
		d := &f.Dedupe[i]
		s.count("repeated_events_total", d.Repeated, d.Name)
		s.count("unnamed_events_total", d.Unnamed, d.Name)
		s.gauge("known_ids", float64(d.Known), d.Name)
		s.gauge("known_ids_span_seconds", float64(d.Reach)/1000, d.Name)
	}
}

func (s *scrape) time(f *engine.Figures, now time.Time) {
	if f.Engine.Newest != state.NoTime {
		s.gauge("watermark_seconds", float64(f.Engine.Watermark)/1000)
		s.gauge("watermark_lag_seconds", float64(now.UnixMilli()-f.Engine.Watermark)/1000)
		s.gauge("newest_event_seconds", float64(f.Engine.Newest)/1000)
	}
	s.gauge("waiting_events", float64(f.Engine.Waiting))
	s.count("ticks_total", f.Ticks)
	s.count("strides_total", f.Strides)
}

func (s *scrape) rules(f *engine.Figures, now time.Time) {
	for i := range f.Engine.Rules {
		r := &f.Engine.Rules[i]
		s.count("rule_evaluations_total", r.Evaluated, r.Rule)
		s.count("rule_abstentions_total", r.Missing, r.Rule, "missing")
		s.count("rule_abstentions_total", r.NotReady, r.Rule, "not_ready")
		s.count("rule_errors_total", r.Errors, r.Rule)
		s.flag("rule_healthy", r.Errors == 0, r.Rule)
		s.flag("rule_blind", f.Quiet[r.Rule].Blind(now), r.Rule)
		s.flag("rule_warming", len(r.Warming) > 0, r.Rule)
		s.count("rule_late_total", r.Late, r.Rule)
		s.count("rule_too_late_total", r.TooLate, r.Rule)
		s.count("alerts_opened_total", r.Opened, r.Rule)
		s.count("alerts_resolved_total", r.Resolved, r.Rule)
		s.gauge("alerts_open", float64(f.Open[r.Rule]), r.Rule)
	}
	for _, t := range f.Engine.Tables {
		s.count("table_updates_missing_total", t.Missing, t.Table)
	}
	s.count("type_mismatches_total", f.Engine.Mismatches)
	s.gauge("rules_info", 1, f.Rules)
	s.count("alerts_forgotten_total", f.Forgotten)
	if x := f.Filling; x != nil {
		s.gauge("rules_filling_records", float64(x.To-x.At))
	} else {
		s.gauge("rules_filling_records", 0)
	}
	s.count("rules_reloads_total", f.Reloads, "adopted")
	s.count("rules_reloads_total", f.RefusedReloads, "refused")
}

func (s *scrape) work(f *engine.Figures) {
	s.histogram("append_seconds", f.Appended)
	s.histogram("commit_seconds", f.Commits)
	s.count("commits_synced_total", f.Synced)
	s.gauge("rows", float64(f.Engine.Rows), "memory")
	s.gauge("rows", float64(f.Engine.Cold), "store")
	s.gauge("rows_bytes", float64(f.Engine.Memory))
	s.count("rows_written_total", f.Rows)
	s.count("rows_evicted_total", f.Evicted)
}
