package docs

import (
	"strings"
	"testing"
)

// layouts are the comments that show bytes: the file, and what the comment's first line begins with.
var layouts = [][2]string{
	{"state/keys.go", "// The keys, in the order"},
	{"state/row.go", "// A row is everything"},
	{"journal/segment.go", "// encode returns the header's bytes"},
	{"journal/block.go", "// encode writes the header over b"},
	{"journal/index.go", "// The index of a block says"},
}

// TestFormat wants the layouts of docs/format.md to be those of the code.
func TestFormat(t *testing.T) {
	page := read(t, "docs/format.md")
	for _, l := range layouts {
		text := layout(read(t, l[0]), l[1])
		if text == "" {
			t.Errorf("%s: there is no layout behind %q", l[0], l[1])
		}
		if !strings.Contains(page, "```\n"+text+"```\n") {
			t.Errorf("%s: docs/format.md does not show\n%s", l[0], text)
		}
	}
}

// layout returns the indented lines of the comment that begins with start.
func layout(src, start string) (text string) {
	at := strings.Index(src, start)
	if at < 0 {
		return ""
	}
	for line := range strings.Lines(src[at:]) {
		if !strings.HasPrefix(line, "//") {
			break
		}
		if indented, ok := strings.CutPrefix(line, "//\t"); ok {
			text += indented
		}
	}
	return text
}
