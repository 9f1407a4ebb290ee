package state

import (
	"errors"
	"fmt"
	"time"
)

// Spec is the part `state:` of the configuration.
type Spec struct {
	Dir    string        `yaml:"dir"`                // folder; default "state" in the data folder
	Cache  int64         `yaml:"cache" unit:"bytes"` // memory for rows, see Memory; default 512 MiB
	Commit time.Duration `yaml:"commit"`             // how long changes that tell nobody are gathered; default 50ms
}

const (
	smallestCache = 16 << 20
	longestCommit = time.Minute
)

// DefaultSpec returns the settings that hold where the configuration says nothing.
func DefaultSpec() Spec { return Spec{Cache: 512 << 20, Commit: 50 * time.Millisecond} }

// Memory divides the cache: most of it is for rows as the fold changes them, the rest for blocks of rows as they lie on
// disk (Options.Cache).
func (s Spec) Memory() (rows, blocks int64) {
	blocks = s.Cache / 8
	return s.Cache - blocks, blocks
}

// Validate says what is wrong with the settings, each as an error that begins with the setting's name.
func (s Spec) Validate() error {
	var errs []error
	if s.Cache < smallestCache {
		errs = append(errs, fmt.Errorf("cache: at least %d MiB are needed", smallestCache>>20))
	}
	if s.Commit <= 0 || s.Commit > longestCommit {
		errs = append(errs, errors.New("commit: must be more than 0s and at most 1m"))
	}
	return errors.Join(errs...)
}
