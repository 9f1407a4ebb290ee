package event

import (
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"
)

func TestParseNumber(t *testing.T) {
	dec := func(n int64, scale uint8) Value { return Value{Kind: Decimal, N: n, Scale: scale} }
	float := func(f float64) Value { return Value{Kind: Float, N: int64(math.Float64bits(f))} }
	f := func(text string, want Value) {
		t.Helper()
		if got := ParseNumber([]byte(text)); got != want {
			t.Errorf("%s: got %+v, want %+v", text, got, want)
		}
	}
	for _, one := range []string{"1", "1.0", "1e0", "10e-1", "0.1E+1", "1.000000000000000000000000", "1000000000000000000000e-21", "0.0000000000000000000000001e25"} {
		f(one, IntValue(1))
	}
	for _, zero := range []string{"0", "-0", "0.0", "-0.000", "0e999999999999", "-0e-5", "1e-400", "-1e-400"} {
		f(zero, IntValue(0))
	}
	f("-12.50", dec(-125, 1))
	f("0.1", dec(1, 1))
	f("1e-18", dec(1, 18))
	f("1e-19", float(1e-19))
	f("0.123456789012345678", dec(123456789012345678, 18))
	f("0.1234567890123456789", float(0.1234567890123456789))
	f("123456789012345678.5", float(123456789012345678.5).normal())
	f("12345678901234567.5", dec(123456789012345675, 1))
	f("9223372036854775807", IntValue(math.MaxInt64))
	f("9223372036854775807.0", IntValue(math.MaxInt64))
	f("922337203685477580.7e1", IntValue(math.MaxInt64))
	f("-9223372036854775808", IntValue(math.MinInt64))
	f("9223372036854775808", float(1<<63))
	f("-9223372036854775809", IntValue(math.MinInt64)) // its float64 is -2^63
	f("9223372036854775807.5", float(1<<63))
	f("1000000000000000000.5", IntValue(1e18)) // 20 digits: a float64, which is integral
	f("1e18", IntValue(1e18))
	f("1e19", float(1e19))
	f("1.7976931348623157e308", float(math.MaxFloat64))
	f("1e309", Value{})
	f("-1e99999999999999999999", Value{})
	f("1e-99999999999999999999", IntValue(0))
	f("5e-324", float(5e-324))
	f("0."+strings.Repeat("0", 400)+"1e401", IntValue(1))
	f("1"+strings.Repeat("0", 400)+"e-400", IntValue(1))
	for _, bad := range []string{"", "-", "01", "-01", ".5", "5.", "1e", "1e+", "+1", "1.5.5", "1 ", "0x1", "NaN", "Infinity", "1_0", "00.5", "1.e3", "٣"} {
		f(bad, Value{})
	}
}

// normal is v as FloatValue returns it.
func (v Value) normal() Value { return FloatValue(math.Float64frombits(uint64(v.N))) }

// FuzzParseNumber compares with math/big: the kind that the number must have, and its exact value.
func FuzzParseNumber(f *testing.F) {
	for _, s := range []string{"1", "-0", "1.50", "1e0", "10e-1", "123456789012345678.9", "9223372036854775808", "1e400", "0.1e-17", "-5e-324", "1.5.", "01"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := ParseNumber([]byte(s))
		if !json.Valid([]byte(s)) || strings.Trim(s, "+-.0123456789eE") != "" {
			if got != (Value{}) {
				t.Fatalf("%q: got %+v, but it is no JSON number", s, got)
			}
			return
		}
		if want := referenceNumber(s); got != want {
			t.Fatalf("%s: got %+v, want %+v", s, got, want)
		}
	})
}

// referenceNumber applies the rules of ParseNumber to the number's exact value.
func referenceNumber(s string) Value {
	f, err := strconv.ParseFloat(s, 64)
	if _, exp, ok := strings.Cut(strings.ToLower(s), "e"); ok {
		if e, _ := strconv.Atoi(exp); e < -5000 || e > 5000 || len(exp) > 5 {
			if err != nil {
				return Value{}
			}
			return FloatValue(f) // too far away for math/big; with fewer than 5,000 digits it is 0 or infinite
		}
	}
	r, _ := new(big.Rat).SetString(s)
	if r.IsInt() && r.Num().IsInt64() {
		return IntValue(r.Num().Int64())
	}
	shifted := new(big.Rat).Mul(r, new(big.Rat).SetInt64(1e18))
	for scale := uint8(18); shifted.IsInt() && scale > 0; scale-- {
		n := shifted.Num()
		if q, m := new(big.Int).QuoRem(n, big.NewInt(10), new(big.Int)); m.Sign() == 0 {
			shifted.SetInt(q)
			continue
		}
		if len(new(big.Int).Abs(n).String()) <= 18 {
			return Value{Kind: Decimal, N: n.Int64(), Scale: scale}
		}
		break
	}
	if err != nil {
		return Value{}
	}
	return FloatValue(f)
}

func TestDecimalFloat(t *testing.T) {
	f := func(n int64, scale uint8) {
		t.Helper()
		want, _ := new(big.Rat).SetFrac(big.NewInt(n), new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil)).Float64()
		if got := decimalFloat(n, scale); got != want {
			t.Errorf("%d / 10^%d: got %v, want %v", n, scale, got, want)
		}
	}
	for scale := range uint8(25) {
		for _, n := range []int64{0, 1, -1, 3, 1<<53 - 1, 1 << 53, 1<<53 + 1, -(1<<53 + 1), 999999999999999999, 123456789012345678, math.MaxInt64, math.MinInt64} {
			f(n, scale)
		}
	}
}
