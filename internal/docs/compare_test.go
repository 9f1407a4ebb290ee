package docs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
)

// compare says where objects differ from what the lines of want name; "" where they do not.
func compare(want string, got []map[string]any) string {
	var lines []map[string]any
	dec := json.NewDecoder(bytes.NewReader([]byte(want)))
	for dec.More() {
		var m map[string]any
		if err := dec.Decode(&m); err != nil {
			return fmt.Sprintf("the block is no JSON lines: %v", err)
		}
		lines = append(lines, m)
	}
	for i := range min(len(lines), len(got)) {
		if diff := within("", lines[i], got[i]); diff != "" {
			return fmt.Sprintf("line %d: %s\nall: %s", i+1, diff, show(got))
		}
	}
	if len(lines) != len(got) {
		return fmt.Sprintf("%d lines are shown, and there are %d\nall: %s", len(lines), len(got), show(got))
	}
	return ""
}

func show(got []map[string]any) string {
	var b bytes.Buffer
	for _, g := range got {
		text, err := json.Marshal(g)
		if err != nil {
			return err.Error()
		}
		b.WriteString("\n" + string(text))
	}
	return b.String()
}

// within says which member of want is another in got. null means that there is none.
func within(path string, want, got any) string {
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return fmt.Sprintf("%s: want an object, got %v", path, got)
		}
		for name, v := range w {
			if diff := within(path+"."+name, v, g[name]); diff != "" {
				return diff
			}
		}
		return ""
	case float64:
		if g, ok := got.(float64); ok && math.Abs(w-g) <= 1e-9*max(1, math.Abs(w)) {
			return ""
		}
	default:
		if fmt.Sprint(want) == fmt.Sprint(got) {
			return ""
		}
	}
	return fmt.Sprintf("%s: want %v, got %v", path, want, got)
}
