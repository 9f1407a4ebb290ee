//go:build race

package engine_test

// thorough says how much a test does of what costs time: with the race detector, which also makes Pebble check itself at
// every step, a share of it.
const thorough = 1
