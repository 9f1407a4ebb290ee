// Package figure is the language in which one asks for figures of a backtest: what --fail-if and --budget take.
//
//	precision < 0.8 or alerts/day > 50
//	order-burst.alerts > 10 and against.alerts == 0
//
// A condition compares figures and numbers, with arithmetic, and, or, not and parentheses. A name alone is a figure of all
// rules together; RULE.NAME is one of a rule, also written rules["RULE"].NAME; against.NAME and against.RULE.NAME are those
// of the rules that today's are compared with. A dash between letters is part of a name where the whole stands before a
// dot: order-burst.alerts is a figure of the rule order-burst. A difference has spaces around its sign.
//
// day and hour are the length of the history in these units and stand behind a stroke only: alerts/day is how many alerts
// there were a day, and keys/hour how many keys an hour.
//
// A figure may have no value: precision, where nothing was caught. Then what it is part of has no truth, unless the rest
// decides alone: `alerts == 0 or precision > 0.8` is true without any alert. A condition without truth is an error, not no.
package figure
