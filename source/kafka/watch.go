package kafka

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	kafkago "github.com/segmentio/kafka-go"
)

// theCluster is where problems are that concern all brokers.
const theCluster = "brokers"

// watch looks for topics, partitions and leaders, again and again, until the Reader is closed.
func (r *Reader) watch() {
	failures := 0
	for r.ctx.Err() == nil {
		found, err := r.client.metadata(r.ctx, r.asked())
		wait := jitter(r.spec.Fetch.Refresh)
		switch {
		case r.ctx.Err() != nil:
			return
		case err != nil:
			failures++
			wait = backoff(failures)
			r.problem(theCluster, strings.ReplaceAll(err.Error(), "\n", "; "))
		default:
			failures = 0
			r.well(theCluster)
			if !r.apply(found) {
				wait = min(wait, time.Second)
			}
		}
		r.pauseWatching(wait, failures > 0)
	}
}

// shortest is how long to wait at least before looking again.
const shortest = 100 * time.Millisecond

// pauseWatching waits before the next look: less if somebody asks for one and there is no trouble.
func (r *Reader) pauseWatching(wait time.Duration, trouble bool) {
	sleep(r.ctx, min(wait, shortest))
	timer := time.NewTimer(wait)
	defer timer.Stop()
	look := r.look
	if trouble {
		look = nil
	}
	select {
	case <-look:
	case <-timer.C:
	case <-r.ctx.Done():
	}
}

// sleep waits, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// asked returns the topics to ask for: nil for all.
func (r *Reader) asked() []string {
	if len(r.topics.patterns) > 0 {
		return nil
	}
	return r.topics.names
}

func (r *Reader) problem(where, what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts.Failures++
	r.problems.set(where, what)
}

func (r *Reader) well(where string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems.clear(where)
}

// apply takes in how the cluster is now. It returns false if something in it is not as it should be.
func (r *Reader) apply(found *cluster) (well bool) {
	r.mu.Lock()
	r.cluster = found
	well = r.topicsLocked()
	all := r.existingLocked()
	r.placeLocked()
	if r.spec.Group != "" {
		r.sharedLocked(all)
		r.mu.Unlock()
		return well
	}
	var added []Partition
	for _, p := range all {
		if r.parts[p] == nil {
			added = append(added, p)
		}
	}
	gone := r.goneLocked()
	r.mu.Unlock()
	r.revoke(gone)
	r.assign(added)
	return well
}

// goneLocked returns the partitions that a topic does not have any more since it was made again.
func (r *Reader) goneLocked() (gone []Partition) {
	for at, p := range r.parts {
		t := r.cluster.topics[at.Topic]
		if t == nil || t.err != 0 || t.id == p.id {
			continue
		}
		if !slices.ContainsFunc(t.partitions, func(l leadership) bool { return l.id == at.ID }) {
			gone = append(gone, at)
		}
	}
	slices.SortFunc(gone, Partition.Compare)
	return gone
}

// topicsLocked says which topics are not there, or may not be read.
func (r *Reader) topicsLocked() (well bool) {
	well = true
	for _, name := range r.topics.names {
		t := r.cluster.topics[name]
		switch {
		case t == nil || t.err == kafkago.UnknownTopicOrPartition:
			r.problems.set(name, fmt.Sprintf("there is no topic %s", name))
		case t.err != 0:
			r.problems.set(name, fmt.Sprintf("topic %s: %s", name, describe(t.err)))
		default:
			r.problems.clear(name)
			continue
		}
		well = false
	}
	return well
}

// existingLocked returns all partitions of the topics that are read, in order.
func (r *Reader) existingLocked() (all []Partition) {
	for name, t := range r.cluster.topics {
		if t.err != 0 || !r.topics.match(name) || t.internal && !slices.Contains(r.topics.names, name) {
			continue
		}
		for _, p := range t.partitions {
			if at := (Partition{name, p.id}); r.o.Only == nil || r.o.Only(at) {
				all = append(all, at)
			}
		}
	}
	slices.SortFunc(all, Partition.Compare)
	return all
}

// placeLocked hands each partition to its leader, and begins and ends leaders' goroutines.
func (r *Reader) placeLocked() {
	if r.cluster == nil {
		return
	}
	needed := map[int32]bool{}
	for _, p := range r.parts {
		r.placePartitionLocked(p)
		needed[p.leader] = true
	}
	for id, l := range r.leaders {
		if addr := r.cluster.brokers[id]; !needed[id] || addr != l.addr {
			l.cancel()
			delete(r.leaders, id)
			r.problems.clear(l.addr)
		}
	}
	for id := range needed {
		addr, known := r.cluster.brokers[id]
		switch l := r.leaders[id]; {
		case l != nil:
			token(l.work)
		case known && r.ctx.Err() == nil:
			r.leaders[id] = r.lead(id, addr)
		}
	}
}

// placePartitionLocked takes in what is known of a partition's topic and leader.
func (r *Reader) placePartitionLocked(p *partition) {
	t := r.cluster.topics[p.Topic]
	if t == nil || t.err != 0 {
		if !slices.Contains(r.topics.names, p.Topic) { // of others topicsLocked says it
			r.problems.set(p.Topic, fmt.Sprintf("there is no topic %s any more", p.Topic))
		}
		p.leader = -1
		return
	}
	if !slices.Contains(r.topics.names, p.Topic) {
		r.problems.clear(p.Topic)
	}
	i := slices.IndexFunc(t.partitions, func(l leadership) bool { return l.id == p.ID })
	if i < 0 {
		r.problems.set(p.String(), fmt.Sprintf("there is no partition %s any more", p.Partition))
		p.leader = -1
		return
	}
	l := t.partitions[i]
	none := TopicID{}
	if l.epoch >= 0 && l.epoch < p.epoch && t.id == p.id && t.id != none {
		return // a broker that does not know the latest
	}
	if l.leader != p.leader || l.epoch != p.epoch {
		p.turn++
		if p.mark.Epoch >= 0 && l.epoch != p.epoch && p.todo == nothing {
			p.todo = checkEnd
		}
		p.failures, p.retry = 0, time.Time{}
	}
	p.leader, p.epoch, p.id = l.leader, l.epoch, t.id
	if l.leader < 0 {
		r.problems.set(p.String(), fmt.Sprintf("partition %s has no leader", p.Partition))
	}
	if p.mark.Known && p.mark.TopicID != none && p.id != none && p.mark.TopicID != p.id && p.todo != beginAnew {
		p.turn++
		p.todo, p.verify = beginAnew, false
	}
}
