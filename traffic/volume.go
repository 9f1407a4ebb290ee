package traffic

// volume counts the orders of each region in each of the last minutes, to know what ten times the normal is.
type volume struct {
	ring [64]struct {
		minute int64
		orders [len(regions)]int64
	}
}

// add counts an order of event time t.
func (v *volume) add(t int64, region int) {
	m := t / minute
	e := &v.ring[m&63]
	if e.minute > m {
		return
	}
	if e.minute < m {
		e.minute, e.orders = m, [len(regions)]int64{}
	}
	e.orders[region]++
}

// normal returns the mean of a region's orders a minute over the hour before the minute that begins at from, and of how
// many minutes: they count from the first one with an order.
func (v *volume) normal(from int64, region int) (mean float64, minutes int64) {
	var sum int64
	for m := from/minute - 60; m < from/minute; m++ {
		e := &v.ring[m&63]
		if e.minute == m {
			sum += e.orders[region]
		}
		if sum > 0 {
			minutes++
		}
	}
	if minutes == 0 {
		return 0, 0
	}
	return float64(sum) / float64(minutes), minutes
}
