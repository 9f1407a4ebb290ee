package alert

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"kelpie/state"
)

// mostCounts is how many keys a digest counts by themselves.
const mostCounts = 20

// digest makes one notification of many groups: it counts their alerts by rule and key.
func (r *router) digest(b *state.Batch, l *lane, groups []*group, now time.Time) (*parcel, error) {
	if len(groups) == 1 {
		return r.notification(b, groups[0], now)
	}
	n := &Notification{Kind: KindDigest, State: Resolved, Since: math.MaxInt64}
	c := census{}
	seen := map[string]bool{}
	var about []string
	for _, g := range groups {
		g.number(now)
		for _, m := range g.sorted() {
			if m.Held != "" || seen[m.subject.id] {
				continue
			}
			seen[m.subject.id] = true
			set, err := r.labels(m.subject)
			if err != nil {
				return nil, err
			}
			about = append(about, m.subject.id)
			c.add(set["rule"], set["severity"], m.subject.key, m.subject.by)
			n.Since = min(n.Since, m.Opened)
			if m.fires() {
				n.State = Firing
			}
		}
	}
	n.Counts = c.counts()
	n.Group = hash("digest", l.name, groups[0].row.Name, fmt.Sprint(groups[0].row.Number))
	n.Key = n.Group + "/1"
	return r.parcel(b, l, n, groups, about, now)
}

// census counts alerts by rule and key.
type census map[string]*Count

func (c census) add(rule, severity string, key, by []string) {
	var b []byte
	for _, text := range append([]string{rule, severity}, key...) {
		b = appendText(b, text)
	}
	one := c[string(b)]
	if one == nil {
		if key == nil {
			key = []string{} // nil stands for all others
		}
		one = &Count{Rule: rule, Severity: severity, Key: key, By: by}
		c[string(b)] = one
	}
	one.Alerts++
}

// counts returns the most frequent keys, then what the others of each rule come to, each most frequent first.
func (c census) counts() (all []Count) {
	for _, one := range c {
		all = append(all, *one)
	}
	slices.SortFunc(all, compareCounts)
	if len(all) <= mostCounts {
		return all
	}
	rest := map[[2]string]*Count{}
	for _, one := range all[mostCounts:] {
		id := [2]string{one.Rule, one.Severity}
		if rest[id] == nil {
			rest[id] = &Count{Rule: one.Rule, Severity: one.Severity}
		}
		rest[id].Alerts += one.Alerts
	}
	all = all[:mostCounts]
	var others []Count
	for _, one := range rest {
		others = append(others, *one)
	}
	slices.SortFunc(others, compareCounts)
	return append(all, others...)
}

func compareCounts(a, b Count) int {
	return cmp.Or(cmp.Compare(b.Alerts, a.Alerts), strings.Compare(a.Rule, b.Rule), strings.Compare(a.Severity, b.Severity), slices.Compare(a.Key, b.Key))
}
