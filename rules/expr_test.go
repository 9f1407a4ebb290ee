package rules

import (
	"fmt"
	"strings"
	"testing"

	"kelpie/event"
)

// world is an environment with names for tests: events, facts, a series, a previous event, a table and params.
type world struct {
	scope Scope
	env   Env
	slots []string
}

// newWorld makes an environment over one event, given as JSON. The facts are n (5), spend (99.5), avg0 (missing),
// usual (a series of 12 values, 20), prev (the event of prevJSON) and none0 (a previous event that is not there).
func newWorld(eventJSON string) *world {
	w := &world{}
	rec := event.Value{Kind: event.Object, S: eventJSON}
	prev := event.Value{Kind: event.Object, S: `{"amount": 40, "geo": {"lat": 52.5, "lon": 13.4}, "country": "DE"}`}
	w.env = Env{HasEvent: true, Time: 1_767_607_200_000, Type: event.StringValue("OrderCreated"), Stored: []event.Value{},
		Facts: []event.Value{event.IntValue(5), event.FloatValue(99.5), {}, event.IntValue(20), {Kind: event.Object, S: "{}"}, {},
			event.StringValue("abc"), event.BoolValue(true)},
		Samples: []int64{0, 0, 0, 12, 0, 0, 0, 0}}
	tables := []event.Value{event.IntValue(1000), {}, event.ParseNumber([]byte("700.30"))}
	w.scope = Scope{
		Params: map[string]event.Value{"limit": event.IntValue(10000), "margin": event.ParseNumber([]byte("0.1")),
			"home": {Kind: event.List, S: `["DE","AT"]`}, "word": event.StringValue("x")},
		Facts: map[string]FactName{"n": {0, NumberType, false}, "spend": {1, NumberType, false}, "avg0": {2, NumberType, false},
			"usual": {3, NumberType, true}, "prev": {4, EventType, false}, "none0": {5, EventType, false},
			"label": {6, AnyType, false}, "hot": {7, BoolType, false}},
		Tables:  map[string]TableName{"credit": {0, map[string]TableField{"limit": {0, NumberType}, "gone": {1, AnyType}, "outstanding": {2, AnyType}}}},
		Refused: map[string]string{"later": "later is written below; a fact uses earlier ones"},
		Slot: func(p event.Path) int {
			for i, s := range w.slots {
				if s == p.String() {
					return i
				}
			}
			w.slots = append(w.slots, p.String())
			w.env.Stored = append(w.env.Stored, find(rec, p))
			return len(w.slots) - 1
		},
		Table: func(r TableRef) int {
			w.env.Tables = append(w.env.Tables, tables[r.Field])
			return len(w.env.Tables) - 1
		},
		Prev: func(r PrevRef) int {
			v := event.Value{}
			switch {
			case r.Fact != 4:
			case r.Slot == SlotTime:
				v = event.IntValue(w.env.Time - 3_600_000)
			case r.Slot == SlotType:
				v = event.StringValue("OrderPaid")
			default:
				p, _ := event.ParsePath(w.slots[r.Slot])
				v = find(prev, p)
			}
			w.env.Prev = append(w.env.Prev, v)
			return len(w.env.Prev) - 1
		},
	}
	return w
}

func find(v event.Value, p event.Path) event.Value {
	for _, name := range p {
		v = event.Member(v, name)
	}
	return v
}

// show writes a result: the value as JSON, or why there is none.
func (w *world) show(x *Expr) string {
	v := x.Eval(&w.env)
	switch {
	case !v.IsMissing():
		return string(event.AppendJSON(nil, v))
	case w.env.Err != nil:
		return "error: " + w.env.Err.Error()
	case w.env.Mismatch:
		return "mismatch " + w.env.Missing
	}
	return "missing " + w.env.Missing
}

// showError writes a mistake below its source.
func showError(src string, e *SrcError) string {
	out := fmt.Sprintf("%s\n%s%s\n%s", src, strings.Repeat(" ", len([]rune(src[:e.Offset]))),
		strings.Repeat("^", max(1, len([]rune(src[e.Offset:min(len(src), e.Offset+e.Width)])))), e.Message)
	if e.Hint != "" {
		out += "\n" + e.Hint
	}
	return out
}

const sample = `{"type": "OrderCreated", "amount": 100.10, "count": 3, "zero": 0, "big": 9007199254740993, "max": 9223372036854775807,
"status": "paid", "empty": "", "flag": true, "off": false, "nothing": null, "huge": 1e999, "device": {"id": "d1", "os": {"name": "x"}},
"@timestamp": "2026-01-05T10:00:00Z", "odd name": {"sub": 7}, "geo": {"lat": 48.137, "lon": 11.575}, "tags": ["a", "b", null, 3],
"items": [{"sku": "a", "price": 10}, {"sku": "b", "price": 250.5}], "ip": "10.1.2.3", "text": "5", "one": 1.0, "user": "Änn@Example.com",
"event": {"action": "login"}, "day": "2026-01-04T10:00:00Z"}`

// TestMeaning is the table of what expressions compute, sentence by sentence of the language's definition.
func TestMeaning(t *testing.T) {
	f := func(src, want string) {
		t.Helper()
		w := newWorld(sample)
		x, err := Compile(src, &w.scope)
		if err != nil {
			t.Errorf("%s", showError(src, err))
			return
		}
		if got := w.show(x); got != want {
			t.Errorf("%s\n got %s\nwant %s", src, got, want)
		}
		if x.Type == BoolType || x.Type == AnyType {
			truth, ok := x.Test(&w.env)
			if ok != (want == "true" || want == "false") || ok && truth != (want == "true") {
				t.Errorf("%s: Test says %v, %v; Eval %s", src, truth, ok, want)
			}
		}
	}
	// Missing is one thing: absent, null, too large, or of a type that the use does not allow.
	f("absent", "missing absent")
	f("nothing", "missing nothing")
	f("huge", "missing huge")
	f("device.none.x", "missing device.none.x")
	f("status > 5", "mismatch status")
	f("5 < status", "mismatch status")
	f("status + 1", "mismatch status")
	f("amount + absent", "missing absent")
	f("-status", "mismatch status")
	f("flag * 2", "mismatch flag")
	f("count in status", "mismatch status")
	// == between different types is false, != true; missing only where a side is missing.
	f(`count == "3"`, "false")
	f(`count != "3"`, "true")
	f(`status == 5`, "false")
	f(`text == 5`, "false")
	f(`absent == 1`, "missing absent")
	f(`absent != "x"`, "missing absent")
	f(`status != "test"`, "true")
	f(`status == "paid"`, "true")
	f(`flag == true`, "true")
	f(`off != flag`, "true")
	f(`tags == tags`, "true")
	f(`device == geo`, "false")
	// 1, 1.0 and 1e0 are the same value.
	f("one == 1", "true")
	f("1 == 1.0", "true")
	f("1e0 == one", "true")
	f("0.1 + 0.2 == 0.3", "false")
	// Integers within int64 stay integers; overflow becomes float64; / divides float64s.
	f("big + 1", "9007199254740994")
	f("big > 9007199254740992", "true")
	f("max + 1", "9223372036854776000")
	f("max * 2", "18446744073709552000")
	f("-max - 2", "-9223372036854775808")
	f("7 / 2", "3.5")
	f("6 / 2", "3")
	f("7 % 3", "1")
	f("-7 % 3", "-1")
	f("7.5 % 2", "1.5")
	f("2 ** 10", "1024")
	f("2 ^ 3", "8")
	f("3 ** 39", "4052555153018976267")
	f("2 ** -1", "0.5")
	f("-2 ** 2", "-4")
	f("1 - -1", "2")
	f("1_000 + 0x10 + 0b11", "1019")
	f("99999999999999999999", "100000000000000000000")
	// What is not finite, and % by zero, is missing, under its source text.
	f("1 / 0", "missing 1 / 0")
	f("count / zero", "missing count / zero")
	f("5 + count % zero", "missing count % zero")
	f("(count + 1) / (zero * 2) > 1", "missing (count + 1) / (zero * 2)")
	f("10 ** 400", "missing 10 ** 400")
	f("sqrt(-1)", "missing sqrt(-1)")
	// A bare field keeps its exact decimal; arithmetic sees the nearest float64.
	f("amount", "100.1")
	f("+amount", "100.1")
	f("-amount", "-100.1")
	f("amount ?? 0", "100.1")
	f("flag ? amount : 0", "100.1")
	f("amount + 200.20", "300.29999999999995")
	// && || ?? ?: go from left to right and need only what they reach.
	f("absent && false", "missing absent")
	f("false && absent", "false")
	f("off && absent > 1", "false")
	f("flag && absent > 1", "missing absent")
	f("absent || true", "missing absent")
	f("flag || absent", "true")
	f("off || absent == 1", "missing absent")
	f("true or absent", "true")
	f("flag and not off", "true")
	f("n > 0 && absent > 1 && nothing > 1", "missing absent")
	f("absent ?? 7", "7")
	f("absent ?? nothing", "missing nothing")
	f("(absent ?? 0) > 1", "false")
	f("(status > 5) ?? true", "true")
	f("flag ? 1 : absent", "1")
	f("off ? absent : 2", "2")
	f("absent ? 1 : 2", "missing absent")
	f("status ? 1 : 2", "mismatch status")
	f("status && true", "mismatch status")
	f("absent ?: 3", "missing absent")
	f("!flag", "false")
	f("!absent", "missing absent")
	f("not (count == 3)", "false")
	// nil asks for presence and is never missing.
	f("absent == nil", "true")
	f("status != nil", "true")
	f("nil == nothing", "true")
	f("(1 / 0) == nil", "true")
	f("prev != nil", "true")
	f("none0 == nil", "true")
	f("has(absent.x)", "false")
	f("has(prev) && !has(none0)", "true")
	f("has(prev.amount)", "true")
	f("has(none0.amount)", "false")
	// Ordering: numbers by value, texts by bytes.
	f("1 < 1.5", "true")
	f("1 <= 1.0", "true")
	f("amount > 100", "true")
	f(`"a" < "b"`, "true")
	f(`status >= "paid"`, "true")
	f(`"Z" < "a"`, "true")
	f("status < amount", "mismatch amount")
	f("flag < status", "mismatch flag")
	f("1 < count < 5", "true")
	f("1 < count < 3", "false")
	// Names: params, facts, tables, fields; type and time.
	f("limit * (1 - margin)", "9000")
	f("n", "5")
	f("n > 5", "false")
	f("n >= 5", "true")
	f("5 <= n", "true")
	f("4 > n", "false")
	f("spend > 99", "true")
	f("spend < 99", "false")
	f("avg0 > 1", "missing avg0")
	f("avg0 + n", "missing avg0")
	f("label > 1", "mismatch label")
	f("hot", "true")
	f("credit.limit", "1000")
	f("credit.limit > 5", "true")
	f("credit.gone > 5", "missing credit.gone")
	f("credit.outstanding > credit.limit", "false")
	f(`credit["outstanding"]`, "700.3")
	f("prev.amount * 2", "80")
	f("prev.absent", "missing prev.absent")
	f("none0.amount > 1", "missing none0.amount")
	f("prev.geo.lat", "52.5")
	f("hours(time - prev.time)", "1")
	f(`prev.type`, `"OrderPaid"`)
	f(`type == "OrderCreated"`, "true")
	f("time", "1767607200000")
	f("count", "3")
	f("device.id", `"d1"`)
	f("device?.os.name", `"x"`)
	f(`device["os"].name`, `"x"`)
	f(`event["@timestamp"]`, `"2026-01-05T10:00:00Z"`)
	f(`event["odd name"].sub + 1`, "8")
	f(`event["none here"] > 1`, `missing event["none here"]`)
	f("event.action", `"login"`)
	f(`event["event"].action`, `"login"`)
	f(`event["n"] > 1`, `missing event["n"]`)
	f(`event["time"] == nil`, "true")
	f("samples(usual) >= 10", "true")
	f("samples(usual)", "12")
	// Durations, percents and the remainder.
	f("500ms + 30s + 10m + 2h + 7d + 4w", "3031830500")
	f("5%", "0.05")
	f("2.5% + 0", "0.025")
	f("100%", "1")
	f("amount > 5%", "true")
	f("10 % 4", "2")
	f("10 %4", "2")
	f("n % 2", "1")
	f("count%2", "1")
	f("7%-2", "-1.93")
	f(`"5% 10m"`, `"5% 10m"`)
	f("n /* 5% */ > 4 // 10m", "true")
	// Lists.
	f(`status in ["paid", "open"]`, "true")
	f(`status not in ["paid", "open"]`, "false")
	f(`not (status in ["paid"])`, "false")
	f(`absent in ["paid"]`, "missing absent")
	f(`count in [1, 2, 3.0]`, "true")
	f(`amount in [100.10]`, "true")
	f(`(count in tags) ?? true`, "true")
	f(`status in []`, "false")
	f(`count in [n - 2, absent]`, "missing absent")
	f(`count in [n - 2, 7]`, "true")
	f(`"DE" in home`, "true")
	f(`prev.country in home`, "true")
	f(`"a" in tags`, "true")
	f(`4 in tags`, "false")
	f(`"a" in absent`, "missing absent")
	f("count in 1..5", "true")
	f("6 in 1..n", "false")
	f("1.5 in 1..5", "false")
	f("gap in 1m..10m", "missing gap")
	f("tags[0]", `"a"`)
	f("tags[-1]", "3")
	f("tags[2]", "missing tags[2]")
	f("tags[9]", "missing tags[9]")
	f("items[1].price > 200", "true")
	f("items[1].colour", "missing items[1].colour")
	f("status[0]", "mismatch status")
	f(`any(items, .price > 200)`, "true")
	f(`all(items, .price > 200)`, "false")
	f(`none(items, #.sku == "z")`, "true")
	f(`any(items, .none > 1)`, "missing .none")
	f(`any(items, (.none ?? 0) > 1)`, "false")
	f(`any(status, # > 1)`, "mismatch status")
	f(`all([], # > 1)`, "true")
	f("len(tags)", "4")
	// Texts.
	f(`status contains "ai"`, "true")
	f(`tags contains "b"`, "true")
	f(`count contains "b"`, "mismatch count")
	f(`status contains count`, "mismatch count")
	f(`status startsWith "pa"`, "true")
	f(`status endsWith "x"`, "false")
	f(`status not contains "x"`, "true")
	f(`status matches "^p.*d$"`, "true")
	f(`count matches "3"`, "mismatch count")
	f(`"a" + "b" + status`, `"abpaid"`)
	f(`status + user == "paidÄnn@Example.com"`, "true")
	f(`device + status`, "mismatch device")
	f(`lower(user)`, `"änn@example.com"`)
	f(`user | lower() | split("@")`, `["änn","example.com"]`)
	f(`lower(count)`, "mismatch count")
	f(`substring(user, 0, 2)`, `"Än"`)
	f(`substring(user, -3)`, `"com"`)
	f(`len(empty)`, "0")
	f(`number(text) + 1`, "6")
	f(`number(status)`, "mismatch status")
	f(`string(amount) + "x"`, `"100.1x"`)
	f(`isNumber(absent)`, "false")
	f(`isNumber(amount) && isString(status) && isBool(off) && isList(tags)`, "true")
	f(`coalesce(absent, nothing, count)`, "3")
	// Numbers.
	f("abs(-amount)", "100.1")
	f("min(count, n, 4)", "3")
	f("max(amount, 3)", "100.1")
	f("max(avg0, 3)", "missing avg0")
	f("max(3, status)", "mismatch status")
	f("n > 10 * max(usual, 3)", "false")
	f("round(amount)", "100")
	f("round(2.5)", "3")
	f("round(-2.5)", "-3")
	f("round(1.005, 2)", "1.01")
	f("round(0.1 + 0.2, 2)", "0.3")
	f("round(123456.789, 2)", "123456.79")
	f("floor(amount)", "100")
	f("ceil(2.0)", "2")
	f("(-8) ** 0.5", "missing (-8) ** 0.5")
	f("(0 - 1) ** 101", "-1")
	f("0 ** 0", "1")
	f("10 ** 19", "10000000000000000000")
	f("-(0 - max - 1)", "9223372036854776000")
	f("abs(0 - max - 1)", "9223372036854776000")
	f("flag ? count : absent > 1", "3")
	f("(off ? count : amount) < 200", "true")
	f("(absent ? count : amount) < 200", "missing absent")
	f("substring(status, 5)", `""`)
	f("substring(status, 1, -1)", `"ai"`)
	f("substring(status, 0.5)", "missing substring(status, 0.5)")
	f("substring(count, 1)", "mismatch count")
	f("substring(status, absent)", "missing absent")
	f("string(flag)", `"true"`)
	f("string(device)", "mismatch device")
	f("string(absent)", "missing absent")
	f("len(device)", "mismatch device")
	f("len(absent)", "missing absent")
	f(`"paid" < status`, "false")
	f(`absent < "a"`, "missing absent")
	f(`"a" < absent`, "missing absent")
	f("status < device", "mismatch device")
	f("absent < nothing", "missing absent")
	f("count < nothing", "missing nothing")
	f("count in absent..5", "missing absent")
	f("count in 1..status", "mismatch status")
	f(`flag in [true, "x"]`, "true")
	f(`off in [true, "x"]`, "false")
	f("device in [1]", "false")
	f(`"1" startsWith absent`, "missing absent")
	f("item[0]", "missing item")
	f("items[absent]", "missing absent")
	f("items[status]", "mismatch items")
	f("items[0.5]", "mismatch 0.5")
	f("items[-9]", "missing items[-9]")
	// Times and places.
	f("hour(1e300)", "missing hour(1e300)")
	f("hour(0.5)", "0")
	f("rfc3339(absent)", "missing absent")
	f("distance(0, 0, 0, 500)", "missing distance(0, 0, 0, 500)")
	f("distance(0, 0, 0, absent)", "missing absent")
	f(`inCIDR("::ffff:10.0.0.1", "10.0.0.0/8")`, "true")
	f(`inCIDR(ip, status)`, "mismatch status")
	f(`inCIDR(ip, absent)`, "missing absent")
	f(`inCIDR(ip, ip, "1.1.1.1")`, "true")
	f(`inCIDR("fe80::1%eth0", "fe80::/10")`, "true")
	f(`time - timestamp(day)`, "86400000")
	f(`days(time - timestamp(day))`, "1")
	f(`timestamp(status)`, "mismatch status")
	f(`hour(time)`, "10")
	f(`hour(time, "America/New_York")`, "5")
	f(`inCIDR(ip, "10.0.0.0/8")`, "true")
	f(`inCIDR(ip, "10.0.0.0/16", "192.168.0.1")`, "false")
	f(`inCIDR(status, "10.0.0.0/8")`, "mismatch status")
	f(`round(distance(prev.geo, geo))`, "502")
	f(`distance(prev.geo, absent)`, "missing absent")
	f(`distance(geo, tags)`, "mismatch tags")
	f(`distance(geo, geo)`, "0")
	f("rfc3339(time)", `"2026-01-05T10:00:00.000Z"`)
}

// TestUses: an expression says what it reads, each once, in the order of writing.
func TestUses(t *testing.T) {
	w := newWorld(sample)
	x, err := Compile("spend > status ? n + spend : credit.gone + prev.amount + samples(usual) + credit.gone + prev.time", &w.scope)
	if err != nil {
		t.Fatal(showError(x.Src, err))
	}
	if got, want := fmt.Sprint(x.Fields, x.Facts, x.Prev, len(x.Tables)), "[0] [1 0 4 3] [0 1] 2"; got != want {
		t.Errorf("reads %s, want %s", got, want)
	}
	if _, ok := x.Field(); ok {
		t.Error("it is taken for a field")
	}
	if y, _ := Compile(`event["device"].id`, &w.scope); y == nil || y.Type != AnyType || y.field < 0 || w.slots[y.field] != "device.id" {
		t.Errorf("device.id is not taken for a field: %+v", y)
	}
}

// TestMissingNames: a name is on one line, however the expression is written.
func TestMissingNames(t *testing.T) {
	w := newWorld(sample)
	x, err := Compile("n >\n  count /\n\tzero", &w.scope)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.show(x); got != "missing count / zero" {
		t.Error(got)
	}
}

// TestNoAllocations: what is evaluated for every event leaves nothing behind.
func TestNoAllocations(t *testing.T) {
	for _, src := range []string{"n > 5", "n > 10 * max(usual, 3)", `status != "test" && amount > 5%`, `status in ["a", "b"]`,
		"credit.limit > spend", "absent > 5", "samples(usual) >= 10", "hours(time - prev.time) > 2", `type == "x"`, "geo != nil"} {
		w := newWorld(sample)
		x, err := Compile(src, &w.scope)
		if err != nil {
			t.Fatal(showError(src, err))
		}
		if n := testing.AllocsPerRun(100, func() { x.Test(&w.env) }); n > 0 {
			t.Errorf("%s: %v allocations", src, n)
		}
	}
}

// TestRecord: fields read from a decoded event's bytes mean the same as fields made values of.
func TestRecord(t *testing.T) {
	raw := `{"type": 7, "time": "2026-01-05T10:00:00Z", "plain": "ab", "escaped": "a\u0062", "number": 2, "decimal": 2.50, "big": 1e999, "nul": null, "yes": true}`
	f := func(src, want string) {
		t.Helper()
		w := &world{}
		var paths []event.Path
		x, err := Compile(src, &Scope{Slot: func(p event.Path) int {
			paths = append(paths, p)
			return len(paths) - 1
		}})
		if err != nil {
			t.Fatal(showError(src, err))
		}
		d, derr := event.NewDecoder(&event.Schema{Spec: event.Spec{Type: "type", Time: "time"}, Paths: paths})
		if derr != nil {
			t.Fatal(derr)
		}
		w.env = Env{HasEvent: true, Rec: &event.Record{}}
		if r := d.Decode([]byte(raw), w.env.Rec); r != nil {
			t.Fatal(r)
		}
		w.env.Time = w.env.Rec.Time
		if got := w.show(x); got != want {
			t.Errorf("%s is %s, want %s", src, got, want)
		}
		w.env.HasEvent = false
		if got := w.show(x); !strings.HasPrefix(got, "missing ") {
			t.Errorf("%s is %s where there is no event", src, got)
		}
	}
	f(`plain == "ab"`, "true")
	f(`escaped == "ab"`, "true")
	f(`escaped != "ab"`, "false")
	f(`number == "2"`, "false")
	f(`yes != "true"`, "true")
	f(`nul == "ab"`, "missing nul")
	f(`absent == "ab"`, "missing absent")
	f(`big == "ab"`, "missing big")
	f(`escaped in ["ab", "c"]`, "true")
	f(`plain in ["c"]`, "false")
	f(`big in ["c"]`, "missing big")
	f(`decimal in [2.5]`, "true")
	f("number > 1", "true")
	f("decimal < 2.5", "false")
	f("plain > 1", "mismatch plain")
	f("big > 1", "missing big")
	f("decimal", "2.5")
	f(`type == "7"`, "true")
	f("time", "1767607200000")
}
