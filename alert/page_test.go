package alert_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/goccy/go-yaml"

	"kelpie/alert"
)

// TestPage runs the stories in docs/alerts.md: each after the configuration above it, with what it begins at 0s.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	config, told := "", 0
	for i, block := range strings.Split(string(page), "\n```") {
		kind, text, _ := strings.Cut(block, "\n")
		switch {
		case i%2 == 0:
		case kind == "yaml config":
			config = text
		case kind == "text story":
			told++
			synctest.Test(t, func(t *testing.T) { tellPage(t, config, text+"\n") })
		}
	}
	if told == 0 {
		t.Error("the page tells no story")
	}
}

func tellPage(t *testing.T, config, text string) {
	w := newTown(t, vfs.NewMem())
	defer w.stop()
	doc := struct {
		Alerts townSpec `yaml:"alerts"`
	}{townSpec{Spec: alert.DefaultSpec()}}
	if err := yaml.Unmarshal([]byte(config), &doc); err != nil {
		t.Fatal(err)
	}
	w.spec = doc.Alerts
	if err := w.begin(); err != nil {
		t.Fatal(err)
	}
	s := &story{w}
	var got, want []string
	for line := range strings.Lines(text) {
		if cmd, ok := strings.CutPrefix(line, "> "); ok {
			f := strings.Fields(cmd)
			if err := s.do(f[0], f[1:]); err != nil {
				t.Error(err)
			}
			got = append(append(got, line), slices.Collect(strings.Lines(s.heard()))...)
		}
		want = append(want, line)
	}
	if !slices.Equal(got, want) {
		t.Errorf("docs/alerts.md tells\n%s\nwhat happens is\n%s", strings.Join(want, ""), strings.Join(got, ""))
	}
}
