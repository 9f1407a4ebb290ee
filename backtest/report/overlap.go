package report

import (
	"fmt"
	"strconv"

	"kelpie/backtest"
)

// overlapSection says which rules catch what others catch too.
func overlapSection(res *backtest.Result) *section {
	v := &res.Variants[0]
	if len(v.Overlaps) == 0 {
		return nil
	}
	s := &section{id: "overlap", title: "Overlap", notes: []string{"Alerts of two rules meet if they are of one key and open at one time, or if one event opened both."}}
	t := table{columns: []column{{title: "rule"}, {title: "alerts", right: true}, {title: "alone", about: "alerts that met none of another rule", right: true},
		{title: "met", about: "the other rule"}, {title: "of its alerts", right: true}, {title: "share", right: true}}}
	add := func(r *backtest.RuleResult, other string, met int64) {
		if met > 0 {
			share := float64(met) / float64(r.Alerts)
			t.rows = append(t.rows, row{cells: []cell{words(r.Rule), count(r.Alerts), count(r.Alone), words(other), count(met), ratio(&share)}})
		}
	}
	for i := range v.Rules {
		r := &v.Rules[i]
		for _, o := range v.Overlaps {
			switch r.Rule {
			case o.A:
				add(r, o.B, o.AMetB)
			case o.B:
				add(r, o.A, o.BMetA)
			}
		}
	}
	s.tables = append(s.tables, t)
	if m := matrix(v); len(m.Cells) > 0 {
		s.charts = append(s.charts, m)
	}
	return s
}

// mostInMatrix is how many rules a matrix can have and be read.
const mostInMatrix = 12

// matrix draws which share of a row's alerts met one of a column's.
func matrix(v *backtest.VariantResult) chart {
	c := chart{Title: "Which share of a rule's alerts (across) another one has too (down)"}
	c.About = c.Title
	met := map[[2]string]int64{}
	part := map[string]bool{}
	for _, o := range v.Overlaps {
		met[[2]string{o.A, o.B}], met[[2]string{o.B, o.A}] = o.AMetB, o.BMetA
		part[o.A], part[o.B] = true, true
	}
	var list []*backtest.RuleResult
	for i := range v.Rules {
		if part[v.Rules[i].Rule] && v.Rules[i].Alerts > 0 {
			list = append(list, &v.Rules[i])
		}
	}
	if len(list) > mostInMatrix {
		return c
	}
	const names = 132.0
	width, height := (right-names)/float64(len(list)), (bottom-top)/float64(len(list))
	for i, r := range list {
		y := top + float64(i)*height
		c.Names = append(c.Names, mark{unit(y + height/2), shortened(r.Rule) + " " + strconv.Itoa(i+1), "end"})
		c.Below = append(c.Below, mark{unit(names + (float64(i)+0.5)*width), strconv.Itoa(i + 1), "middle"})
		for k, other := range list {
			share := float64(met[[2]string{r.Rule, other.Rule}]) / float64(r.Alerts)
			if i == k {
				continue
			}
			c.Cells = append(c.Cells, square{bar{unit(names + float64(k)*width), unit(y), unit(width), unit(height),
				fmt.Sprintf("%s of %s of %s met %s", thousands(met[[2]string{r.Rule, other.Rule}]), counted(r.Alerts, "alert"), r.Rule, other.Rule)},
				strconv.FormatFloat(share*0.85, 'f', 2, 64)})
		}
	}
	return c
}

// shortened cuts a name that would not stand beside a matrix.
func shortened(name string) string {
	if r := []rune(name); len(r) > 16 {
		return string(r[:15]) + "…"
	}
	return name
}
