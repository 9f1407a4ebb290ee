package compare

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"sync"

	"kelpie/backtest"
	"kelpie/engine"
	"kelpie/engine/whynot"
	"kelpie/window"
)

// The most that is kept of one pair of rules.
const (
	sampleKeys = 20   // keys on which they differ: those with the smallest hashes, so that they are the same however the run was cut
	watchKeys  = 2000 // keys that are watched for that, again those with the smallest hashes
	perKey     = 10   // judgements of one key on which they differ, the first ones
)

// pair is two rules of one name that differ, or a rule that only one of the sets has.
type pair struct {
	rules  [2]*whynot.Rule // today's, the other one; nil: there is none
	alerts [2][]*alert     // in order of opening
	open   [2]map[string]*alert

	mu      sync.Mutex // of what follows: shards observe at the same time
	waiting map[moment]half
	keys    []sampled // by hash
	seen    map[uint64]bool
	limit   uint64 // keys with greater hashes are not watched
}

// moment is an event on which both rules are judged.
type moment struct {
	key, position string
	asOf          int64
}

// half is what one of the rules said.
type half struct {
	which int
	said  said
}

// said is what a rule said of an event, and why.
type said struct {
	held      bool
	abstained string
	values    []engine.NamedValue
	parts     []whynot.Part
}

// sampled is a key on which the rules differ.
type sampled struct {
	hash uint64
	key  string
	said map[string][2]said // by position
}

func newPair() *pair {
	return &pair{open: [2]map[string]*alert{{}, {}}, waiting: map[moment]half{}, seen: map[uint64]bool{}, limit: math.MaxUint64}
}

// Observe implements backtest.Observer: what one rule says waits for what the other says of the same event.
func (c *Comparer) Observe(r *backtest.Rule, o *engine.Observation) {
	if o.Position == "" {
		return
	}
	s := c.of[r]
	key := string(engine.AppendKeyJSON(nil, o.Key))
	hash := window.HashText([]byte(key)).Hi
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.watched(hash) {
		return
	}
	at := moment{key, o.Position, o.AsOf}
	other, both := s.waiting[at]
	if !both {
		s.waiting[at] = half{s.which, listen(s.rules[s.which], o)}
		return
	}
	delete(s.waiting, at)
	if other.said.held == o.Fired {
		return
	}
	var pair [2]said
	pair[other.which], pair[s.which] = other.said, listen(s.rules[s.which], o)
	s.keep(hash, key, o.Position, pair)
}

// watched reports whether the key of a hash is watched.
func (p *pair) watched(hash uint64) bool {
	if hash > p.limit || len(p.keys) == sampleKeys && hash > p.keys[sampleKeys-1].hash {
		return false
	}
	if p.seen[hash] = true; len(p.seen) == 2*watchKeys {
		p.tighten()
	}
	return true
}

// tighten leaves the keys with the smallest hashes. A key that is among them at the end has been among them since it came,
// so that all of it has been seen.
func (p *pair) tighten() {
	if len(p.seen) <= watchKeys {
		return
	}
	p.limit = slices.Sorted(maps.Keys(p.seen))[watchKeys-1]
	maps.DeleteFunc(p.seen, func(h uint64, _ bool) bool { return h > p.limit })
}

func listen(r *whynot.Rule, o *engine.Observation) said {
	parts, _ := r.Parts(o.Env)
	return said{o.Fired, o.Abstained, r.Values(o.Env), parts}
}

// keep takes a judgement on which the rules differ into the sample.
func (p *pair) keep(hash uint64, key, position string, both [2]said) {
	i, found := slices.BinarySearchFunc(p.keys, hash, func(k sampled, h uint64) int { return cmp.Compare(k.hash, h) })
	if !found {
		if len(p.keys) == sampleKeys {
			p.keys = p.keys[:sampleKeys-1]
		}
		p.keys = slices.Insert(p.keys, i, sampled{hash, key, map[string][2]said{}})
	}
	if k := &p.keys[i]; k.key == key && len(k.said) < perKey {
		k.said[position] = both
	}
}

func (s *said) judgment() backtest.Judgment {
	j := backtest.Judgment{Held: s.held, Abstained: s.abstained, Values: whynot.Object(s.values), Lines: []string{whynot.ValuesText(s.values)}}
	for i := range s.parts {
		j.Lines = append(j.Lines, "  "+s.parts[i].Text())
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(s.parts) == nil { // they are JSON already
		j.Condition = bytes.TrimSpace(b.Bytes())
	}
	return j
}

// samples sets side by side what both rules said at the openings of alerts that only one of them has.
func (p *pair) samples(only string, alerts []*alert) (out []backtest.Difference) {
	p.tighten()
	for _, a := range alerts {
		for i := range p.keys {
			said, ok := p.keys[i].said[a.position]
			if !ok || p.keys[i].key != a.key || p.keys[i].hash > p.limit {
				continue
			}
			out = append(out, backtest.Difference{Only: only, Alert: a.id, Key: a.parts, Opened: backtest.Time(a.opened), Event: a.event, Position: a.position,
				Today: said[0].judgment(), Against: said[1].judgment()})
		}
		if len(out) == sampleKeys {
			break
		}
	}
	return out
}
