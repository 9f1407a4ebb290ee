package traffic

import "testing"

func BenchmarkNext(b *testing.B) {
	profiles := map[string]Config{
		"shop":    {Seed: 1, AttackEvery: minute, Disorder: Disorder{Share: 0.05}},
		"bench":   Bench(1, 1_000_000_000, 100_000),
		"uniform": Bench(1, 1_000_000_000, 5_000_000).Uniform(),
	}
	for _, name := range []string{"shop", "bench", "uniform"} {
		b.Run(name, func(b *testing.B) {
			g, err := New(profiles[name])
			if err != nil {
				b.Fatal(err)
			}
			var buf []byte
			bytes := 0
			b.ReportAllocs()
			for b.Loop() {
				buf, _ = g.Next(buf[:0])
				bytes += len(buf)
			}
			b.ReportMetric(float64(bytes)/float64(b.N), "B/event")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
