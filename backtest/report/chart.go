package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"

	"kelpie/backtest"
)

// chart is a drawing in SVG, measured in units of which a phone's width has as many as it has pixels.
type chart struct {
	Title, About string // About is for those who do not see it
	Bars         []bar
	Lines        []path
	Across       []mark // horizontal lines with their values
	Below        []mark // values under the chart
	Names        []mark // of the rows of a matrix
	Cells        []square
}

// square is a cell of a matrix: the fuller, the more.
type square struct {
	bar
	Full string
}

type bar struct{ X, Y, Width, Height, Title string }

// path is a line with its dots.
type path struct {
	Name   string // "": there is only one
	Class  string
	Points string
	Dots   []spot
}

// spot is a dot of a line.
type spot struct {
	X, Y, Title string
	Chosen      bool
}

type mark struct{ At, Text, Anchor string }

// Legend reports whether the lines are named under the chart.
func (c chart) Legend() bool { return len(c.Lines) > 0 && c.Lines[0].Name != "" }

// The drawing within the chart, whose size the template knows: 360 by 170.
const (
	left, right = 40.0, 352.0
	top, bottom = 12.0, 144.0
)

func unit(x float64) string { return strconv.FormatFloat(x, 'f', 1, 64) }

// dayChart draws alerts over the days of the history. The title says per what.
func dayChart(h *backtest.HistoryResult, title string, f *backtest.Figures) chart {
	s := perDay(h, f.Days, chartDays)
	c := chart{Title: fmt.Sprintf(title, s.of())}
	if len(s.counts) == 0 {
		return c
	}
	most := slices.Max(s.counts)
	ceiling := c.across(max(most, 3)) // counts have whole steps
	width := (right - left) / float64(len(s.counts))
	for i, n := range s.counts {
		if n == 0 {
			continue
		}
		y := bottom - n/ceiling*(bottom-top)
		c.Bars = append(c.Bars, bar{unit(left + float64(i)*width), unit(y), strconv.FormatFloat(max(width*0.85, 0.6), 'f', 2, 64), unit(bottom - y),
			fmt.Sprintf("%s: %s", s.day(i), counted(int64(n), "alert"))})
	}
	c.Below = []mark{{unit(left), s.day(0), "start"}}
	if n := len(s.counts); n > 1 {
		c.Below = append(c.Below, mark{unit(right), s.day(n - 1), "end"})
	}
	c.About = fmt.Sprintf("%s from %s on, %s at most", c.Title, s.day(0), thousands(int64(most)))
	return c
}

// across draws the horizontal lines of an axis that begins at 0, and returns where it ends.
func (c *chart) across(most float64) (ceiling float64) {
	step := nice(most / 3)
	ceiling = max(step*math.Ceil(most/step-1e-9), step)
	for i := 0; float64(i)*step <= ceiling+1e-9; i++ {
		v := float64(i) * step
		c.Across = append(c.Across, mark{unit(bottom - v/ceiling*(bottom-top)), tickText(v, step), "end"})
	}
	return ceiling
}

// nice returns the step of an axis next to x: 1, 2 or 5 times a power of ten.
func nice(x float64) float64 {
	if x <= 0 || math.IsInf(x, 0) || math.IsNaN(x) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(x)))
	for _, m := range []float64{1, 2, 5} {
		if x <= m*power {
			return m * power
		}
	}
	return 10 * power
}

// tickText writes a value of an axis, large ones short.
func tickText(v, step float64) string {
	switch {
	case v >= 1e6:
		return strconv.FormatFloat(v/1e6, 'g', 4, 64) + "M"
	case v >= 1e4:
		return strconv.FormatFloat(v/1e3, 'g', 4, 64) + "k"
	}
	digits := max(0, int(math.Ceil(-math.Log10(step)-1e-9)))
	return strconv.FormatFloat(v, 'f', digits, 64)
}

// line is values to be drawn, dot by dot.
type line struct {
	name string
	dots []dot
}

type dot struct {
	x, y   float64
	text   string
	chosen bool
}

type tick struct {
	at   float64
	text string
}

// lineChart draws lines over one axis. ceiling is where the vertical axis ends; 0: behind the highest dot.
func lineChart(title string, ceiling float64, below []tick, lines []line) chart {
	c := chart{Title: title, About: title}
	low, high, most := math.Inf(1), math.Inf(-1), ceiling
	for _, l := range lines {
		for _, d := range l.dots {
			low, high, most = min(low, d.x), max(high, d.x), max(most, d.y)
		}
	}
	across := func(x float64) float64 {
		if high == low {
			return (left + right) / 2
		}
		return left + 6 + (x-low)/(high-low)*(right-left-12)
	}
	ceiling = c.across(most)
	for i, l := range lines {
		p := path{Name: l.name, Class: "line" + strconv.Itoa(i)}
		for k, d := range l.dots {
			x, y := unit(across(d.x)), unit(bottom-d.y/ceiling*(bottom-top))
			if k > 0 {
				p.Points += " "
			}
			p.Points += x + "," + y
			p.Dots = append(p.Dots, spot{X: x, Y: y, Title: d.text, Chosen: d.chosen})
		}
		c.Lines = append(c.Lines, p)
	}
	for i, t := range below {
		anchor := "middle"
		if i == len(below)-1 && i > 0 {
			anchor = "end"
		}
		c.Below = append(c.Below, mark{unit(across(t.at)), t.text, anchor})
	}
	return c
}
