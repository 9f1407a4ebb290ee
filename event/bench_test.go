package event

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// benchPaths are the eight fields that the founding rules read, beside type, time and id.
var benchPaths = []string{"customer_id", "order_id", "merchant_id", "amount", "region", "status", "device.id", "service"}

// BenchmarkDecode decodes shop events of about 450 bytes; json.Valid on the same is the yardstick.
func BenchmarkDecode(b *testing.B) {
	lines := shopEvents(10_000)
	b.Run("decode", func(b *testing.B) {
		d := newDecoder(b, benchPaths...)
		var r Record
		b.SetBytes(averageLen(lines))
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if ref := d.Decode(lines[i%len(lines)], &r); ref != nil {
				b.Fatal(ref)
			}
		}
	})
	b.Run("json.Valid", func(b *testing.B) {
		b.SetBytes(averageLen(lines))
		for i := 0; b.Loop(); i++ {
			if !json.Valid(lines[i%len(lines)]) {
				b.Fatal("not valid")
			}
		}
	})
}

// BenchmarkValue is what follows decoding: a decimal, a text, a key.
func BenchmarkValue(b *testing.B) {
	d := newDecoder(b, benchPaths...)
	var r Record
	if ref := d.Decode([]byte(`{"type":"OrderCreated","time":0,"amount":123.45,"customer_id":"c12345"}`), &r); ref != nil {
		b.Fatal(ref)
	}
	f := func(name string, do func()) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				do()
			}
		})
	}
	var key []byte
	f("decimal", func() { r.Value(3) })
	f("text", func() { r.Value(0) })
	f("key", func() { key, _ = AppendKey(key[:0], r.Value(0)) })
	f("decimal-key", func() { key, _ = AppendKey(key[:0], r.Value(3)) })
	f("decimal-float", func() { r.Value(3).Float64() })
	f("lookup", func() { r.Lookup(Path{"amount"}) })
}

func averageLen(lines [][]byte) int64 {
	n := 0
	for _, l := range lines {
		n += len(l)
	}
	return int64(n / len(lines))
}

// shopEvents makes n events of four types and three shapes, as a shop's services would write them.
func shopEvents(n int) [][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	lines := make([][]byte, n)
	for i := range lines {
		line := fmt.Appendf(nil, `"time":%q,"service":"svc-%02d","customer_id":"c%d",`,
			start.Add(time.Duration(i)*3*time.Millisecond).Format("2006-01-02T15:04:05.000Z"), r.IntN(50), r.IntN(100_000))
		var typ string
		switch x := r.IntN(100); {
		case x < 70:
			typ = "OrderCreated"
			if x >= 45 {
				typ = "OrderPaid"
			}
			line = fmt.Appendf(line, `"order_id":"o-%010d","merchant_id":"m%d","region":%q,"amount":%.2f,"currency":"EUR","status":"ok",`,
				i, r.IntN(2000), pick("eu-west-1", "eu-central-1", "us-east-1"), math.Exp(r.NormFloat64()+3.8))
		case x < 73:
			typ = "CreditLimitChanged"
			line = fmt.Appendf(line, `"credit_limit":%d,"region":%q,"reason":"periodic review of the account","status":"ok",`,
				500+r.IntN(50)*100, pick("eu-west-1", "us-east-1"))
		default:
			typ = "RequestServed"
			line = fmt.Appendf(line, `"region":%q,"path":"/api/v1/orders","status":%q,"code":%d,`,
				pick("eu-west-1", "us-west-2"), pick("ok", "ok", "ok", "error"), 200+r.IntN(5))
		}
		line = fmt.Appendf(line, `"country":%q,"ip":"%d.%d.%d.%d","device":{"id":"%016x","os":%q,"app":"4.12.%d"},"latency_ms":%d,"user_agent":%q,"schema":"v1","source":"order-gateway"}`,
			pick("DE", "FR", "NL", "US"), 10+r.IntN(100), r.IntN(256), r.IntN(256), r.IntN(256), r.Uint64(), pick("ios", "android", "web"),
			r.IntN(8), r.IntN(200), pick("Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X)", "Mozilla/5.0 (Linux; Android 14; Pixel 8)",
				"OrderService/2.14.0 (go1.26; linux)"))
		lines[i] = append(fmt.Appendf(nil, `{"id":"evt-%032d","type":%q,`, i, typ), line...)
	}
	return lines
}
