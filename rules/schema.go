package rules

import (
	"bytes"
	_ "embed"
)

//go:embed schema.json
var schema []byte

// Schema returns the JSON Schema (draft 2020-12) of a file of rules, from which a YAML editor completes keys and words
// and explains them. It says less than Load checks: what it refuses Load refuses too, not the other way round.
func Schema() []byte { return bytes.Clone(schema) }
