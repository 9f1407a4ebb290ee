package engine

import "time"

// Pace says when a commit may begin. What nobody is to be told of is gathered for a while. What somebody is to be told of
// waits for nothing but the pause behind the last commit, which is a fifth of that while, or as long as the commit took, up
// to four times the while. So the alerts of a second that has few are committed at once; where there are some in every moment,
// or under a load that commits cannot keep up with, commits become rarer and larger, which makes them cheaper, since a row
// that changes again and again is written once.
type Pace struct {
	Gather time.Duration // how long changes that tell nobody are gathered

	free time.Time // when a commit may begin again
}

// longest is how much longer than Gather a pause may be.
const longest = 4

// Ended notes when a commit began and ended.
func (p *Pace) Ended(began, ended time.Time) {
	p.free = ended.Add(min(max(ended.Sub(began), p.Gather/5), longest*p.Gather))
}

// Due returns when to commit what has been gathered since a time: urgent if somebody is to be told of it.
func (p *Pace) Due(since time.Time, urgent bool) time.Time {
	if at := since.Add(p.Gather); !urgent && at.After(p.free) {
		return at
	}
	return p.free
}
