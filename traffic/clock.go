package traffic

import "math"

// arrivals is the clock of the background traffic: a Poisson process whose rate follows the hour of the day.
type arrivals struct {
	rate    float64 // events a second, the mean over a day
	flat    bool
	at      float64 // the next arrival, ms
	gap     float64 // the mean gap at this time, ms
	gapTill float64 // until when gap holds
}

// day holds the traffic of each hour (UTC) relative to the mean.
var day = [24]float64{
	0.45, 0.35, 0.30, 0.28, 0.30, 0.40, 0.60, 0.85, 1.05, 1.20, 1.30, 1.35,
	1.35, 1.30, 1.25, 1.25, 1.30, 1.40, 1.55, 1.70, 1.65, 1.40, 0.95, 0.47,
}

// next returns the arrival that is due and moves on to the one after it. e is exponentially distributed with mean 1.
func (a *arrivals) next(e float64) (ms int64) {
	ms = int64(a.at)
	if a.at >= a.gapTill {
		a.refresh()
	}
	a.at += float64(e * a.gap)
	return ms
}

// due returns the arrival that next would return.
func (a *arrivals) due() int64 { return int64(a.at) }

// refresh computes the gap of the current minute: rates change slowly.
func (a *arrivals) refresh() {
	a.gap = second / a.rate
	a.gapTill = math.Inf(1)
	if a.flat {
		return
	}
	start := math.Floor(a.at/minute) * minute
	h := math.Mod(start/hour, 24)
	if h < 0 {
		h += 24
	}
	from := int(h)
	part := h - float64(from)
	level := float64(day[from]*(1-part)) + float64(day[(from+1)%24]*part)
	a.gap /= level
	a.gapTill = start + minute
}
