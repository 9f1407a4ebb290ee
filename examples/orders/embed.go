// Package orders holds the founding rules, for programs that need them without the files: the demo, and benchmarks.
package orders

import "embed"

// Rules has the folder rules.
//
//go:embed rules
var Rules embed.FS
