package kafka

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// Report is what a check found.
type Report struct {
	Cluster string        // id
	Brokers []string      // host:port, as they call themselves
	Topics  []TopicReport // by name
}

// TopicReport is what a check found of a topic.
type TopicReport struct {
	Name       string
	Partitions int
}

// Check tries everything that reading needs, with real requests: each broker of the settings, each topic, each leader
// under the name that it has for itself, permission to read and for the group. The error is all that is wrong, one
// sentence each (errors.Join).
func Check(ctx context.Context, s Spec) (Report, error) {
	s = s.WithDefaults()
	named, err := newTopics(s.Topics)
	if err != nil {
		return Report{}, err
	}
	c := &checking{spec: s, topics: named}
	if c.client, err = newClient(s.Connection); err != nil {
		return Report{}, err
	}
	defer c.client.close()
	if c.brokers(ctx); c.found == nil {
		return c.report, errors.Join(c.errs...)
	}
	c.leaders(ctx, c.existing())
	if s.Group != "" {
		c.group(ctx)
	}
	return c.report, errors.Join(c.errs...)
}

// checking is a check that is going on.
type checking struct {
	spec   Spec
	topics topics
	client *client
	found  *cluster // nil: no broker answers
	report Report
	errs   []error
}

func (c *checking) wrong(format string, args ...any) {
	c.errs = append(c.errs, fmt.Errorf(format, args...))
}

// brokers asks every broker of the settings for all topics.
func (c *checking) brokers(ctx context.Context) {
	for _, addr := range c.spec.Brokers {
		var found *cluster
		err := c.client.on(ctx, addr, func(conn *conn) (err error) {
			if _, err := conn.version(protocol.Fetch, fetchVersion, fetchVersion); err != nil {
				return err
			}
			found, err = conn.metadata(ctx, nil)
			return err
		})
		switch {
		case err != nil:
			c.errs = append(c.errs, err)
		case c.found != nil && c.found.id != found.id:
			c.wrong("broker %s: belongs to another cluster (%s) than the ones before it (%s)", addr, found.id, c.found.id)
		default:
			c.found = found
		}
	}
	if c.found == nil {
		return
	}
	c.report.Cluster = c.found.id
	c.report.Brokers = slices.Sorted(maps.Values(c.found.brokers))
}

// existing returns the topics that are there, and says which are not.
func (c *checking) existing() (all []*topic) {
	others := c.others()
	for _, name := range c.topics.names {
		switch t := c.found.topics[name]; {
		case t == nil:
			c.wrong("topic %s: there is none, or no permission to see it%s", name, others)
		case t.err != 0:
			c.wrong("topic %s: %s", name, describe(t.err))
		default:
			all = append(all, t)
		}
	}
	for _, re := range c.topics.patterns {
		matched := false
		for name, t := range c.found.topics {
			if re.MatchString(name) && !t.internal && t.err == 0 {
				matched = true
				if !slices.Contains(all, t) {
					all = append(all, t)
				}
			}
		}
		if !matched {
			c.wrong("topics: nothing matches /%s/%s", strings.TrimSuffix(strings.TrimPrefix(re.String(), "^(?:"), ")$"), others)
		}
	}
	slices.SortFunc(all, func(a, b *topic) int { return strings.Compare(a.name, b.name) })
	for _, t := range all {
		c.report.Topics = append(c.report.Topics, TopicReport{t.name, len(t.partitions)})
	}
	return all
}

// others says which topics there are.
func (c *checking) others() string {
	var names []string
	for name, t := range c.found.topics {
		if !t.internal && t.err == 0 {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ": we see no topics at all"
	}
	slices.Sort(names)
	const most = 10
	text := ": there are " + strings.Join(names[:min(len(names), most)], ", ")
	if len(names) > most {
		text += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return text
}

// leaders fetches a little from every leader of the topics.
func (c *checking) leaders(ctx context.Context, topics []*topic) {
	by := map[int32][]wanted{}
	for _, t := range topics {
		for _, p := range t.partitions {
			if p.leader < 0 {
				c.wrong("partition %s/%d: has no leader at the moment", t.name, p.id)
				continue
			}
			by[p.leader] = append(by[p.leader], wanted{Partition: Partition{t.name, p.id}, epoch: -1, most: 1})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(by)) {
		addr, known := c.found.brokers[id]
		if !known {
			c.wrong("broker %d, which leads partitions, is not known to the others", id)
			continue
		}
		err := c.client.on(ctx, addr, func(conn *conn) error {
			_, all, err := conn.fetch(ctx, fetchSpec{wait: time.Millisecond, most: 1, committed: true}, by[id], nil)
			c.fetched(all)
			return err
		})
		if err != nil && !slices.Contains(c.spec.Brokers, addr) {
			err = fmt.Errorf("broker %d is reached at the address that it has for itself (advertised.listeners): %w", id, err)
		}
		if err != nil {
			c.errs = append(c.errs, err)
		}
	}
}

// fetched says once for each topic what a leader has against fetching it.
func (c *checking) fetched(all []fetched) {
	said := map[string]bool{}
	for _, f := range all {
		// Nothing has to stand at offset 0, and leaders may just be moving.
		if f.err == 0 || f.err == kafkago.OffsetOutOfRange || f.err.Temporary() || said[f.Topic] {
			continue
		}
		said[f.Topic] = true
		c.wrong("topic %s: %s", f.Topic, describe(f.err))
	}
}

// patienceForGroup is how long the coordinator of a group may not be there: it comes with the first use.
const patienceForGroup = 10 * time.Second

// group asks the group's coordinator whether we may be a member.
func (c *checking) group(ctx context.Context) {
	until := time.Now().Add(patienceForGroup)
	for {
		err := c.tryGroup(ctx)
		var code kafkago.Error
		switch {
		case err == nil:
			return
		case !errors.As(err, &code):
			c.errs = append(c.errs, err)
			return
		case !code.Temporary() && code != kafkago.NotCoordinatorForGroup || time.Now().After(until) || ctx.Err() != nil:
			c.wrong("group %s: %s", c.spec.Group, describe(code))
			return
		}
		sleep(ctx, 200*time.Millisecond)
	}
}

func (c *checking) tryGroup(ctx context.Context) error {
	coordinator, err := c.client.coordinator(ctx, c.spec.Group)
	if err != nil {
		return err
	}
	return c.client.on(ctx, coordinator, func(conn *conn) error { return conn.mayJoin(ctx, c.spec.Group) })
}

// mayJoin sends a sign of life as a member that there is not: it needs the permission that members need, and changes
// nothing.
func (c *conn) mayJoin(ctx context.Context, group string) error {
	b := appendText(c.request(protocol.Heartbeat, 0, false), group)
	b = binary.BigEndian.AppendUint32(b, 0)
	answer, err := c.exchange(ctx, sized(appendText(b, "nobody")), nil, largestAnswer, c.timeout)
	if err != nil {
		return err
	}
	r := bytesReader{b: answer}
	r.int32()
	switch code := kafkago.Error(r.int16()); {
	case r.bad:
		return errNotKafka
	case code == 0, code == kafkago.UnknownMemberId, code == kafkago.IllegalGeneration, code == kafkago.RebalanceInProgress:
		return nil
	default:
		return code
	}
}
