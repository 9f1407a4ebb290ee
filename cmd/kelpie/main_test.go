package main

import (
	"flag"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(withBroker{m}, map[string]func(){"kelpie": main})
}

var update = flag.Bool("update", false, "write what the transcripts compare with anew")

// TestTranscripts runs the transcripts of testdata: each is a story of calls of kelpie with what they print. $EXAMPLES is
// the folder of the examples.
func TestTranscripts(t *testing.T) {
	examples, err := filepath.Abs("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{Dir: "testdata", UpdateScripts: *update, RequireUniqueNames: true, Setup: func(env *testscript.Env) error {
		env.Setenv("EXAMPLES", examples)
		return nil
	}})
}
