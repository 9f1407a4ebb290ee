//go:build !race

package engine_test

// thorough says how much a test does of what costs time.
const thorough = 10
