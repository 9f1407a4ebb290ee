package rules

import "kelpie/event"

// Test is one entry of `tests:`.
type Test struct {
	Name   string
	Rule   string
	Given  []GivenEvent
	Expect []Expectation // every opening, in order of (time, key)
	Until  int64         // ms; 0: the stream ends and is drained
	At     Place
	// Time settings for this test, where it gives them (`time:` as in the configuration).
	Order              string // arrival or time, "" where not given
	Disorder, Lateness int64  // ms
	HasDisorder        bool   // it gives disorder
	HasLateness        bool   // it gives lateness
}

// GivenEvent is one event of a test, already repeated, as JSON.
type GivenEvent struct {
	JSON []byte
	At   Place
}

// Expectation is one line of `expect`: only the members named are compared. Key and Time are members too.
type Expectation struct {
	Members []Member // in order of writing
	At      Place
}

// Member is one compared member: "time", "key", "severity", "message", or the name of a fact.
type Member struct {
	Name  string
	Value event.Value   // for time: Int, ms
	List  []event.Value // for a compound key
}
