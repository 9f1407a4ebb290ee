package alert

import (
	"fmt"
	"time"
)

// sweepEvery is how often notifications that need not be kept any more are looked for.
const sweepEvery = time.Hour

// sweep deletes the oldest notifications when they have been done for the retention.
func (r *router) sweep(now time.Time) error {
	if now.Before(r.swept.Add(sweepEvery)) {
		return nil
	}
	b := r.store.NewBatch()
	defer b.Close()
	n := 0
	err := r.store.Outcomes(func(seq uint64, v []byte) (bool, error) {
		var o Outcome
		if err := decodeRow("outcome", fmt.Sprint(seq), v, &o); err != nil {
			return false, err
		}
		if o.Done == 0 || now.Before(time.UnixMilli(o.Done).Add(r.d.options.Retention)) {
			return o.Done == 0, nil // one that is tried for a day holds up no others
		}
		row, err := r.store.Notification(seq)
		if err != nil || row == nil {
			return false, err
		}
		_, about, err := decodeNotification(seq, row)
		if err != nil {
			return false, err
		}
		b.DeleteNotification(seq, about)
		n++
		return n < sweepSize, nil
	})
	if err != nil {
		return err
	}
	if n < sweepSize {
		r.swept = now
	}
	if n == 0 {
		return nil
	}
	return r.store.Commit(b, false)
}
