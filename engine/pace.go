package engine

import "time"

// Pace says when a commit may begin. What nobody is to be told of is gathered for a while. What somebody is to be told of
// waits for nothing, unless commits take much time already: then as long again as the last one took is left to the fold,
// up to four times what is gathered otherwise. So a commit of few rows, at little load, is followed by the next at once;
// under a load that commits cannot keep up with they become rarer and larger, which makes them cheaper, since a row that
// changes again and again is written once.
type Pace struct {
	Gather time.Duration // how long changes that tell nobody are gathered

	free time.Time // when a commit may begin again
}

// longest is how much longer than Gather a pause may be.
const longest = 4

// Ended notes when a commit began and ended.
func (p *Pace) Ended(began, ended time.Time) {
	p.free = ended.Add(min(ended.Sub(began), longest*p.Gather))
}

// Due returns when to commit what has been gathered since a time: urgent if somebody is to be told of it.
func (p *Pace) Due(since time.Time, urgent bool) time.Time {
	if at := since.Add(p.Gather); !urgent && at.After(p.free) {
		return at
	}
	return p.free
}
