package alert

import (
	"fmt"
	"slices"
	"time"
)

// route is a RouteSpec with what it inherits.
type route struct {
	key      string // the same as long as the matchers down to it are
	match    Matchers
	receiver string
	goOn     bool
	groupBy  []string
	wait     time.Duration
	interval time.Duration
	repeat   time.Duration
	mute     []weekly
	active   []weekly
	steps    []step
	routes   []*route
	step     bool // it is a step of an escalation
}

// step is one step of an escalation: the route for what is told then.
type step struct {
	after time.Duration
	*route
}

// tree is all routes.
type tree struct {
	root    *route            // matches everything; its receiver is nobody
	byKey   map[string]*route // with the steps of escalations
	actions *route            // for receivers that rules name
}

// newTree makes the tree of a valid spec. Without routes every receiver is told of every alert.
func newTree(s Spec, receivers []string) (*tree, error) {
	t := &tree{byKey: map[string]*route{}}
	t.root = &route{groupBy: s.GroupBy, wait: s.GroupWait, interval: s.GroupInterval, repeat: s.RepeatInterval}
	specs := s.Routes
	if len(specs) == 0 {
		for _, name := range receivers {
			specs = append(specs, RouteSpec{Receiver: name, Continue: true})
		}
	}
	if err := t.add(t.root, specs); err != nil {
		return nil, err
	}
	actions := *t.root
	actions.key, actions.routes = "actions", nil
	t.actions = t.keep(&actions)
	return t, nil
}

// add makes the routes below one.
func (t *tree) add(parent *route, specs []RouteSpec) error {
	for i := range specs {
		s := &specs[i]
		r := *parent
		r.match, r.goOn, r.routes = s.Match, s.Continue, nil
		r.key = fmt.Sprintf("%s/{%s}%s", parent.key, s.Match, s.Receiver)
		inherit(&r.receiver, s.Receiver, s.Receiver != "")
		inherit(&r.groupBy, s.GroupBy, s.GroupBy != nil)
		for to, from := range map[*time.Duration]*time.Duration{&r.wait: s.GroupWait, &r.interval: s.GroupInterval, &r.repeat: s.RepeatInterval} {
			if from != nil {
				*to = *from
			}
		}
		var err error
		if r.mute, err = newWeeklies(s.Mute); err != nil {
			return err
		}
		if r.active, err = newWeeklies(s.Active); err != nil {
			return err
		}
		t.keep(&r)
		t.addSteps(&r, s.Escalate)
		if err := t.add(&r, s.Routes); err != nil {
			return err
		}
		parent.routes = append(parent.routes, &r)
	}
	return nil
}

func inherit[T any](to *T, from T, set bool) {
	if set {
		*to = from
	}
}

// addSteps makes the steps of a route's escalation. A route that names none has those of the route around it, told as its
// own alerts are.
func (t *tree) addSteps(r *route, specs []EscalateSpec) {
	inherited := r.steps
	r.steps = nil
	if specs == nil {
		for _, s := range inherited {
			specs = append(specs, EscalateSpec{s.after, s.receiver})
		}
	}
	for i, s := range specs {
		e := *r
		e.key, e.receiver, e.step = fmt.Sprintf("%s/escalate.%d %s", r.key, i, s.Receiver), s.Receiver, true
		e.wait, e.steps, e.routes, e.mute, e.active = 0, nil, nil, nil, nil
		r.steps = append(r.steps, step{s.After, t.keep(&e)})
	}
}

// keep gives a route a key that no other one has.
func (t *tree) keep(r *route) *route {
	key := r.key
	for n := 2; t.byKey[r.key] != nil; n++ {
		r.key = fmt.Sprintf("%s#%d", key, n)
	}
	t.byKey[r.key] = r
	return r
}

// find returns the routes below r that take an alert or, if there are none, r.
func (r *route) find(set map[string]string) (all []*route) {
	for _, sub := range r.routes {
		if !sub.match.Match(set) {
			continue
		}
		all = append(all, sub.find(set)...)
		if !sub.goOn {
			break
		}
	}
	if len(all) == 0 && r.receiver != "" {
		all = append(all, r)
	}
	return all
}

// labelsOf returns the labels that the route groups by.
func (r *route) labelsOf(a *Alert, set map[string]string) map[string]string {
	if slices.Equal(r.groupBy, []string{everyAlert}) {
		return map[string]string{"alert": a.ID}
	}
	labels := make(map[string]string, len(r.groupBy))
	for _, name := range r.groupBy {
		if v, ok := set[name]; ok {
			labels[name] = v
		}
	}
	return labels
}

// muted reports whether nobody is told at a time.
func (r *route) muted(t time.Time) bool {
	in := func(w weekly) bool { return w.contains(t) }
	return slices.ContainsFunc(r.mute, in) || len(r.active) > 0 && !slices.ContainsFunc(r.active, in)
}
