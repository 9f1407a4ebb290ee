package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

var sizeUnits = []struct {
	name  string
	bytes int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1},
}

// ParseSize reads a size: a whole number and a unit, such as 512MiB, 10GB or 100B. It returns bytes.
func ParseSize(s string) (int64, error) {
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	n, err := strconv.ParseInt(s[:digits], 10, 64)
	if digits == 0 || err != nil {
		return 0, fmt.Errorf("%q is no size: write a whole number and a unit, such as 512MiB", s)
	}
	for _, u := range sizeUnits {
		if s[digits:] == u.name {
			if n > math.MaxInt64/u.bytes {
				return 0, fmt.Errorf("%s is too large", s)
			}
			return n * u.bytes, nil
		}
	}
	if s[digits:] == "" && n == 0 {
		return 0, nil
	}
	if s[digits:] == "" {
		return 0, fmt.Errorf("%s has no unit: write %sMiB or %sB", s, s, s)
	}
	return 0, fmt.Errorf("%q is no unit of size: use B, KiB, MiB, GiB or TiB", s[digits:])
}
