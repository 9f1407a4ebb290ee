package score

import (
	"cmp"
	"math"
	"slices"
)

// Ranking puts events in order of a score, the highest first, and says how many positives stand at its top. Not safe for
// concurrent use.
type Ranking struct {
	truth  *Truth
	scores map[int]float64 // of labelled events, by seen of the truth
	others []scored        // of events without a label
}

// scored is an event without label and its score.
type scored struct {
	time  int64
	score float64
}

// NewRanking returns an empty ranking.
func (t *Truth) NewRanking() *Ranking { return &Ranking{truth: t, scores: map[int]float64{}} }

// Score takes in an event and its score, once per event; of several for one event the highest counts where the event is
// labelled. A score that is no number ranks below all others.
func (r *Ranking) Score(e Event, score float64) {
	if math.IsNaN(score) {
		score = math.Inf(-1)
	}
	i, ok := r.truth.byID[e.ID]
	if !ok {
		r.others = append(r.others, scored{e.Time, score})
		return
	}
	if old, again := r.scores[i]; !again || score > old {
		r.scores[i] = score
	}
}

// RankingFigures says how well a score puts positives first.
type RankingFigures struct {
	Ranked   int `json:"ranked"`   // events of which one knows whether they are positive
	Positive int `json:"positive"` // of them
	Unscored int `json:"unscored"` // positive events that had no score: they are found by none
	Unknown  int `json:"unknown"`  // events with a score of which nobody knows; they are not ranked

	// AveragePrecision is the mean of the precision at each positive, over all positives: the sum over thresholds of
	// (recall gained) × precision, events of the same score taken together. nil: there is no positive.
	AveragePrecision *float64 `json:"average_precision"`
	TopK             []TopK   `json:"top_k,omitempty"`
}

// TopK is the precision among the k events of the highest score of each day, in UTC: what a team finds that can look at
// k a day.
type TopK struct {
	K         int      `json:"k"`
	Days      int      `json:"days"`
	Precision *float64 `json:"precision"` // the mean over days; of events of one score that k cuts apart, their share of positives counts
	Recall    *float64 `json:"recall"`    // of all positives, found within k a day
}

// ranked is an event whose truth is known.
type ranked struct {
	day      int64
	score    float64
	positive bool
}

// Figures works out the ranking, with the precision at each k a day. All events have been seen by then.
func (r *Ranking) Figures(ks ...int) RankingFigures {
	all, f := r.known()
	slices.SortFunc(all, func(a, b ranked) int { return cmp.Compare(b.score, a.score) })
	total := f.Positive + f.Unscored
	if total > 0 {
		ap := averagePrecision(all, total)
		f.AveragePrecision = &ap
	}
	days := byDay(all)
	for _, k := range ks {
		f.TopK = append(f.TopK, topK(days, k, total))
	}
	return f
}

// known returns the events whose truth is known.
func (r *Ranking) known() ([]ranked, RankingFigures) {
	var all []ranked
	var f RankingFigures
	for i := range r.truth.seen {
		s := &r.truth.seen[i]
		score, ok := r.scores[i]
		positive := s.label.Verdict == Positive
		switch {
		case ok:
			all = append(all, ranked{floorDay(s.Time), score, positive})
		case positive:
			f.Unscored++
		}
		if ok && positive {
			f.Positive++
		}
	}
	for _, o := range r.others {
		if r.truth.unlabelled(o.time) == Negative {
			all = append(all, ranked{floorDay(o.time), o.score, false})
		} else {
			f.Unknown++
		}
	}
	f.Ranked = len(all)
	return all, f
}

func floorDay(ms int64) int64 { return int64(math.Floor(float64(ms) / day)) }

// averagePrecision is over events in falling order of score.
func averagePrecision(all []ranked, positives int) float64 {
	var sum float64
	var hits int
	for i := 0; i < len(all); {
		j, gained := i, 0
		for ; j < len(all) && all[j].score == all[i].score; j++ {
			if all[j].positive {
				gained++
			}
		}
		hits += gained
		sum += float64(gained) / float64(positives) * float64(hits) / float64(j)
		i = j
	}
	return sum
}

// byDay divides events in falling order of score by their days, in order of time; within a day the order stays.
func byDay(all []ranked) [][]ranked {
	at := map[int64]int{}
	var days [][]ranked
	for _, e := range all {
		i, ok := at[e.day]
		if !ok {
			i = len(days)
			at[e.day] = i
			days = append(days, nil)
		}
		days[i] = append(days[i], e)
	}
	slices.SortFunc(days, func(a, b []ranked) int { return cmp.Compare(a[0].day, b[0].day) })
	return days
}

// topK takes the k best events of each day.
func topK(days [][]ranked, k, positives int) TopK {
	t := TopK{K: k, Days: len(days)}
	var precision, found float64
	for _, d := range days {
		n := min(k, len(d))
		if n == 0 {
			continue
		}
		hits := expectedHits(d, n)
		precision += hits / float64(n)
		found += hits
	}
	if len(days) > 0 && k > 0 {
		precision /= float64(len(days))
		t.Precision = &precision
	}
	if positives > 0 {
		found /= float64(positives)
		t.Recall = &found
	}
	return t
}

// expectedHits returns how many of the first n events are positive, those of the last score taken in no order.
func expectedHits(d []ranked, n int) float64 {
	last := d[n-1].score
	var above, aboveHits, tied, tiedHits int
	for _, e := range d {
		switch {
		case e.score > last && e.positive:
			above, aboveHits = above+1, aboveHits+1
		case e.score > last:
			above++
		case e.score == last && e.positive:
			tied, tiedHits = tied+1, tiedHits+1
		case e.score == last:
			tied++
		}
	}
	return float64(aboveHits) + float64(n-above)*float64(tiedHits)/float64(tied)
}
