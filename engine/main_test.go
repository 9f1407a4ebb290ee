package engine_test

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

// TestMain draws the same scenarios in every run, so that a run that is red today was red yesterday; -rapid.seed asks for
// others. No goroutine may be left behind.
func TestMain(m *testing.M) {
	flag.Parse()
	drawn := false
	flag.Visit(func(f *flag.Flag) { drawn = drawn || f.Name == "rapid.seed" })
	if !drawn {
		if err := flag.Set("rapid.seed", "1"); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}
