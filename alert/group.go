package alert

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"kelpie/mask"
)

// group is what one lane is told of together: the alerts that one route gave it and that agree in the labels the route
// groups by. It lives from its first alert until all of them have resolved and the lane knows.
type group struct {
	id      string // from groupID; the key of its row
	row     groupRow
	members map[string]*member // by alert
	route   *route
	lane    *lane

	wake    time.Time // when to look at it next; zero: not before something happens
	index   int       // in the heap of those that have a wake; -1: not there
	waiting bool      // the lane has been told enough for now
	changed bool      // its row is to be written
}

// groupRow is what is stored of a group. Times are the clock's, ms.
type groupRow struct {
	Name    string            `json:"name"`     // of this life: Notification.Group
	Lane    string            `json:"receiver"` // the lane's name
	Route   string            `json:"route"`    // the route's key
	Labels  map[string]string `json:"labels,omitempty"`
	Born    int64             `json:"born"`
	Flushed int64             `json:"flushed,omitempty"` // when its newest notification was made
	Number  int               `json:"number,omitempty"`  // of that one; 0: there was none
	Alone   bool              `json:"alone,omitempty"`   // there was one that was no digest
	Open    uint64            `json:"open,omitempty"`    // the notification that is on its way; 0: none
	Memo    string            `json:"memo,omitempty"`
}

// status is how an alert stands, as far as a receiver is concerned.
type status string

const (
	unknown      status = ""
	firing       status = "firing"
	acknowledged status = "acknowledged"
	resolved     status = "resolved"
)

// member is an alert in a group.
type member struct {
	subject *subject
	group   *group
	memberRow
	changed bool // its row is to be written
}

// memberRow is what is stored of a member.
type memberRow struct {
	Opened  int64  `json:"opened"`            // event time, ms
	Joined  int64  `json:"joined"`            // since when somebody is to be told, by the clock, ms
	Now     status `json:"now"`               // how it stands
	Told    status `json:"told,omitempty"`    // what the receiver knows
	Telling status `json:"telling,omitempty"` // what the notification that is on its way says
	Missed  bool   `json:"missed,omitempty"`  // a notification that said that it is new was given up
	Held    string `json:"held,omitempty"`    // why nobody is told: silence:ID, …
	Counted string `json:"counted,omitempty"` // the reason for which it has been counted as held
	Steps   int    `json:"steps,omitempty"`   // of the escalation that have been taken
}

// subject is an alert that is in some group.
type subject struct {
	id      string
	set     map[string]string // labels; nil: not loaded
	seen    map[string]string // as they leave; nil: none is masked. Loaded with set, and so are key and by
	key, by []string
	members []*member
}

// know takes in the labels of an alert, and what is seen of them.
func (s *subject) know(a *Alert, set map[string]string, m *mask.Fields) {
	s.set, s.seen, s.key, s.by = set, a.seenAs(m), a.Key, a.By
}

// groupID names the group of a lane, route and labels: 128 bits of a SHA-256.
func groupID(lane, route string, labels map[string]string) string {
	return hash("group", lane, route, labelsText(labels))
}

// hash makes an id of texts.
func hash(texts ...string) string {
	var b []byte
	for _, t := range texts {
		b = appendText(b, t)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

func labelsText(labels map[string]string) string {
	var b []byte
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		b = appendText(appendText(b, name), labels[name])
	}
	return string(binary.AppendUvarint(b, uint64(len(labels))))
}

// decodeRow reads a row of this package's that is JSON.
func decodeRow(what, id string, data []byte, into any) error {
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("alert: read %s %s: %w", what, id, err)
	}
	return nil
}

// sorted returns the members, firing ones first, then by opening.
func (g *group) sorted() []*member {
	return slices.SortedFunc(maps.Values(g.members), func(a, b *member) int {
		return cmp.Or(compareBool(a.Now == resolved, b.Now == resolved), cmp.Compare(a.Opened, b.Opened), cmp.Compare(a.subject.id, b.subject.id))
	})
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// holdable reports whether the receiver may be kept from hearing what is new of it. That something has resolved it always
// hears, if it knows of the alert.
func (m *member) holdable() bool {
	return m.Now != resolved || m.Told == unknown && m.Telling == unknown
}

// news reports whether the receiver is to be told of it.
func (m *member) news() bool {
	return m.Now != m.Told && m.Held == "" && (m.Now != resolved || m.Told == unknown || m.group.lane.sendResolved)
}

// fires reports whether it is firing, as far as the receiver may know.
func (m *member) fires() bool {
	return m.Now != resolved && (m.Held == "" || m.Told != unknown || m.Telling != unknown)
}

// summary counts a group's members.
type summary struct {
	news     int // to be told
	acks     int // of them only that somebody has acknowledged
	firing   int // that the receiver knows of, or is to be told; acknowledged ones included
	open     int // firing, not acknowledged, not held
	held     int
	escalate time.Time // when the next step of an escalation is due; zero: there is none
}

func (g *group) summary() (s summary) {
	for _, m := range g.members {
		if m.news() {
			s.news++
			if m.Now == acknowledged && m.Told == firing {
				s.acks++
			}
		}
		if m.fires() {
			s.firing++
		}
		if m.Held != "" {
			s.held++
		}
		if m.Now != firing || m.Held != "" {
			continue
		}
		s.open++
		if m.Steps < len(g.route.steps) {
			s.escalate = earliest(s.escalate, time.UnixMilli(m.Joined).Add(g.route.steps[m.Steps].after))
		}
	}
	return s
}

// kind returns what the group is to be told now, and when that is due; "" if nothing is.
func (g *group) kind(s summary) (k Kind, due time.Time) {
	flushed := time.UnixMilli(g.row.Flushed)
	switch {
	case g.row.Open != 0:
		return "", due
	case s.news > 0 && g.row.Number == 0:
		k = KindOpened
		if g.route.step {
			k = KindEscalated
		}
		return k, time.UnixMilli(g.row.Born).Add(g.route.wait)
	case s.news > 0 && s.news == s.acks && s.open == 0:
		return KindAcknowledged, flushed // somebody waits to see it
	case s.news > 0 && s.firing == 0:
		return KindResolved, flushed.Add(g.route.interval)
	case s.news > 0:
		return KindUpdated, flushed.Add(g.route.interval)
	case s.open > 0:
		return KindReminder, flushed.Add(g.route.repeat)
	}
	return "", due
}

// next returns when the group is to be looked at next.
func (g *group) next() time.Time {
	s := g.summary()
	_, due := g.kind(s)
	return earliest(due, s.escalate)
}
