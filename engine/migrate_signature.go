package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"

	"kelpie/event"
	"kelpie/rules"
)

// number gives the scope's blocks their numbers. They depend on all that decides what the bytes mean, so that rows of
// another layout are never mistaken for this one's.
func (s *scope) number(b *planner) {
	h := sha256.New()
	s.describe(h, b.Set.Paths)
	name := s.key + " " + hex.EncodeToString(h.Sum(nil)[:16])
	s.unit = b.unit("scope " + name)
	s.dim.setUnit(s.unit, unitRef{scope: s})
	if s.log != nil && s.log.Heap {
		s.heap = b.unit("heap " + name)
	}
	for _, f := range s.limited {
		f.sketch = b.unit("panes " + f.Text + " " + s.key)
	}
	for i, g := range s.grids {
		g.unit = b.unit(fmt.Sprintf("grid %d %s", i, name))
	}
	for i, x := range s.sessions {
		x.unit = b.unit(fmt.Sprintf("sessions %d %s", i, name))
	}
}

// describe writes down the layout of the scope's blocks.
func (s *scope) describe(w io.Writer, paths []event.Path) {
	for _, rp := range s.rules {
		fmt.Fprintf(w, "rule %q\n", rp.Name)
	}
	for _, f := range s.facts {
		fmt.Fprintf(w, "fact %q kind %d feed %d column %d view %d at %d grid %d sessions %d mask %x fields %v\n", f.Text, f.kind, f.feed,
			f.column, f.view, f.acc, slices.Index(s.grids, f.grid), slices.Index(s.sessions, f.sess), f.mask, f.fields(paths))
	}
	for _, c := range s.columns {
		fmt.Fprintf(w, "column %d %q\n", c.kind, c.name(paths))
	}
	for _, f := range s.feeds {
		filter := ""
		if f.filter >= 0 {
			filter = s.filters[f.filter].Canon
		}
		fmt.Fprintf(w, "feed of %q where %q each %d span %d session %d\n", f.of, filter, f.each, f.span, slices.Index(s.sessions, f.gap))
	}
	for _, g := range s.grids {
		fmt.Fprintf(w, "grid each %d width %d\n", g.each, g.width)
	}
	for _, x := range s.sessions {
		fmt.Fprintf(w, "session %d max %d width %d feed %d\n", x.gap, x.max, x.width, x.feed)
	}
	s.describeLimits(w)
	fmt.Fprintf(w, "views %v fixed %d again %t\n", s.views, s.fixed, s.judgesAgain())
	if s.log != nil {
		fmt.Fprintf(w, "entries of %d, masked %t\n", s.log.Width, s.log.Masked)
	}
}

// name says what a column holds, whatever the numbers of fields are.
func (c *column) name(paths []event.Path) string {
	if c.expr != nil {
		return c.expr.Canon
	}
	return "field " + slotName(c.slot, paths)
}

func slotName(slot int, paths []event.Path) string {
	if slot < 0 {
		return fmt.Sprint(slot)
	}
	return paths[slot].String()
}

// fields names the fields that are kept of previous events.
func (f *fact) fields(paths []event.Path) (names []string) {
	for _, p := range f.prev {
		names = append(names, slotName(p.slot, paths))
	}
	return names
}

// signature names the part of a row that holds the instance of a rule: what it remembers, and what decides when it is due.
func (rp *rulePlan) signature(paths []event.Path) string {
	var keep, keys []string
	for _, slot := range rp.keep {
		keep = append(keep, slotName(slot, paths))
	}
	if rp.foreign || rp.farTable {
		for _, d := range rp.scope.dim.lane.dims {
			keys = append(keys, d.name)
		}
	}
	text := fmt.Sprintf("instance %s fields %q keys %q for %d cooldown %d expire %d", rp.Name, keep, keys, rp.For, rp.Cooldown, rp.Expire)
	if rp.namesake > 0 {
		text += fmt.Sprintf(" namesake %d", rp.namesake)
	}
	return text
}

// subject says which events the scope is about, in which rows.
func (s *scope) subject() string {
	types := "*"
	if s.types != nil {
		types = strings.Join(slices.Sorted(slices.Values(s.types)), "\x01")
	}
	where := ""
	if s.where != nil {
		where = s.where.Canon
	}
	return fmt.Sprintf("%s where %s by %s foreign %t", types, where, s.dim.name, s.foreign)
}

// identity says what a fact is about and in which form it is kept. Facts of the same identity have the same state for
// the same key, however their rules are called and whatever else these say.
func (f *fact) identity(s *scope) string {
	form, zone := "events", ""
	switch f.kind {
	case paneAcc, seriesAcc:
		form = "windows"
	case sessionAcc, sessionScan:
		form = "sessions"
	}
	if f.limited {
		form = "events and sketches"
	}
	if form != "windows" && s.onClose {
		form += " until closes" // which may need them longer
	}
	if f.Window.Kind != rules.Sliding && f.Window.Kind != rules.Session {
		zone = s.zone
	}
	return fmt.Sprintf("%s %s: %s %s", form, s.subject(), f.Text, zone)
}
