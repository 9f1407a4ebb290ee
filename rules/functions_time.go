package rules

import (
	"time"

	"kelpie/event"
)

var timeFunctions = []Function{
	inUnit("hours", hour), inUnit("minutes", minute), inUnit("seconds", second), inUnit("days", day),
	clock("hour", "the hour of a time, 0 to 23", "hour(timestamp(\"2026-01-05T10:30:00Z\")) == 10", func(t time.Time) int { return t.Hour() }),
	clock("minute", "the minute of a time, 0 to 59", "minute(timestamp(\"2026-01-05T10:30:00Z\")) == 30", func(t time.Time) int { return t.Minute() }),
	clock("weekday", "the day of the week of a time, 1 (Monday) to 7 (Sunday)", "weekday(timestamp(\"2026-01-05T10:30:00Z\")) == 1",
		func(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }),
	clock("day", "the day of the month of a time, 1 to 31", "day(timestamp(\"2026-01-05T10:30:00Z\")) == 5", func(t time.Time) int { return t.Day() }),
	clock("month", "the month of a time, 1 to 12", "month(timestamp(\"2026-01-05T10:30:00Z\")) == 1", func(t time.Time) int { return int(t.Month()) }),
	clock("year", "the year of a time", "year(timestamp(\"2026-01-05T10:30:00Z\"), \"America/New_York\") == 2026", func(t time.Time) int { return t.Year() }),
	{
		Name: "timestamp", Signature: "timestamp(x)", Meaning: "another time of the event in milliseconds, read as the event's own: RFC 3339, or epoch seconds or milliseconds.",
		Example: `timestamp("2026-01-05T10:00:01Z") - timestamp("2026-01-05T10:00:00Z") == 1s`, least: 1, most: 1, result: NumberType, number: timestamp,
	},
	{
		Name: "rfc3339", Signature: "rfc3339(t)", Meaning: "a time in milliseconds as text, in UTC.", Example: `rfc3339(0) == "1970-01-01T00:00:00.000Z"`,
		params: oneNumber, least: 1, most: 1, result: StringType, text: rfc3339,
	},
}

// inUnit turns a duration, in milliseconds, into a unit with its fraction.
func inUnit(name string, unit int64) Function {
	return Function{
		Name: name, Signature: name + "(d)", Meaning: "a duration, which is in milliseconds, in " + name + " with their fraction: " + name + "(time - prev.time).",
		Example: name + "(" + FormatDuration(unit+unit/2) + ") == 1.5", params: oneNumber, least: 1, most: 1, result: NumberType,
		number: func(n *node) numberFn {
			x, whole := compileNumber(n.args[0]), n.name
			return func(e *Env) numeral {
				d := x(e)
				if d.kind == event.Missing {
					return d
				}
				return e.arithmetic(opDivide, d, numeral{unit, event.Int}, whole)
			}
		},
	}
}

// clock is a part of a time in milliseconds, in UTC or in the zone that the second argument names.
func clock(name, meaning, example string, part func(time.Time) int) Function {
	return Function{
		Name: name, Signature: name + "(t, zone?)", Meaning: meaning + ", in UTC unless a zone such as \"Europe/Berlin\" is given.", Example: example,
		params: []Type{NumberType, StringType}, least: 1, most: 2, result: NumberType,
		check: func(c *checker, n *node) *node {
			if len(n.args) == 2 {
				if zone := n.args[1]; !zone.isConst() {
					return c.failAt(zone, "", "%s needs the zone's name as text", name)
				} else if _, err := time.LoadLocation(zone.val.S); err != nil || zone.val.S == "Local" {
					return c.failAt(zone, `names are such as "Europe/Berlin"`, "there is no time zone %q", zone.val.S)
				}
			}
			return n
		},
		number: func(n *node) numberFn {
			x, whole, zone := compileNumber(n.args[0]), n.name, time.UTC
			if len(n.args) == 2 {
				zone, _ = time.LoadLocation(n.args[1].val.S) // checked above
			}
			return func(e *Env) numeral {
				t, ok := e.millis(x(e), whole)
				if !ok {
					return numeral{}
				}
				return numeral{int64(part(time.UnixMilli(t).In(zone))), event.Int}
			}
		},
	}
}

// The times of the years 0000 to 9999, in milliseconds.
const (
	firstTime = -62_167_219_200_000
	lastTime  = 253_402_300_799_999
)

// millis takes a number as a time; what is no time that events can have is missing.
func (e *Env) millis(t numeral, name string) (int64, bool) {
	if t.kind == event.Missing {
		return 0, false
	}
	if f := t.float(); f >= firstTime && f <= lastTime {
		if t.kind == event.Int {
			return t.n, true
		}
		return int64(f), true
	}
	e.miss(name)
	return 0, false
}

func timestamp(n *node) numberFn {
	f, name := compileValue(n.args[0]), n.args[0].name
	return func(e *Env) numeral {
		v := f(e)
		if v.Kind == event.Missing {
			return numeral{}
		}
		ms, ok := event.ParseTime(v)
		if !ok {
			e.mismatch(name)
			return numeral{}
		}
		return numeral{ms, event.Int}
	}
}

func rfc3339(n *node) textFn {
	x, whole := compileNumber(n.args[0]), n.name
	return func(e *Env) (string, bool) {
		t, ok := e.millis(x(e), whole)
		if !ok {
			return "", false
		}
		return event.FormatTime(t), true
	}
}
