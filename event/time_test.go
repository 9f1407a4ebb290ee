package event

import (
	"encoding/json"
	"math/big"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		v, err := DecodeJSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		ms, ok := ParseTime(v)
		if got := FormatTime(ms); ok && got != want || ok != (want != "") {
			t.Errorf("%s: got %s %t, want %q", text, got, ok, want)
		}
	}
	f(`"2026-01-05T10:00:00Z"`, "2026-01-05T10:00:00.000Z")
	f(`"2026-01-05t10:00:00.123456789z"`, "2026-01-05T10:00:00.123Z")
	f(`"2026-01-05T12:30:00+02:30"`, "2026-01-05T10:00:00.000Z")
	f(`"2026-01-05T00:30:00.9999-23:59"`, "2026-01-06T00:29:00.999Z")
	f(`"2024-02-29T23:59:59.1Z"`, "2024-02-29T23:59:59.100Z")
	f(`"2000-02-29T00:00:00Z"`, "2000-02-29T00:00:00.000Z")
	f(`"0000-01-01T00:00:00Z"`, "0000-01-01T00:00:00.000Z")
	f(`"9999-12-31T23:59:59.999999999Z"`, "9999-12-31T23:59:59.999Z")
	f(`"1969-12-31T23:59:59.9999Z"`, "1969-12-31T23:59:59.999Z")
	for _, bad := range []string{
		`2026-01-05T10:00:60Z`, `2026-01-05T24:00:00Z`, `2026-01-05T10:60:00Z`, `2026-02-29T10:00:00Z`, `1900-02-29T00:00:00Z`,
		`2026-13-01T00:00:00Z`, `2026-00-01T00:00:00Z`, `2026-04-31T00:00:00Z`, `2026-01-00T00:00:00Z`,
		`2026-01-05T10:00:00.0123456789Z`, `2026-01-05T10:00:00.Z`, `2026-01-05T10:00:00,5Z`, `2026-01-05T10:00:00`, `2026-01-05T10:00:00.5`,
		`2026-01-05 10:00:00Z`, `2026-01-05T10:00Z`, `2026-01-05T10:00:00+0200`, `2026-01-05T10:00:00+24:00`, `2026-01-05T10:00:00+02:60`,
		`2026-01-05T10:00:00Z `, ` 2026-01-05T10:00:00Z`, `2026-01-05T10:00:00+02:0`, `2026-01-05T1:00:00Z`, `12026-01-05T10:00:00Z`,
		`0000-01-01T00:00:00+00:01`, `9999-12-31T23:59:59-00:01`, `yesterday`, ``, `1767607200`,
	} {
		f(`"`+bad+`"`, "")
	}
	f(`1767607200`, "2026-01-05T10:00:00.000Z")
	f(`1767607200.5019`, "2026-01-05T10:00:00.501Z")
	f(`1767607200502`, "2026-01-05T10:00:00.502Z")
	f(`1767607200502.9`, "2026-01-05T10:00:00.502Z")
	f(`1.7676072005e9`, "2026-01-05T10:00:00.500Z")
	f(`0`, "1970-01-01T00:00:00.000Z")
	f(`-0.0001`, "1969-12-31T23:59:59.999Z")
	f(`-1e-300`, "1969-12-31T23:59:59.999Z")
	f(`1e-300`, "1970-01-01T00:00:00.000Z")
	f(`99999999999.9999`, "5138-11-16T09:46:39.999Z")
	f(`100000000000`, "1973-03-03T09:46:40.000Z")
	f(`-100000000000`, "1966-10-31T14:13:20.000Z")
	f(`-62167219200`, "0000-01-01T00:00:00.000Z")
	f(`-62167219200.001`, "")
	f(`253402300799999.9`, "9999-12-31T23:59:59.999Z")
	f(`253402300800000`, "")
	f(`1e30`, "")
	f(`1e400`, "")
	f(`true`, "")
	f(`{}`, "")
	f(`null`, "")
}

// TestDecodeExactTime has times that a float64 cannot hold.
func TestDecodeExactTime(t *testing.T) {
	d := newDecoder(t)
	f := func(number string, want int64) {
		t.Helper()
		var r Record
		if ref := d.Decode([]byte(`{"type":"x","time":`+number+`}`), &r); ref != nil || r.Time != want {
			t.Errorf("%s: got %d, %v, want %d", number, r.Time, ref, want)
		}
	}
	f("1767607200.99999999999999999999", 1767607200_999)
	f("1767607200.50100000000000000001", 1767607200_501)
	f("-0.00000000000000000000000000000000001", -1)
	f("176760720050199999999999999999e-17", 1767607200501)
}

// FuzzParseTime compares text with the standard library, and numbers with math/big.
func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"2026-01-05T10:00:00Z", "2024-02-29t23:59:59.123456789-23:59", "2026-01-05T10:00:60Z", "1767607200.5019", "-1e-3", "100000000000", "0e99"} {
		f.Add(s)
	}
	var c clock
	f.Fuzz(func(t *testing.T, s string) {
		ms, ok := c.parse([]byte(s))
		again, ok2 := ParseTime(StringValue(s))
		wantMs, wantOK := referenceClock(s)
		if ok != wantOK || ok2 != wantOK || wantOK && (ms != wantMs || again != wantMs) {
			t.Fatalf("%q: got %d %t and %d %t, want %d %t", s, ms, ok, again, ok2, wantMs, wantOK)
		}
		if ok {
			if back, ok := ParseTime(StringValue(FormatTime(ms))); !ok || back != ms {
				t.Fatalf("%d is written %s, which is %d %t", ms, FormatTime(ms), back, ok)
			}
		}
		if _, exp, _ := strings.Cut(strings.ToLower(s), "e"); !json.Valid([]byte(s)) || strings.Trim(s, "-+.0123456789eE") != "" || len(exp) > 4 {
			return
		}
		ms, ok = parseEpoch([]byte(s))
		if wantMs, wantOK = referenceEpoch(s); ok != wantOK || ok && ms != wantMs {
			t.Fatalf("%s: got %d %t, want %d %t", s, ms, ok, wantMs, wantOK)
		}
	})
}

// The standard library is more lenient than RFC 3339 in these places, as "T0:00:00".
var rfc3339 = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[-+]([01]\d|2[0-3]):[0-5]\d)$`)

func referenceClock(s string) (ms int64, ok bool) {
	s = strings.NewReplacer("t", "T", "z", "Z").Replace(s)
	at, err := time.Parse(time.RFC3339, s)
	if err != nil || !rfc3339.MatchString(s) {
		return 0, false
	}
	at = at.UTC()
	return at.UnixMilli(), at.Year() >= 0 && at.Year() <= 9999
}

func referenceEpoch(s string) (ms int64, ok bool) {
	r, _ := new(big.Rat).SetString(s)
	if new(big.Rat).Abs(r).Cmp(big.NewRat(1e11, 1)) < 0 {
		r.Mul(r, big.NewRat(1000, 1))
	}
	floor := new(big.Int).Div(r.Num(), r.Denom()) // Euclidean, and the denominator is positive
	if !floor.IsInt64() {
		return 0, false
	}
	at := time.UnixMilli(floor.Int64()).UTC()
	return floor.Int64(), at.Year() >= 0 && at.Year() <= 9999
}
