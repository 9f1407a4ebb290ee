package engine_test

import (
	"flag"
	"testing"

	"go.uber.org/goleak"
)

// TestMain draws the same scenarios in every run, so that a run that is red today was red yesterday; -rapid.seed asks for
// others. No goroutine may be left behind, but for what Pebble and a commit do in a state whose storage has failed: it cannot
// be closed (see state.Store.Close).
func TestMain(m *testing.M) {
	flag.Parse()
	drawn := false
	flag.Visit(func(f *flag.Flag) { drawn = drawn || f.Name == "rapid.seed" })
	if !drawn {
		if err := flag.Set("rapid.seed", "1"); err != nil {
			panic(err)
		}
	}
	const pebble = "github.com/cockroachdb/pebble/v2"
	var failed []goleak.Option
	for _, f := range []string{
		"kelpie/state.(*health).attempt.func1", pebble + ".openCleanupManager.func1", pebble + ".(*ConcurrencyLimitScheduler).periodicGranter",
		pebble + "/internal/genericcache.(*shard[...]).releaseLoop", pebble + "/record.NewLogWriter.func2",
	} {
		failed = append(failed, goleak.IgnoreAnyFunction(f))
	}
	goleak.VerifyTestMain(m, failed...)
}
