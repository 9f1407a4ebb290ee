package main

import (
	"flag"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(withBroker{m}, map[string]func(){"kelpie": main})
}

var update = flag.Bool("update", false, "write what the transcripts compare with anew")

// TestTranscripts runs the transcripts of testdata: each is a story of calls of kelpie with what they print.
func TestTranscripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata", UpdateScripts: *update, RequireUniqueNames: true})
}
