package rules

import (
	"math"
	"net/netip"
	"strings"

	"kelpie/event"
)

var listFunctions = []Function{
	{
		Name: "any", Signature: "any(list, condition)", Meaning: "whether the condition is true for an element; # is the element, .x a member of it.",
		Example: "any([1, 5], # > 4)", least: 2, most: 2, result: BoolType, list: opAny,
	},
	{
		Name: "all", Signature: "all(list, condition)", Meaning: "whether the condition is true for every element; true for an empty list.",
		Example: "all([1, 5], # > 0)", least: 2, most: 2, result: BoolType, list: opAll,
	},
	{
		Name: "none", Signature: "none(list, condition)", Meaning: "whether the condition is true for no element.",
		Example: "none([1, 5], # > 9)", least: 2, most: 2, result: BoolType, list: opNone,
	},
}

var placeFunctions = []Function{
	{
		Name: "inCIDR", Signature: "inCIDR(ip, range, …)", Meaning: "whether an IP address lies in one of the ranges; one address is a range too.",
		Example: `inCIDR("10.1.2.3", "192.168.0.0/16", "10.0.0.0/8")`, params: oneText, least: 2, most: -1, result: BoolType,
		check: checkRanges, truth: inRanges,
	},
	{
		Name: "distance", Signature: "distance(a, b)",
		Meaning: "kilometres between two places on the sphere (haversine, radius 6371.0088 km). A place is an object with lat or latitude and lon, lng, long or longitude, " +
			"a GeoJSON point, a list [lat, lon] or a text \"lat,lon\"; distance(lat, lon, lat, lon) takes four numbers.",
		Example: "round(distance([52.52, 13.405], [48.137, 11.575])) == 504", least: 2, most: 4, result: NumberType,
		check: checkDistance, number: distance,
	},
}

// checkRanges reads the ranges that are constants; the others are read each time.
func checkRanges(c *checker, n *node) *node {
	for _, a := range n.args[1:] {
		if a.isConst() {
			if _, ok := parseRange(a.val.S); !ok {
				return c.failAt(a, "a range is written 10.0.0.0/8 or 2001:db8::/32", "%q is no range of IP addresses", a.val.S)
			}
		}
	}
	return n
}

func parseRange(s string) (netip.Prefix, bool) {
	if strings.IndexByte(s, '/') >= 0 {
		p, err := netip.ParsePrefix(s)
		return p.Masked(), err == nil
	}
	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, false
	}
	a = a.WithZone("").Unmap()
	return netip.PrefixFrom(a, a.BitLen()), true
}

func inRanges(n *node) truthFn {
	ip, name := compileText(n.args[0]), n.args[0].name
	var fixed []netip.Prefix
	var read []*node
	for _, a := range n.args[1:] {
		if p, ok := parseRange(a.val.S); ok && a.isConst() {
			fixed = append(fixed, p)
		} else {
			read = append(read, a)
		}
	}
	further := compileTexts(read)
	return func(e *Env) truth {
		s, ok := ip(e)
		if !ok {
			return unknown
		}
		addr, err := netip.ParseAddr(s)
		if err != nil {
			e.mismatch(name)
			return unknown
		}
		addr = addr.WithZone("").Unmap()
		in := no
		for _, p := range fixed {
			in = max(in, truthOf(p.Contains(addr)))
		}
		for i, f := range further {
			s, ok := f(e)
			if !ok {
				return unknown
			}
			p, ok := parseRange(s)
			if !ok {
				e.mismatch(read[i].name)
				return unknown
			}
			in = max(in, truthOf(p.Contains(addr)))
		}
		return in
	}
}

func checkDistance(c *checker, n *node) *node {
	if len(n.args) == 3 {
		return c.failAt(n.args[2], "write distance(a, b) or distance(lat, lon, lat, lon)", "distance takes two places or four numbers")
	}
	for _, a := range n.args {
		if len(n.args) == 4 {
			c.needs(a, NumberType, "distance")
		} else if a.typ == NumberType || a.typ == BoolType {
			return c.failAt(a, "write distance(lat, lon, lat, lon) for numbers", "distance takes places, and this is %s", aType[a.typ])
		}
	}
	return n
}

func distance(n *node) numberFn {
	if len(n.args) == 4 {
		return distanceOfNumbers(n)
	}
	a, b, left, right := compileValue(n.args[0]), compileValue(n.args[1]), n.args[0].name, n.args[1].name
	return func(e *Env) numeral {
		p, ok := e.place(a(e), left)
		if !ok {
			return numeral{}
		}
		q, ok := e.place(b(e), right)
		if !ok {
			return numeral{}
		}
		return floatNumeral(haversine(p, q))
	}
}

func distanceOfNumbers(n *node) numberFn {
	var args [4]numberFn
	for i, a := range n.args {
		args[i] = compileNumber(a)
	}
	whole := n.name
	return func(e *Env) numeral {
		var x [4]float64
		for i, f := range args {
			k := f(e)
			if k.kind == event.Missing {
				return numeral{}
			}
			x[i] = k.float()
		}
		p, q := geo{x[0], x[1]}, geo{x[2], x[3]}
		if !p.valid() || !q.valid() {
			e.miss(whole)
			return numeral{}
		}
		return floatNumeral(haversine(p, q))
	}
}

// geo is a place in degrees.
type geo struct{ lat, lon float64 }

func (p geo) valid() bool { return math.Abs(p.lat) <= 90 && math.Abs(p.lon) <= 360 }

// place reads a place. What is no place is a mismatch of name.
func (e *Env) place(v event.Value, name string) (p geo, ok bool) {
	if v.Kind == event.Missing || !e.spend(8*len(v.S), name) {
		return p, false
	}
	switch v.Kind {
	case event.Object:
		p, ok = placeOfObject(v)
	case event.List:
		p, ok = placeOfList(v)
	case event.String:
		lat, lon, _ := strings.Cut(v.S, ",")
		p, ok = placeOf(event.ParseNumber([]byte(strings.TrimSpace(lat))), event.ParseNumber([]byte(strings.TrimSpace(lon))))
	}
	if !ok || !p.valid() {
		e.mismatch(name)
		return p, false
	}
	return p, true
}

func placeOfObject(v event.Value) (geo, bool) {
	if c := event.Member(v, "coordinates"); c.Kind == event.List { // GeoJSON: longitude first
		p, ok := placeOfList(c)
		return geo{p.lon, p.lat}, ok
	}
	return placeOf(firstMember(v, "lat", "latitude"), firstMember(v, "lon", "lng", "long", "longitude"))
}

func firstMember(v event.Value, names ...string) (m event.Value) {
	for _, name := range names {
		if m = event.Member(v, name); !m.IsMissing() {
			return m
		}
	}
	return m
}

func placeOfList(v event.Value) (geo, bool) { return placeOf(elementAt(v, 0), elementAt(v, 1)) }

func placeOf(lat, lon event.Value) (geo, bool) {
	a, ok := lat.Float64()
	b, ok2 := lon.Float64()
	return geo{a, b}, ok && ok2
}

// earthRadius is the mean radius of the earth in kilometres (IUGG).
const earthRadius = 6371.0088

// haversine is the length of the great circle between two places in kilometres.
func haversine(p, q geo) float64 {
	const degree = math.Pi / 180
	a, b := math.Sin((q.lat-p.lat)*degree/2), math.Sin((q.lon-p.lon)*degree/2)
	h := a*a + math.Cos(p.lat*degree)*math.Cos(q.lat*degree)*b*b
	return 2 * earthRadius * math.Asin(math.Sqrt(min(1, h)))
}
