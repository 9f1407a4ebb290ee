package traffic

import "strconv"

// line appends one event to dst. Its methods are called in the order in which the members stand in the object.
type line struct {
	dst  []byte
	text *timeText
}

// head opens the object with what all events have.
func (l *line) head(typ string, number int64, uuids bool, t int64) {
	l.dst = append(l.dst, `{"id":"`...)
	l.dst = appendID(l.dst, number, uuids)
	l.dst = append(l.dst, `","type":"`...)
	l.dst = append(l.dst, typ...)
	l.dst = append(l.dst, `","time":"`...)
	l.dst = l.text.append(l.dst, t)
}

// customer goes on after the time.
func (l *line) customer(kind byte, customer int64) {
	l.dst = append(l.dst, `","customer_id":"`...)
	l.dst = append(l.dst, kind)
	l.dst = appendPadded(l.dst, customer, 1)
	l.dst = append(l.dst, '"')
}

// member appends a member that is a string.
func (l *line) member(name, value string) {
	l.dst = append(l.dst, name...)
	l.dst = append(l.dst, value...)
	l.dst = append(l.dst, '"')
}

// number appends a member that is an integer, not negative.
func (l *line) number(name string, value int64) {
	l.dst = append(l.dst, name...)
	l.dst = appendPadded(l.dst, value, 1)
}

// cents appends a member that is an amount with two decimals.
func (l *line) cents(name string, value int64) {
	l.dst = append(l.dst, name...)
	l.dst = appendCents(l.dst, value)
}

// tail closes the object with where the customer is and on what.
func (l *line) tail(p person, ip uint64) {
	c := p.city()
	l.dst = append(l.dst, `,"ip":"`...)
	l.dst = appendIP(l.dst, ip)
	l.dst = append(l.dst, `","device":{"id":"`...)
	l.dst = appendHex(l.dst, p.device())
	l.member(`","os":"`, systems[p.system()])
	l.member(`},"geo":{"country":"`, c.country)
	l.dst = append(l.dst, `,"lat":`...)
	l.dst = appendDegrees(l.dst, c.lat+int64(uint64(p)>>20&1023))
	l.dst = append(l.dst, `,"lon":`...)
	l.dst = appendDegrees(l.dst, c.lon+int64(uint64(p)>>30&1023))
	l.member(`},"user_agent":"`, agents[p.system()])
	l.dst = append(l.dst, "}\n"...)
}

// appendID appends the id of the event of that number.
func appendID(dst []byte, number int64, uuids bool) []byte {
	if !uuids {
		dst = append(dst, "evt-"...)
		return appendPadded(dst, number, 12)
	}
	hi, lo := uint64(personOf(int(number))), uint64(personOf(^int(number)))
	at := len(dst)
	dst = appendHex(appendHex(dst, hi), lo)
	dst = append(dst, "    "...)
	u := dst[at:]
	copy(u[24:36], u[20:32])
	copy(u[19:23], u[16:20])
	copy(u[14:18], u[12:16])
	copy(u[9:13], u[8:12])
	u[8], u[13], u[18], u[23] = '-', '-', '-', '-'
	u[14] = '4'                       // version: random
	u[19] = "89ab"[hexValue(u[19])&3] // variant
	return dst
}

func hexValue(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c - 'a' + 10
}

// pairs holds the digits of 00 to 99, hexPairs those of 00 to ff, octets the numbers 0 to 255.
var (
	pairs    [100][2]byte
	hexPairs [256][2]byte
	octets   [256]string
)

func init() {
	const digits = "0123456789abcdef"
	for i := range pairs {
		pairs[i] = [2]byte{digits[i/10], digits[i%10]}
	}
	for i := range hexPairs {
		hexPairs[i] = [2]byte{digits[i>>4], digits[i&15]}
		octets[i] = strconv.Itoa(i)
	}
}

// appendPadded appends v, which is not negative, with at least width digits; width is at most 20.
func appendPadded(dst []byte, v int64, width int) []byte {
	var buf [20]byte
	at := len(buf)
	for v >= 100 {
		at -= 2
		*(*[2]byte)(buf[at:]) = pairs[v%100]
		v /= 100
	}
	for v > 0 {
		at--
		buf[at] = byte('0' + v%10)
		v /= 10
	}
	for len(buf)-at < width {
		at--
		buf[at] = '0'
	}
	return append(dst, buf[at:]...)
}

// appendCents appends an amount in cents with two decimals.
func appendCents(dst []byte, cents int64) []byte {
	dst = appendPadded(dst, cents/100, 1)
	c := pairs[cents%100]
	return append(dst, '.', c[0], c[1])
}

// appendDegrees appends ten-thousandths of a degree.
func appendDegrees(dst []byte, v int64) []byte {
	if v < 0 {
		dst = append(dst, '-')
		v = -v
	}
	dst = append(dst, octets[v/10_000]...)
	hi, lo := pairs[v/100%100], pairs[v%100]
	return append(dst, '.', hi[0], hi[1], lo[0], lo[1])
}

func appendIP(dst []byte, ip uint64) []byte {
	dst = append(dst, octets[ip&127+10]...)
	for range 3 {
		ip >>= 8
		dst = append(dst, '.')
		dst = append(dst, octets[ip&255]...)
	}
	return dst
}

func appendHex(dst []byte, v uint64) []byte {
	var buf [16]byte
	for i := range 8 {
		*(*[2]byte)(buf[14-2*i:]) = hexPairs[v&255]
		v >>= 8
	}
	return append(dst, buf[:]...)
}

// timeText writes times as RFC 3339 in UTC with milliseconds and remembers the minute it wrote last.
type timeText struct {
	minute int64 // ms
	known  bool
	buf    [24]byte
}

func (x *timeText) append(dst []byte, t int64) []byte {
	in := t - x.minute
	if !x.known || in < 0 || in >= minute {
		copy(x.buf[:], formatTime(t))
		in = ((t % minute) + minute) % minute
		x.minute, x.known = t-in, true
	}
	s, ms := in/second, in%second
	x.buf[17], x.buf[18] = byte('0'+s/10), byte('0'+s%10)
	x.buf[20], x.buf[21], x.buf[22] = byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10)
	return append(dst, x.buf[:]...)
}
