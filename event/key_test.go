package event

import (
	"encoding/json"
	"math"
	"strconv"
	"testing"
)

func TestAppendKey(t *testing.T) {
	f := func(v Value, want string) {
		t.Helper()
		if got, ok := AppendKey([]byte("k:"), v); !ok || string(got) != "k:"+want {
			t.Errorf("%+v: got %q %t, want %q", v, got, ok, want)
		}
	}
	number := func(text, want string) {
		t.Helper()
		f(ParseNumber([]byte(text)), want)
	}
	f(StringValue("a b"), "a b")
	f(StringValue(""), "")
	f(BoolValue(true), "true")
	f(BoolValue(false), "false")
	number("1.0", "1")
	number("-0", "0")
	number("-0.0e3", "0")
	number("9007199254740993", "9007199254740993") // beyond 2^53, within int64
	number("9223372036854775808", "9223372036854776000")
	number("-9223372036854775809", "-9223372036854775808") // its float64 is within int64
	number("18446744073709551615", "18446744073709552000")
	number("1e20", "100000000000000000000")
	number("1e21", "1e+21")
	number("-1.5e300", "-1.5e+300")
	number("123456789012345680000000", "1.2345678901234569e+23")
	number("0.1", "0.1")
	number("-12.50", "-12.5")
	number("0.000001", "0.000001")
	number("0.0000001", "1e-7")
	number("0.00000012345", "1.2345e-7")
	number("0.123456789012345678", "0.12345678901234568") // 18 digits, its float64 has 17
	number("12345678901234567.8", "12345678901234568")
	number("5e-324", "5e-324")
	number("1.7976931348623157e308", "1.7976931348623157e+308")
	number("4.35", "4.35")
	for _, v := range []Value{{}, {Kind: Object, S: "{}"}, {Kind: List, S: "[]"}, {Kind: Float, N: int64(math.Float64bits(math.NaN()))}} {
		if key, ok := AppendKey(nil, v); ok || key != nil {
			t.Errorf("%+v is no key, got %q", v, key)
		}
	}
}

// FuzzKey compares with encoding/json, which writes a float64 as ECMAScript does.
func FuzzKey(f *testing.F) {
	for _, x := range []float64{0.1, 1e21, 1e-7, 123456.789, 5e-324, -1e20, math.MaxFloat64, 1 << 63} {
		f.Add(x, int64(125), uint8(1))
	}
	f.Add(1.0, int64(123456789012345678), uint8(18))
	f.Fuzz(func(t *testing.T, x float64, n int64, scale uint8) {
		if scale = scale%18 + 1; n > -1e18 && n < 1e18 {
			checkKey(t, ParseNumber(appendDecimal(nil, n, int(scale))))
		}
		if !math.IsNaN(x) && !math.IsInf(x, 0) {
			checkKey(t, FloatValue(x))
		}
	})
}

func checkKey(t *testing.T, v Value) {
	t.Helper()
	x, _ := v.Float64()
	text, err := json.Marshal(x)
	if err != nil {
		t.Fatal(err)
	}
	want := string(text)
	if v.Kind == Int {
		want = strconv.FormatInt(v.N, 10)
	}
	if got, ok := AppendKey(nil, v); !ok || string(got) != want {
		t.Fatalf("%+v: got %s, want %s", v, got, want)
	}
	if back := ParseNumber(AppendJSON(nil, v)); !Equal(back, v) {
		t.Fatalf("%+v: written %s, which is %+v", v, AppendJSON(nil, v), back)
	}
}
