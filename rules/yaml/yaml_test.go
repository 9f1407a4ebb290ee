package yaml

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	goccy "github.com/goccy/go-yaml"
	"pgregory.net/rapid"
)

// TestParse shows trees and mistakes. The command parse reads its input as it stands; escaped reads it with \t, \r and
// \n written out.
func TestParse(t *testing.T) {
	datadriven.Walk(t, "testdata/parse", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			src := d.Input + "\n"
			if d.Cmd == "escaped" {
				var err error
				if src, err = strconv.Unquote(`"` + strings.ReplaceAll(d.Input, `"`, `\"`) + `"`); err != nil {
					d.Fatalf(t, "%s", err)
				}
			}
			n, errs := Parse(src)
			var b strings.Builder
			if len(errs) == 0 || d.HasArg("tree") {
				dump(&b, n, "")
			}
			for _, e := range errs {
				line := 1 + strings.Count(src[:e.Offset], "\n")
				fmt.Fprintf(&b, "error at line %d, %q: %s\n", line, src[e.Offset:min(e.Offset+e.Width, len(src))], e)
			}
			return b.String()
		})
	})
}

func dump(b *strings.Builder, n *Node, in string) {
	switch n.Kind {
	case Map, List:
		fmt.Fprintln(b, n.Kind)
	case Scalar:
		fmt.Fprintf(b, "%q\n", n.Text)
	default:
		fmt.Fprintln(b, n.Kind)
	}
	for _, e := range n.Entries {
		if e.Blank {
			fmt.Fprintln(b, in+"  (empty line)")
		}
		for _, h := range e.Head {
			fmt.Fprintln(b, in+"  "+h)
		}
		b.WriteString(in + "  ")
		if e.Key != nil {
			fmt.Fprintf(b, "%s: ", e.Key.Text)
		} else {
			b.WriteString("- ")
		}
		if e.Tail != "" {
			b.WriteString("(" + e.Tail + ") ")
		}
		dump(b, e.Value, in+"  ")
	}
	for _, f := range n.Foot {
		fmt.Fprintln(b, in+"  foot "+f)
	}
}

// TestOffsets looks for every byte of a scalar's text where At says that it stands.
func TestOffsets(t *testing.T) {
	f := func(src string) {
		t.Helper()
		n, errs := Parse(src)
		if len(errs) > 0 {
			t.Fatalf("%q: %s", src, errs[0])
		}
		v := n.Get("a")
		for i, c := range []byte(v.Text) {
			at := v.At(i)
			got := src[at]
			switch {
			case got == c, c == ' ' && got == '\n', c == '\n' && (got == '\\' || got == '\n'), c == '\'' && got == '\'', got == '\\':
			default:
				t.Errorf("%q: byte %d %q of %q stands at %d %q", src, i, c, v.Text, at, got)
			}
		}
		if end := v.At(len(v.Text)); end < v.Offset || end > v.End {
			t.Errorf("%q: the text ends at %d, outside of %d-%d", src, end, v.Offset, v.End)
		}
	}
	f("a: plain text\n")
	f("a: plain\n  text in\n\n  lines\nb: c\n")
	f("a: 'it''s'\n")
	f("a: 'two\n  lines'\n")
	f(`a: "x \"y\" \u00e9 \n z"` + "\n")
	f("a: \"one\\\n  two\"\n")
	f("a: |\n  x\n    y\n\n  z\n")
	f("a: >-\n  x\n  y\n\n  z\n")
	f("a: |2-\n   x\n  y\n")
	f("é: ü\na: ü\n")
}

// TestLimits shows that hostile sources are refused quickly.
func TestLimits(t *testing.T) {
	f := func(name, src, want string) {
		t.Helper()
		begin := time.Now()
		_, errs := Parse(src)
		if want != "" && !slices.ContainsFunc(errs, func(e *Error) bool { return strings.Contains(e.Message, want) }) {
			t.Errorf("%s: got %d errors, none is %q", name, len(errs), want)
		}
		if len(errs) > MaxErrors {
			t.Errorf("%s: %d errors", name, len(errs))
		}
		t.Logf("%s: %d bytes in %s", name, len(src), time.Since(begin))
	}
	f("size", strings.Repeat("# comment\n", 1<<20), "bytes, more than")
	f("line", "a: "+strings.Repeat("x", 1<<20), "the line has more than")
	f("flow depth", strings.Repeat("[\n", 100_000), "nested deeper")
	f("flow depth in a line", strings.Repeat("[", 60_000), "nested deeper")
	f("map depth", strings.Repeat("{a: ", 10_000), "nested deeper")
	f("block depth", strings.Repeat("- ", 10_000), "nested deeper")
	f("errors", strings.Repeat("a: {b\n", 500_000), "this { is not closed")
	f("values", strings.Repeat("- a\n", 900_000), "more than 400000 values")
	f("flow values", "["+strings.Repeat("1,2,3,4,5,6,7,8,9,0\n ,", 150_000), "more than")
	f("quotes", strings.Repeat("a: 'x\n", 500_000), "not closed")
	f("quotes inside", strings.Repeat("a:\n  'x\n", 300_000), "")
	f("block scalars", strings.Repeat("- |\n  x\n", 300_000), "more than")
	f("folds", "a: "+strings.Repeat("x\n  ", 900_000), "")
	f("many keys", func() string {
		var b strings.Builder
		for i := range 150_000 {
			fmt.Fprintf(&b, "k%d: v\n", i)
		}
		return b.String()
	}(), "")
	f("duplicates", strings.Repeat("a: 1\n", 500_000), "stands here twice")
}

// TestAsAnotherReader compares with another implementation of YAML on random documents.
func TestAsAnotherReader(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src := document(t, 0, 3)
		n, errs := Parse(src)
		if len(errs) > 0 {
			t.Fatalf("%q: %v", src, errors.Join(asErrors(errs)...))
		}
		var want any
		if err := goccy.Unmarshal([]byte(src), &want); err != nil {
			t.Skip("the other reader refuses it")
		}
		if got := plainValue(n); fmt.Sprint(got) != fmt.Sprint(other(want)) {
			t.Fatalf("%s\ngot  %v\nwant %v", src, got, other(want))
		}
	})
}

func asErrors(errs []*Error) (out []error) {
	for _, e := range errs {
		out = append(out, e)
	}
	return out
}

var scalars = []string{"a", "x y", "count over 10m", "'it''s, ok'", `"q\tq"`, "a:b", "a#b", "-x", "?x", "'# no'", `"x: y"`, "(a > 1)", "a - b", "=", "+= x"}

// document draws a block of YAML, indented by in.
func document(t *rapid.T, in, depth int) string {
	pad := strings.Repeat(" ", in)
	var b strings.Builder
	isMap := rapid.Bool().Draw(t, "map")
	for i := range rapid.IntRange(1, 4).Draw(t, "entries") {
		if rapid.IntRange(0, 5).Draw(t, "comment") == 0 {
			b.WriteString(pad + "# comment\n")
		}
		b.WriteString(pad)
		if isMap {
			fmt.Fprintf(&b, "k%d:", i)
		} else {
			b.WriteString("-")
		}
		kind := rapid.IntRange(0, 6).Draw(t, "kind")
		switch {
		case kind == 0 && depth > 0:
			b.WriteString("\n" + document(t, in+2, depth-1))
		case kind == 1:
			fmt.Fprintf(&b, " [%s, %s]\n", flowScalar(t), flowScalar(t))
		case kind == 2:
			fmt.Fprintf(&b, " {p: %s, q: %s}\n", flowScalar(t), flowScalar(t))
		case kind == 3:
			fmt.Fprintf(&b, " |-\n%s   line one\n%s   line two\n", pad, pad)
		case kind == 4:
			fmt.Fprintf(&b, " one\n%s   two\n", pad)
		default:
			b.WriteString(" " + rapid.SampledFrom(scalars).Draw(t, "scalar") + "\n")
		}
	}
	return b.String()
}

func flowScalar(t *rapid.T) string { return rapid.SampledFrom(scalars).Draw(t, "flow scalar") }

func plainValue(n *Node) any {
	switch n.Kind {
	case Map:
		m := map[string]any{}
		for _, e := range n.Entries {
			m[e.Key.Text] = plainValue(e.Value)
		}
		return m
	case List:
		l := []any{}
		for _, e := range n.Entries {
			l = append(l, plainValue(e.Value))
		}
		return l
	}
	return n.Text
}

func other(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := map[string]any{}
		for k, x := range v {
			m[k] = other(x)
		}
		return m
	case []any:
		l := []any{}
		for _, x := range v {
			l = append(l, other(x))
		}
		return l
	case nil:
		return ""
	}
	return fmt.Sprint(v)
}

// TestText writes texts and reads them back.
func TestText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		back := func(src string, at func(*Node) *Node) {
			n, errs := Parse(src)
			if len(errs) > 0 || at(n) == nil || at(n).Text != s {
				t.Fatalf("%q is written %q and read back as %v %v", s, src, n, errs)
			}
		}
		if len(s) < MaxLine/10 {
			back("a: "+Text(s, false)+"\n", func(n *Node) *Node { return n.Get("a") })
			back("a: {b: "+Text(s, true)+"}\n", func(n *Node) *Node { return n.Get("a").Get("b") })
			back("a: "+Quote(s)+"\n", func(n *Node) *Node { return n.Get("a") })
		}
	})
}

func FuzzParse(f *testing.F) {
	files, err := os.ReadDir("testdata/parse")
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range files {
		if b, err := os.ReadFile("testdata/parse/" + e.Name()); err == nil {
			for part := range strings.SplitSeq(string(b), "\n\n") {
				f.Add(part)
			}
		}
	}
	f.Fuzz(func(t *testing.T, src string) {
		n, errs := Parse(src)
		last := 0
		for _, e := range errs {
			if e.Offset < 0 || e.Offset > len(src) || e.Width < 1 || e.Message == "" {
				t.Fatalf("%+v", e)
			}
		}
		within(t, n, len(src), &last)
	})
}

// within checks that all offsets lie within the source and texts map into it in order.
func within(t *testing.T, n *Node, size int, count *int) {
	if n.Offset < 0 || n.End < n.Offset || n.End > size {
		t.Fatalf("%v at %d-%d of %d", n.Kind, n.Offset, n.End, size)
	}
	if *count++; *count > math.MaxInt32 {
		t.Fatal("no end")
	}
	before := 0
	for i := range len(n.Text) + 1 {
		at := n.At(i)
		if n.Kind == Scalar && (at < before || at > size) {
			t.Fatalf("byte %d of %q at %d, after %d", i, n.Text, at, before)
		}
		before = at
	}
	for _, e := range n.Entries {
		if e.Key != nil {
			within(t, e.Key, size, count)
		}
		within(t, e.Value, size, count)
	}
}
