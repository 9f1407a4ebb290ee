package backtest

import (
	"slices"
	"strings"
)

// Overlap is how far the alerts of two rules of a variant meet. Alerts of different rules meet if they are of the same key
// (the same fields, the same values) and one opened while the other was open, or if the same event opened both.
type Overlap struct {
	A     string `json:"a"` // before B by name
	B     string `json:"b"`
	AMetB int64  `json:"a_met_b"` // alerts of A that met one of B
	BMetA int64  `json:"b_met_a"` // alerts of B that met one of A
}

// meeting finds out which alerts meet. It remembers the alerts that are open, and those that resolved lately, so that its
// memory is bounded by what is open.
type meeting struct {
	run     *run
	by      []string              // by rule: the fields of its key
	share   [][]bool              // by two rules: some variant holds both
	at      map[string][]*present // by key or event
	queue   []*present            // those that have resolved, in that order
	met     map[[2]int]int64      // alerts of the first rule that met one of the second
	apart   []int64               // by rule: alerts that met none at all
	partner []map[string]int64    // by rule: alerts by the list of rules that they met
}

// present is an alert that others may meet.
type present struct {
	*Alert
	names []string // where it stands in at
	met   []int    // rules whose alerts it has met
}

// lingers is how long after it has resolved an alert can be met by one that opens late, ms of the watermark.
const lingers = hour

func newMeeting(r *run) *meeting {
	m := &meeting{run: r, at: map[string][]*present{}, met: map[[2]int]int64{}, apart: make([]int64, len(r.rules)), partner: make([]map[string]int64, len(r.rules))}
	for i, a := range r.rules {
		var fields []string
		for _, p := range a.By {
			fields = append(fields, p.String())
		}
		m.by = append(m.by, strings.Join(fields, ","))
		m.share = append(m.share, make([]bool, len(r.rules)))
		for k, b := range r.rules {
			m.share[i][k] = i != k && slices.ContainsFunc(a.Variants, func(v int) bool {
				_, ok := slices.BinarySearch(b.Variants, v)
				return ok
			})
		}
	}
	return m
}

// opened takes in an alert that opens when the watermark is w.
func (m *meeting) opened(a *Alert, w int64) *present {
	m.forget(w - lingers)
	p := &present{Alert: a, names: []string{m.by[a.Rule.Index] + "\x00" + strings.Join(a.Key, "\x00")}}
	if a.Position != "" {
		p.names = append(p.names, a.Position)
	}
	for i, name := range p.names {
		for _, o := range m.at[name] {
			if m.share[a.Rule.Index][o.Rule.Index] && (!o.Done || o.Resolved >= w-lingers && (i > 0 || o.Resolved >= a.Opened)) {
				p.meets(o)
				o.meets(p)
			}
		}
		m.at[name] = append(m.at[name], p)
	}
	return p
}

func (p *present) meets(o *present) {
	if !slices.Contains(p.met, o.Rule.Index) {
		p.met = append(p.met, o.Rule.Index)
	}
}

// resolved takes in that an alert has resolved.
func (m *meeting) resolved(p *present) { m.queue = append(m.queue, p) }

// forget lets go of the alerts that resolved before t.
func (m *meeting) forget(t int64) {
	n := 0
	for n < len(m.queue) && m.queue[n].Resolved < t {
		m.leave(m.queue[n])
		n++
	}
	m.queue = m.queue[n:]
}

// leave counts an alert that can meet no more others.
func (m *meeting) leave(p *present) {
	for _, name := range p.names {
		list := m.at[name]
		i := slices.Index(list, p)
		if list = slices.Delete(list, i, i+1); len(list) == 0 {
			delete(m.at, name)
		} else {
			m.at[name] = list
		}
	}
	m.count(p)
}

func (m *meeting) count(p *present) {
	if p.Warmup {
		return
	}
	r := p.Rule.Index
	for _, o := range p.met {
		m.met[[2]int{r, o}]++
	}
	if len(p.met) == 0 {
		m.apart[r]++
		return
	}
	if m.partner[r] == nil {
		m.partner[r] = map[string]int64{}
	}
	slices.Sort(p.met)
	text := make([]rune, len(p.met))
	for i, o := range p.met {
		text[i] = rune(o)
	}
	m.partner[r][string(text)]++
}

// end counts the alerts that are left.
func (m *meeting) end(open map[openKey]*present) {
	for _, p := range m.queue {
		m.count(p)
	}
	for _, p := range open {
		m.count(p)
	}
	m.queue = nil
}

// alone returns how many alerts of a rule met none of another rule of a variant.
func (m *meeting) alone(rule, variant int) int64 {
	n := m.apart[rule]
	for text, count := range m.partner[rule] {
		if !slices.ContainsFunc([]rune(text), func(o rune) bool { return slices.Contains(m.run.rules[o].Variants, variant) }) {
			n += count
		}
	}
	return n
}

// overlaps lists the pairs of rules of a variant whose alerts have met.
func (m *meeting) overlaps(variant int) (out []Overlap) {
	var in []*Rule
	for _, r := range m.run.rules {
		if slices.Contains(r.Variants, variant) {
			in = append(in, r)
		}
	}
	for i, a := range in {
		for _, b := range in[i+1:] {
			o := Overlap{a.Name, b.Name, m.met[[2]int{a.Index, b.Index}], m.met[[2]int{b.Index, a.Index}]}
			if o.AMetB+o.BMetA > 0 {
				out = append(out, o)
			}
		}
	}
	return out
}
