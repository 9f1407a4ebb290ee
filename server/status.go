package server

import (
	"net/http"
	"strconv"
	"time"

	"kelpie/alert"
	"kelpie/engine"
	"kelpie/event"
	"kelpie/state"
)

func (s *Server) statusRoutes() []*Route {
	return []*Route{
		{Method: http.MethodGet, Path: "/v1/status", Scope: Read, Handler: s.getStatus},
		{Method: http.MethodGet, Path: "/v1/rejected", Scope: Read, Handler: s.getRejected},
	}
}

// Status is how the service is. Members may be added to its JSON form. Counts are since it started.
type Status struct {
	Version  string           `json:"version"`
	Started  string           `json:"started"`
	Uptime   float64          `json:"uptime_seconds"`
	Phase    string           `json:"phase"`
	Ready    bool             `json:"ready"`
	Problems []string         `json:"problems"`
	Events   EventStatus      `json:"events"`
	Time     TimeStatus       `json:"time"`
	Rules    RulesStatus      `json:"rules"`
	Alerts   AlertsStatus     `json:"alerts"`
	Sources  []SourceStatus   `json:"sources"`
	Outbox   []ReceiverStatus `json:"outbox"`
	Copies   []CopiesStatus   `json:"copies"`
	Log      LogStatus        `json:"log"`
	State    StateStatus      `json:"state"`
	Dedupe   DedupeStatus     `json:"dedupe"`
}

// EventStatus says what comes in.
type EventStatus struct {
	PerSecond float64           `json:"per_second"` // that were folded, over the last minute
	Folded    int64             `json:"folded"`
	Refused   uint64            `json:"refused"` // ever
	Reasons   map[string]uint64 `json:"refused_by_reason"`
}

// TimeStatus says how event time stands; members are missing before the first event.
type TimeStatus struct {
	Newest    string  `json:"newest,omitempty"`
	Watermark string  `json:"watermark,omitempty"`
	Lag       float64 `json:"lag_seconds"` // of the watermark behind the clock
}

// RulesStatus counts rules by health, and changes of them.
type RulesStatus struct {
	Version string   `json:"version"`
	OK      int      `json:"ok"`
	Warming int      `json:"warming"`
	Error   int      `json:"error"`
	Blind   []string `json:"blind"` // that have seen no event for longer than usual
	Reloads int64    `json:"reloads"`
	Refused int64    `json:"reloads_refused"`
	Refusal string   `json:"refusal,omitempty"` // why the newest rules do not run, if they were refused
	Filling *Filling `json:"filling,omitempty"` // rules that wait for their windows to be filled
}

// AlertsStatus counts alerts.
type AlertsStatus struct {
	Open     int64 `json:"open"`
	Silences int   `json:"silences"` // that hold now
}

// ReceiverStatus says how messages to one receiver stand.
type ReceiverStatus struct {
	Receiver  string  `json:"receiver"`
	Waiting   int64   `json:"waiting"`
	Oldest    float64 `json:"oldest_seconds"` // since when the oldest of them waits, where that is known
	Delivered int64   `json:"delivered"`
	Failures  int64   `json:"failures"` // attempts that failed and are repeated
	GivenUp   int64   `json:"given_up"`
}

// LogStatus says how the log is.
type LogStatus struct {
	Bytes    int64 `json:"bytes"`
	Segments int   `json:"segments"`
	First    int64 `json:"first"` // offset of the oldest record
	Next     int64 `json:"next"`
	DiskFull bool  `json:"disk_full"`
}

// StateStatus says how the state is.
type StateStatus struct {
	Bytes    int64 `json:"bytes"`
	Rows     int64 `json:"rows"` // of keys
	Memory   int64 `json:"memory_bytes"`
	DiskFull bool  `json:"disk_full"`
}

// DedupeStatus says how far back ids of posted events are known.
type DedupeStatus struct {
	IDs    int     `json:"ids"`
	Span   float64 `json:"span_seconds"`
	Wanted float64 `json:"wanted_seconds"` // http.dedupe
}

// Status returns how the service is.
func (s *Server) Status() Status {
	now, f := s.o.Now(), s.o.Service.Figures()
	x := Status{
		Version: s.o.Version, Started: event.FormatTime(s.began.UnixMilli()), Uptime: now.Sub(s.began).Seconds(), Phase: s.o.Service.Phase().String(),
		Outbox: s.outboxStatus(now), Sources: s.sourcesStatus(f), Copies: []CopiesStatus{},
	}
	if s.o.Copies != nil {
		x.Copies = append(x.Copies, s.o.Copies()...)
	}
	x.Problems, _ = s.Problems()
	x.Problems = append([]string{}, x.Problems...)
	x.Ready = len(x.Problems) == 0
	counts, folded := s.o.Store.RejectedCounts(), foldedOf(f)
	perSecond, _ := s.pace.perSecond(now, folded)
	x.Events = EventStatus{PerSecond: perSecond, Folded: folded, Refused: counts.Total, Reasons: counts.ByReason}
	x.Rules = s.rulesStatus(f, now)
	for _, n := range f.Open {
		x.Alerts.Open += n
	}
	if active, err := s.ListSilences(alert.SilenceActive); err == nil {
		x.Alerts.Silences = len(active)
	}
	log, store, known := s.o.Log.Stats(), s.o.Store.Stats(), s.known.stats(now.UnixMilli())
	x.Log = LogStatus{log.Bytes, log.Segments, log.First, log.Next, log.DiskFull}
	x.State = StateStatus{Bytes: store.DiskBytes, DiskFull: store.DiskFull}
	x.Dedupe = DedupeStatus{int(known.IDs), known.Span.Seconds(), s.o.Spec.Dedupe.Seconds()}
	if e := f.Engine; e != nil {
		x.State.Rows, x.State.Memory = e.Rows+e.Cold, e.Memory
		if e.Newest != state.NoTime {
			x.Time = TimeStatus{event.FormatTime(e.Newest), event.FormatTime(e.Watermark), float64(now.UnixMilli()-e.Watermark) / 1000}
		}
	}
	return x
}

func (s *Server) rulesStatus(f *engine.Figures, now time.Time) RulesStatus {
	x := RulesStatus{Version: f.Rules, Blind: []string{}, Reloads: f.Reloads, Refused: f.RefusedReloads}
	if f.Refusal != nil {
		x.Refusal = f.Refusal.Error()
	}
	x.Filling = fillingOf(f.Filling, now)
	_, all := s.RulesHealth()
	for i := range all {
		switch all[i].Health {
		case RuleError:
			x.Error++
		case RuleWarming:
			x.Warming++
		default:
			x.OK++
		}
		if f.Quiet[all[i].Rule].Blind(now) {
			x.Blind = append(x.Blind, all[i].Rule)
		}
	}
	return x
}

func (s *Server) outboxStatus(now time.Time) []ReceiverStatus {
	all := []ReceiverStatus{}
	if s.o.Teller == nil {
		return all
	}
	for _, r := range s.o.Teller.Stats() {
		all = append(all, ReceiverStatus{Receiver: r.Receiver, Waiting: r.Waiting, Delivered: r.Delivered, Failures: r.Failures, GivenUp: r.GivenUp})
	}
	for _, r := range s.o.Teller.RouterStats().Receivers {
		x := ReceiverStatus{Receiver: r.Receiver, Waiting: int64(r.Waiting), Delivered: r.Delivered, Failures: r.Failures, GivenUp: r.GivenUp}
		if !r.Oldest.IsZero() {
			x.Oldest = now.Sub(r.Oldest).Seconds()
		}
		all = append(all, x)
	}
	return all
}

func (s *Server) getStatus(w http.ResponseWriter, r *http.Request) {
	if p := paramsOf(r).end(); p != nil {
		p.write(w)
		return
	}
	writeJSON(w, http.StatusOK, s.Status())
}

// getRejected lists refused events, oldest first.
func (s *Server) getRejected(w http.ResponseWriter, r *http.Request) {
	x := paramsOf(r)
	after, limit, reason := x.number("after", 0, 0, 1<<62), x.number("limit", 100, 1, 1000), x.text("reason")
	if p := x.end(); p != nil {
		p.write(w)
		return
	}
	b, n, last, more := []byte(`{"rejected":[`), 0, uint64(after), false
	err := s.o.Store.Rejected(uint64(after)+1, func(x state.Rejected) (bool, error) {
		if more = n == limit || len(b) > rejectedMost; more {
			return false, nil
		}
		last = x.Sequence
		if reason != "" && reason != string(x.Reason) {
			return true, nil
		}
		if n++; n > 1 {
			b = append(b, ',')
		}
		refused := engine.Rejection{Position: x.Position, Reason: x.Reason, Offset: x.Offset, Detail: x.Detail, Raw: x.Raw}
		b = refused.Masked(s.o.Mask).AppendJSON(b)
		return true, nil
	})
	if err != nil {
		s.broken(err).write(w)
		return
	}
	b = append(b, ']')
	if more {
		b = strconv.AppendUint(append(b, `,"next":`...), last, 10)
	}
	writeBytes(w, append(b, "}\n"...))
}

// rejectedMost is about how large a page of refused events is at most, bytes.
const rejectedMost = 4 << 20
