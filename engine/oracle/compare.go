package oracle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
)

// Compare compares two sets of JSON lines, rows or alerts, as the cases ask: the same lines for each rule and key,
// in the same order; numbers within 1e-9 of the larger one (1e-9 absolute below 1); null is absent. It returns one
// message for each difference, at most limit of them.
func Compare(want, got []byte, limit int) ([]string, error) {
	w, err := group(want)
	if err != nil {
		return nil, fmt.Errorf("want: %w", err)
	}
	g, err := group(got)
	if err != nil {
		return nil, fmt.Errorf("got: %w", err)
	}
	var diffs []string
	keys := slices.Sorted(maps.Keys(w))
	for _, k := range slices.Sorted(maps.Keys(g)) {
		if w[k] == nil {
			keys = append(keys, k)
		}
	}
	for _, k := range keys {
		diffs = append(diffs, compareLines(k, w[k], g[k])...)
		if len(diffs) > limit {
			return append(diffs[:limit], "…"), nil
		}
	}
	return diffs, nil
}

// compareLines compares the lines of one rule and key.
func compareLines(key string, want, got []map[string]any) (diffs []string) {
	for i := range max(len(want), len(got)) {
		var w, g map[string]any
		if i < len(want) {
			w = want[i]
		}
		if i < len(got) {
			g = got[i]
		}
		if !same(w, g) {
			diffs = append(diffs, fmt.Sprintf("%s line %d:\n  want %s\n  got  %s", key, i+1, text(w), text(g)))
			if len(want) != len(got) {
				return append(diffs, fmt.Sprintf("%s: want %d lines, got %d", key, len(want), len(got)))
			}
		}
	}
	return diffs
}

// group reads JSON lines and groups them by rule and key.
func group(lines []byte) (map[string][]map[string]any, error) {
	groups := map[string][]map[string]any{}
	for _, l := range bytes.Split(lines, []byte("\n")) {
		if len(bytes.TrimSpace(l)) == 0 {
			continue
		}
		var m map[string]any
		if err := json.Unmarshal(l, &m); err != nil {
			return nil, fmt.Errorf("%q: %w", l, err)
		}
		k := text(m["rule"]) + " " + text(m["key"])
		groups[k] = append(groups[k], m)
	}
	return groups, nil
}

func text(v any) string {
	if m, ok := v.(map[string]any); ok && m == nil {
		return "nothing"
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// same compares two JSON values.
func same(a, b any) bool {
	switch a := a.(type) {
	case float64:
		b, ok := b.(float64)
		return ok && math.Abs(a-b) <= 1e-9*max(1, math.Abs(a), math.Abs(b))
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || (a == nil) != (b == nil) {
			return false
		}
		for k := range a {
			if !same(a[k], b[k]) {
				return false
			}
		}
		for k := range b {
			if _, ok := a[k]; !ok && b[k] != nil {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, same)
	}
	return a == b
}
