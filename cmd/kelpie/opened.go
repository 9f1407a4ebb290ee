package main

import (
	"github.com/spf13/pflag"

	"kelpie/alert"
	"kelpie/state"
)

// openedFlags choose alerts by when they opened.
type openedFlags struct {
	from, to string
}

// add adds the flags; which says what they choose among.
func (o *openedFlags) add(f *pflag.FlagSet, which string) {
	f.StringVar(&o.from, "from", "", which+" that opened at this `time` or later, or so long before the newest event")
	f.StringVar(&o.to, "to", "", which+" that opened before this `time`")
}

// ask puts the times into a query; durations are before the newest event of the state.
func (o *openedFlags) ask(q *alert.Query, s *state.Store) (err error) {
	if q.From, err = timeBack("--from", o.from, newestOf(s)); err == nil {
		q.To, err = timeBack("--to", o.to, newestOf(s))
	}
	return err
}
