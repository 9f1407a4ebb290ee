// Package alert holds what the rules have found, and tells the world of it.
//
// An Alert is the record of one instance of a rule, from its opening to its resolution. It is a row of the state, put
// there in the batch of the events that caused it, together with the messages to be sent (the outbox). This package
// adds to that batch; whoever folds commits it.
//
// The Dispatcher empties the outbox, after the commit and on its own. Receivers are of two kinds:
//
//	outbox ──> worker, one for each Receiver: every message, at least once, those of one alert in order
//	       ──> router: groups ──> notifications ──> lane, one for each way to a GroupReceiver
//
// The router does what Alertmanager's words say: routes, groups, silences, inhibition, escalation (docs/alerts.md). Its
// groups are rows, and so are notifications, with all they say, before they are sent. Whoever fails is tried again with
// growing pauses and holds up no other. What was tried is kept for a while.
//
// An alert's id is the same after a crash, in a replay and in a backtest, and a Message's Key is made of it, so that
// receivers can tell what they have seen before.
//
// Each notifier is a package below this one, which nothing but the command imports: a backtest cannot reach one.
package alert
