package engine

import (
	"encoding/json"
	"fmt"
	"slices"

	"kelpie/journal"
	"kelpie/source"
)

// course turns records of the log into calls of an engine. The service that has just written them, a recovery, a replay
// and a fill of windows all fold by it, and so fold the same.
type course struct {
	engine *Engine
	layout layout
	own    map[string]int // the engine's partitions of the sources that are one now, by name
	known  map[string]int // all of the engine's partitions, by name
	lines  []Line

	deduped map[string]string // names of the inputs' Dedupe, by the origin of their records

	passed func(source.Partition, []byte) // is told of marks that were reached for the first time; nil: nobody is
	lacks  func(*source.Run, string)      // is told of runs that are not to be had, and why; nil: nobody is
}

// layout says which sources of the log are partitions by themselves: the watermark waits for each. The zero layout has
// the common partition only.
type layout struct {
	Parts []string `json:"parts,omitempty"` // names of the sources that are partitions, or were: the first one has number 1
	Own   []string `json:"own,omitempty"`   // of those that are
	Apart bool     `json:"apart,omitempty"` // nothing belongs to the common partition, and it is not waited for
}

// layoutOf returns the layout that inputs ask for, which goes on with the numbers of an earlier one.
func layoutOf(inputs []Input, before layout) layout {
	if len(inputs) == 0 {
		return before
	}
	x := layout{Parts: slices.Clone(before.Parts), Apart: true}
	for _, in := range inputs {
		switch {
		case in.Stream != nil:
		case in.Partition == "":
			x.Apart = false
		default:
			x.Own = append(x.Own, in.Partition)
			if !slices.Contains(x.Parts, in.Partition) {
				x.Parts = append(x.Parts, in.Partition)
			}
		}
	}
	return x
}

func (x *layout) equal(y *layout) bool {
	return x.Apart == y.Apart && slices.Equal(x.Own, y.Own) && slices.Equal(x.Parts, y.Parts)
}

// divide registers with a new engine the partitions of the layout, and finds those of streams that it has.
func (c *course) divide() {
	e := c.engine
	c.own, c.known = map[string]int{}, map[string]int{}
	for i, name := range c.layout.Parts {
		c.known[name] = e.logPart(int32(i + 1))
	}
	for i, p := range e.partitions {
		if !p.inLog() {
			c.known[streamPart(partitionOf(p.stream))] = i
		}
	}
	for _, name := range c.layout.Own {
		c.own[name] = c.known[name]
	}
	common, had := e.findLogPart(0)
	if !c.layout.Apart {
		common, had = e.logPart(0), true
	} else if !had && len(c.own) == 0 { // it says how far our log was read
		common, had = e.logPart(0), true
	}
	if had {
		c.known[commonPart] = common
		if p := e.partitions[common]; c.layout.Apart && p.newest == none {
			p.idle = true
		}
	}
}

// part returns the engine's partition for what comes from a source of that name: its own, if it is one, or the common
// one.
func (c *course) part(name string) int {
	if i, ok := c.own[name]; ok {
		return i
	}
	return c.engine.logPart(0)
}

// partNamed returns the engine's partition that a TimeAdvanced record names.
func (c *course) partNamed(name string) int {
	if i, ok := c.known[name]; ok {
		return i
	}
	return c.engine.logPart(0)
}

// fold folds a stretch, unless it says nothing to the fold itself: rules and what people say are the caller's.
func (c *course) fold(x *stretch) (*Effects, error) {
	switch x.kind {
	case journal.Event:
		return c.stepEvents(x)
	case journal.RecordsRead:
		return c.stepRun(x)
	}
	fresh := x.from(c.engine.readUpTo())
	switch x.kind {
	case journal.Cut:
		return &Effects{Rejected: fresh.cutLines(c.engine.plan.Schema.Spec.WithDefaults().MaxSize)}, nil
	case journal.TimeAdvanced:
		return c.advanceTime(&fresh)
	case journal.PartitionsAssigned:
		return nil, c.assign(&fresh)
	}
	return nil, nil // our own records that say nothing to the fold
}

func (c *course) stepEvents(x *stretch) (*Effects, error) {
	c.lines = x.eventLines(c.lines[:0])
	return c.engine.Step(&Batch{Partition: c.part(x.origin.Name), Buf: x.buf, Lines: c.lines, Decide: x.origin.Name == decisionOrigin, Source: c.deduped[x.origin.Name]})
}

// advanceTime folds records that say that time went on.
func (c *course) advanceTime(x *stretch) (*Effects, error) {
	all := &Effects{}
	for i := range x.lines {
		r, err := parseTimeRecord(x.payload(i))
		if err != nil {
			return nil, err
		}
		fx := &Effects{}
		switch {
		case r.End:
			fx, err = c.engine.End(false)
		case r.Idle != "":
			c.engine.Idle(c.partNamed(r.Idle))
		default:
			fx, err = c.engine.Tick(*r.Watermark)
		}
		if err != nil {
			return nil, err
		}
		all.Changes = append(all.Changes, fx.Changes...)
	}
	return all, nil
}

// assign registers partitions, in the order in which ties between them are broken, and has the watermark wait for them.
func (c *course) assign(x *stretch) error {
	for i := range x.lines {
		var r partitionsRecord
		if err := json.Unmarshal(x.payload(i), &r); err != nil {
			return fmt.Errorf("engine: log@%d: %w", x.lines[i].Offset, err)
		}
		for _, p := range r.Assigned {
			c.engine.Wake(c.streamNumber(p))
		}
		if r.Log != nil {
			c.lay(*r.Log)
		}
	}
	return nil
}

// lay goes on with another layout. A partition that nothing has come from yet is waited for from here on.
func (c *course) lay(x layout) {
	c.layout = x
	if i, ok := c.engine.findLogPart(0); ok && !x.Apart && c.engine.partitions[i].newest == none {
		c.engine.Wake(i)
	}
	c.divide()
}

// layoutRecord is the record that says that the log is divided in a way from here on.
func layoutRecord(x layout) ([]byte, error) { return json.Marshal(partitionsRecord{Log: &x}) }
