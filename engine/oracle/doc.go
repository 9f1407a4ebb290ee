// Package oracle computes what rules say by brute force, for tests of the engine only.
//
// It is written from the semantics alone and shares no code with the engine, the windows, the detectors or the state:
// it keeps all events and computes every window of every evaluation from them again, with exact fractions. What it
// keeps beside them is what the semantics themselves remember: table rows, alert instances, which sessions have
// closed, and the watermark.
//
//	Run         rows, alerts and refusals of a rule set over lines
//	Compare     two sets of rows or alerts, as testdata/cases asks
//	Random      scenarios that rapid can shrink
//	RandomClocks  the same in time zones whose clocks are changed meanwhile
//	RandomLong  scenarios whose windows hold hundreds of events
//
// Run reads one partition. Windows in a time zone are found by looking at a calendar of the years 2022 to 2024, in which
// the events of such rules have to lie. The scores of a series against its judged bucket are written from their definitions
// in package detector.
//
// # What the semantics leave open
//
// The page can be read in more than one way in these places. "Case" names the case that decides, found by changing the
// oracle until a case fails; "page" is the literal reading where all cases pass either way; "chosen" is neither.
//
// Order and watermark:
//
//  1. Under order: time an event at t is folded as if the watermark were t (a late one sees the watermark as it is),
//     after closes at t or before and timers before t. Case mixed-order-time.
//  2. While timers are handled, the watermark that counts is the timer's own time, however far it has jumped, but never
//     earlier than it was before. Chosen: the result is then that of a watermark that moves evenly.
//  3. A close at e is due once W >= e; a leaving, a session's close, the end of `for` and `expire` once W is later. At
//     one time they come in this order. Page; for close before leaving also 9. A leaving as of X after a session's end
//     finds it closed, whether the watermark has passed that end or not: else openings would depend on `disorder`.
//  4. --drain does not expire instances. Case mixed-arrival, over-credit-limit.
//
// Fresh start:
//
//  5. A key starts afresh if W, the current event included, is later than A plus the longest window (a session's is its
//     gap). Earlier events are then forgotten where the rule is judged on events. Case mixed-arrival.
//  6. It does not touch windows that close (seen with lateness only), nor facts `of TYPE` or `by` another key: these take
//     no event older than W less twice the longest window where the rule is judged on events. Page for `by`; chosen for
//     `of`: a login a minute ago must not be forgotten because the last order is old.
//  7. Facts `by` another key take events that lack the rule's own key. Page.
//
// Leaving:
//
//  8. `previous`, `gap` and `unseen` are about the event and cause no leaving judgement. Case previous-and-gap. Facts `by`
//     another key do, under the key of the last evaluation's event. Case mixed-order-time, shared-region.
//  9. Only an event that this instance has been judged on as of X itself replaces the leaving at X; a close at X is
//     judged first and does not. Case mixed-order-time, both-ways.
//  10. An event leaves if it passed the fact's filters, whether its argument is missing or not. Page.
//  11. With `resolve:` a leaving judgement that abstains does not resolve by itself, as the fine print would have it:
//     the rule's own expression decides alone, and a missing one keeps the instance. Case mixed-arrival, hysteresis.
//     The fields are those of the last event that could change the instance; one that a close opened has none before
//     that. Chosen.
//  12. Leavings that an event's judgement forces come before the event's updates of tables. Page.
//
// Alerts:
//
//  13. A pending instance (`for`) is an instance: an empty window ends it (case mixed-order-time, persistent), leavings
//     are judged, and nothing judged as of an earlier time changes it. It ends when `when` says false, whatever
//     `resolve:` says.
//  14. Where `for` ends during the cooldown, the pending instance is dropped and the next true judgement begins anew.
//     Chosen.
//  15. An evaluation as of an earlier time than the last one opens an instance if none is open. Page.
//     A close at e is earlier than anything else as of e: it does not change an instance that an event as of e has
//     opened. Page ("before those at e or later").
//  16. An abstaining judgement counts as judged as of its time. Chosen.
//  17. A late judgement that says false neither resolves nor ends a pending instance. A window whose instance has opened
//     never opens another. Page; for pending chosen.
//  18. `resolve:` is not asked when `when` abstains, except by 11. If both are true an open instance resolves.
//  19. A window in `let` makes a rule no point, also one that `when` does not reach. Case abstain, against the fine print.
//  20. `for` holds for points too: they open at s + d and are over at once. Chosen.
//
// Windows:
//
//  21. Windows that a late event belongs to are judged again in order of their ends, then the event itself; only windows
//     of facts whose own filter it passes. A window first judged because of a late event is late too. Case mixed-arrival,
//     volume-10x; for the filter page.
//
//  22. A key is judged at a close for its tumbling and hopping facts; where there are none, for its sessions; where there
//     are none either, for the judged bucket of its series. Chosen.
//
//  23. A session event is too late if its own session would be closed by now (case mixed-windows, session), or if it is
//     alone and near a closed session (page). Near an open one too, it joins that. Its row has time A, no window, and
//     no fact.
//
//  24. An event that was too late for a series' bucket is not in it. Case mixed-arrival, volume-10x.
//
//  25. A series begins with the first bucket that holds an event that passes its filters; `rate` is 0 in empty buckets.
//     Chosen.
//
//  26. On events an `each` fact takes all of the open window that contains A, also events newer than A (of another type
//     or key). Page.
//
//  27. On an event with several sessions the row shows the one with the longest gap. Chosen.
//
//  31. In a time zone, windows of whole days begin with the local day, shorter ones divide it, the last of a day ending
//     with it. A day begins when its date is there for the first time. n windows are n windows, however long a change of
//     the clock makes them, so over D each B reaches back over D/B of them; a rate is per second of the window itself.
//     The hour of the week is what the clock shows. Chosen.
//
// Values:
//
//  28. A sum of decimals and float64s is the exact sum of the decimals plus the sum of the float64s in order, rounded once.
//     Chosen.
//  29. All expressions of one update of a table see the row as it was before; adding to text changes nothing. Chosen.
//  30. `unseen(x)` takes x from the current event even if the fact's filters do not. Page.
package oracle
