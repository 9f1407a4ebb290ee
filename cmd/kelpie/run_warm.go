package main

import (
	"os"
	"path/filepath"

	"kelpie/config"
	"kelpie/engine"
	"kelpie/state"
)

// warmOptions says how windows of new rules are filled; nil: they start empty.
func warmOptions(cfg *config.Config) *engine.WarmOptions {
	share, err := cfg.WarmShare()
	if err != nil || share == 0 { // the configuration has been validated
		return nil
	}
	return &engine.WarmOptions{Share: share}
}

// scratchIn opens empty stores in a folder of their own, below the data folder. What a crash has left there is removed.
func scratchIn(data string) func(seed uint64) (*state.Store, func() error, error) {
	dir := filepath.Join(data, "filling")
	_ = os.RemoveAll(dir) // what is left of it takes room, no more
	return func(seed uint64) (*state.Store, func() error, error) {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, nil, err
		}
		one, err := os.MkdirTemp(dir, "")
		if err != nil {
			return nil, nil, err
		}
		s, err := state.Open(filepath.Join(one, "state"), state.Options{Seed: seed, Cache: 16 << 20, MemTable: 16 << 20})
		return s, func() error { return os.RemoveAll(one) }, err
	}
}
