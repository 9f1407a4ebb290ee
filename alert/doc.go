// Package alert holds what the rules have found, and tells the world of it.
//
// An Alert is the record of one instance of a rule, from its opening to its resolution. It is a row of the state, put
// there in the batch of the events that caused it, together with the messages to be sent (the outbox). This package
// adds to that batch; whoever folds commits it.
//
// The Dispatcher empties the outbox, after the commit and on its own: every message goes to every receiver, at least
// once, and the messages of one alert in order. A receiver that fails is tried again with growing pauses and holds
// up no other. What was tried is kept beside the message for a while.
//
// An alert's id is the same after a crash, in a replay and in a backtest, and a Message's Key is made of it, so that
// receivers can tell what they have seen before.
//
// Each notifier is a package below this one, which nothing but the command imports: a backtest cannot reach one.
package alert
