package engine_test

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"kelpie/engine/oracle"
)

func TestDbg(t *testing.T) {
	y, _ := os.ReadFile("/tmp/k/t/r.yml")
	e, _ := os.ReadFile("/tmp/k/t/e.jsonl")
	s := oracle.Scenario{RulesYAML: string(y), Lines: bytes.Split(bytes.TrimSpace(e), []byte("\n")), Options: oracle.Options{ByTime: true}}
	for _, b := range []int{1, 2} {
		r, l := fold(nil, s, way{1, b})
		fmt.Printf("%s%s\n", r, l)
	}
}
