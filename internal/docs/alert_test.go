package docs

import (
	"encoding/json"
	"strings"
	"testing"

	"kelpie/alert"
)

// TestAlert reads the README's alert as what the code takes for one, and wants every member explained.
func TestAlert(t *testing.T) {
	shown := 0
	for _, f := range fences(t, "README.md") {
		if f.kind != "json alert" {
			continue
		}
		shown++
		var want map[string]any
		var a alert.Alert
		if err := json.Unmarshal([]byte(f.text), &want); err != nil {
			t.Fatalf("%s:%d: %v", f.file, f.line, err)
		}
		if err := json.Unmarshal([]byte(f.text), &a); err != nil {
			t.Fatalf("%s:%d: %v", f.file, f.line, err)
		}
		again, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		var got map[string]any
		if err := json.Unmarshal(again, &got); err != nil {
			t.Fatal(err)
		}
		if diff := within("", want, got); diff != "" {
			t.Errorf("%s:%d: %s", f.file, f.line, diff)
		}
		explained(t, got)
	}
	if shown != 1 {
		t.Errorf("the README shows %d alerts, expected one", shown)
	}
}

// explained wants each member in the first column of the README's tables.
func explained(t *testing.T, members map[string]any) {
	t.Helper()
	var first string
	for _, line := range strings.Split(read(t, "README.md"), "\n") {
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			first += cells[1]
		}
	}
	for name := range members {
		if !strings.Contains(first, "`"+name+"`") {
			t.Errorf("README.md does not explain the member %s of an alert", name)
		}
	}
}
