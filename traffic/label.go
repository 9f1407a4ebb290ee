package traffic

import (
	"bufio"
	"io"
	"strings"
	"time"
)

// Kind is a kind of attack.
type Kind string

// The kinds, and the founding rule that finds each.
const (
	Burst   Kind = "burst"   // order-burst: a customer's six orders or more within ten minutes
	Spike   Kind = "spike"   // volume-10x: fourteen times a region's orders within a minute
	Overrun Kind = "overrun" // over-credit-limit: an order beyond the customer's limit
	Storm   Kind = "storm"   // error-rate: a service fails every third request for one to three minutes
)

// Label says what was planted. It counts as found by an alert of Rule for Key that opened in [From, To].
type Label struct {
	Kind     Kind
	Rule     string   // the founding rule that finds it
	Key      string   // the rule's key: a customer, a region or a service
	From, To int64    // event time, ms
	Events   []string // the ids of its events, in order of arrival
}

// Labels returns what has been planted so far, in the order in which the rules could know it: an attack is listed from
// the event on at which its rule fires, and its To and Events grow while it lasts. What has only begun is not listed.
func (g *Generator) Labels() []Label {
	out := make([]Label, len(g.labels))
	for i, l := range g.labels {
		out[i] = *l
		out[i].Events = l.Events[:len(l.Events):len(l.Events)]
	}
	return out
}

// WriteLabels writes labels as CSV under the header kind,rule,key,from,to,events; the events' ids are separated by
// spaces. No field needs quotes.
func WriteLabels(w io.Writer, labels []Label) error {
	b := bufio.NewWriter(w)
	b.WriteString("kind,rule,key,from,to,events\n")
	for _, l := range labels {
		fields := []string{string(l.Kind), l.Rule, l.Key, formatTime(l.From), formatTime(l.To), strings.Join(l.Events, " ")}
		b.WriteString(strings.Join(fields, ","))
		b.WriteByte('\n')
	}
	return b.Flush()
}

func formatTime(ms int64) string {
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
}
