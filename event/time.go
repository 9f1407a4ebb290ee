package event

import (
	"time"
	"unsafe"
)

// The times of the years 0000 to 9999, in milliseconds.
const (
	minTime = -62_167_219_200_000
	maxTime = 253_402_300_799_999
)

// ParseTime reads an RFC 3339 time or a number (a Value) to milliseconds. A number is epoch seconds with an
// optional fraction, or milliseconds when it is 1e11 or more (or -1e11 or less). What is finer than a
// millisecond is cut (floor). ok is false for what is no time, or not within the years 0000 to 9999.
func ParseTime(v Value) (ms int64, ok bool) {
	switch v.Kind {
	case String:
		return new(clock).parse(unsafe.Slice(unsafe.StringData(v.S), len(v.S)))
	case Int, Decimal, Float:
		var buf [64]byte
		return parseEpoch(AppendJSON(buf[:0], v))
	}
	return 0, false
}

// FormatTime writes ms as RFC 3339 in UTC with milliseconds: 2026-01-05T10:00:00.000Z.
func FormatTime(ms int64) string { return string(AppendTime(nil, ms)) }

// AppendTime appends what FormatTime returns.
func AppendTime(dst []byte, ms int64) []byte {
	if ms < minPlain || ms >= maxPlain {
		return time.UnixMilli(ms).UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z")
	}
	days, rest := ms/86_400_000, ms%86_400_000
	if rest < 0 {
		days, rest = days-1, rest+86_400_000
	}
	y, m, d := civil(days)
	dst = append2(append2(dst, y/100), y%100)
	dst = append2(append(dst, '-'), m)
	dst = append2(append(dst, '-'), d)
	dst = append2(append(dst, 'T'), rest/3_600_000)
	dst = append2(append(dst, ':'), rest/60_000%60)
	dst = append2(append(dst, ':'), rest/1000%60)
	dst = append(dst, '.', byte('0'+rest/100%10))
	return append(append2(dst, rest%100), 'Z')
}

// The times of the years 0000 to 9999, which have four digits.
const (
	minPlain = -62_167_219_200_000
	maxPlain = 253_402_300_800_000
)

func append2(dst []byte, n int64) []byte { return append(dst, byte('0'+n/10), byte('0'+n%10)) }

// civil returns the date of a day counted from 1970-01-01, in the proleptic Gregorian calendar. It counts years from
// March, so that the leap day is the last of its year (see E. G. Richards, Calendars, in the Explanatory Supplement to
// the Astronomical Almanac, 2013).
func civil(days int64) (y, m, d int64) {
	days += 719_468 // from 0000-03-01
	era := days / 146_097
	if days < 0 {
		era = (days - 146_096) / 146_097
	}
	doe := days - era*146_097
	yoe := (doe - doe/1460 + doe/36_524 - doe/146_096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d = doy - (153*mp+2)/5 + 1
	m = mp + 3
	y = yoe + era*400
	if m > 12 {
		m, y = m-12, y+1
	}
	return y, m, d
}

// parseEpoch reads a valid JSON number as a time, exactly in decimal.
func parseEpoch(b []byte) (ms int64, ok bool) {
	d := splitDigits(b)
	if d.count == 0 {
		return 0, true
	}
	point := d.count + d.power // the number is 0.ddd times 10^point
	if point > 15 {
		return 0, false
	}
	kept := min(d.count, 19)
	shift := d.power + d.count - kept
	if point < 12 {
		shift += 3 // seconds
	}
	cut := d.count > kept
	switch {
	case shift >= 0:
		ms = int64(d.lead * pow10[shift])
	case shift >= -19:
		ms = int64(d.lead / pow10[-shift])
		cut = cut || d.lead%pow10[-shift] != 0
	default:
		cut = true
	}
	if d.neg {
		ms = -ms
		if cut {
			ms--
		}
	}
	return ms, ms >= minTime && ms <= maxTime
}

// clock parses RFC 3339 times and remembers the last minute that it saw, because most events share theirs with
// the one before. The zero clock is ready to use.
type clock struct {
	date, hour uint64 // the bytes 2026-01- and 05T10:00
	minutes    int64
	known      bool
}

// parse reads an RFC 3339 time: any offset, up to nine digits of fraction, t and z too.
func (c *clock) parse(b []byte) (ms int64, ok bool) {
	if len(b) < 20 || b[16] != ':' {
		return 0, false
	}
	date, hour := load(b, 0), load(b, 8)
	if date != c.date || hour != c.hour || !c.known {
		minutes, ok := parseMinute(b)
		if !ok {
			return 0, false
		}
		*c = clock{date, hour, minutes, true}
	}
	second, ok := twoDigits(b, 17)
	if !ok || second > 59 {
		return 0, false
	}
	fraction, n, ok := parseFraction(b[19:])
	if !ok {
		return 0, false
	}
	offset, ok := parseOffset(b[19+n:])
	if !ok {
		return 0, false
	}
	ms = (c.minutes-offset)*60_000 + int64(second)*1000 + fraction
	return ms, ms >= minTime && ms <= maxTime
}

// parseMinute reads 2026-01-05T10:00 to minutes since the epoch, as if in UTC. b has at least 16 bytes.
func parseMinute(b []byte) (minutes int64, ok bool) {
	if b[4] != '-' || b[7] != '-' || b[10]|0x20 != 't' || b[13] != ':' {
		return 0, false
	}
	century, ok1 := twoDigits(b, 0)
	year, ok2 := twoDigits(b, 2)
	month, ok3 := twoDigits(b, 5)
	day, ok4 := twoDigits(b, 8)
	hour, ok5 := twoDigits(b, 11)
	minute, ok6 := twoDigits(b, 14)
	year += century * 100
	if !(ok1 && ok2 && ok3 && ok4 && ok5 && ok6) || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) ||
		hour > 23 || minute > 59 {
		return 0, false
	}
	return int64(daysSinceEpoch(year, month, day))*1440 + int64(hour*60+minute), true
}

func twoDigits(b []byte, i int) (n int, ok bool) {
	tens, ones := b[i]-'0', b[i+1]-'0'
	return int(tens)*10 + int(ones), tens < 10 && ones < 10
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysSinceEpoch counts in years that begin in March, so that a leap day is a year's last.
func daysSinceEpoch(year, month, day int) int {
	year += 400 // no negative years; 400 years are 146,097 days
	if month < 3 {
		year--
		month += 12
	}
	return year*365 + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 1 - 719_468 - 146_097
}

// parseFraction reads .d to .ddddddddd, or nothing, to whole milliseconds, and says how many bytes that was.
func parseFraction(b []byte) (ms int64, n int, ok bool) {
	if b[0] != '.' {
		return 0, 0, true
	}
	scale := int64(100)
	for n = 1; n < len(b) && b[n]-'0' < 10; n++ {
		ms += int64(b[n]-'0') * scale
		scale /= 10
	}
	return ms, n, n >= 2 && n <= 10
}

// parseOffset reads Z, z or ±hh:mm to minutes.
func parseOffset(b []byte) (minutes int64, ok bool) {
	if len(b) == 1 {
		return 0, b[0]|0x20 == 'z'
	}
	if len(b) != 6 || b[0] != '+' && b[0] != '-' || b[3] != ':' {
		return 0, false
	}
	hour, ok1 := twoDigits(b, 1)
	minute, ok2 := twoDigits(b, 4)
	minutes = int64(hour*60 + minute)
	if b[0] == '-' {
		minutes = -minutes
	}
	return minutes, ok1 && ok2 && hour < 24 && minute < 60
}
