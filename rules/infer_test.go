package rules

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/cockroachdb/datadriven"

	"kelpie/event"
)

func TestInfer(t *testing.T) {
	datadriven.RunTest(t, "testdata/infer/samples", func(t *testing.T, d *datadriven.TestData) string {
		var spec event.Spec
		d.MaybeScanArgs(t, "type", &spec.Type)
		in, err := Infer(strings.NewReader(d.Input), spec)
		if err != nil {
			return err.Error() + "\n"
		}
		var b strings.Builder
		fmt.Fprintf(&b, "%d events", in.Events)
		if in.First != 0 {
			fmt.Fprintf(&b, " from %s to %s", event.FormatTime(in.First), event.FormatTime(in.Last))
		}
		fmt.Fprintf(&b, ", types %v, changed %t\n", in.Types, in.Changed)
		for _, r := range slices.Sorted(maps.Keys(in.Refused)) {
			fmt.Fprintf(&b, "refused %d: %s\n", in.Refused[r], r)
		}
		for _, f := range in.Fields {
			fmt.Fprintf(&b, "%s: %d present, %d distinct, such as %q\n", f.Path, f.Present, f.Distinct, f.Example)
		}
		return b.String() + in.Config()
	})
}

// TestInferIsBounded feeds what would fill the memory if all of it were kept.
func TestInferIsBounded(t *testing.T) {
	var b strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&b, `{"type":"t%d","time":%d,"f%d":"%s","deep":%s1%s}`+"\n", i, 1_600_000_000+i, i, strings.Repeat("v", i%100), strings.Repeat(`{"a":`, 30), strings.Repeat("}", 30))
	}
	b.WriteString(`{"long":"` + strings.Repeat("x", 3<<20) + "\"}\n" + `{"type":"t1","time":1}`)
	in, err := Infer(strings.NewReader(b.String()), event.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	if in.Events != 3001 || in.Refused[event.TooLong] != 1 || !in.Cut || len(in.Types) != maxInferTypes || len(in.Fields) > maxInferFields {
		t.Errorf("%d events, %v refused, cut %t, %d types, %d fields", in.Events, in.Refused, in.Cut, len(in.Types), len(in.Fields))
	}
	for _, f := range in.Fields {
		if f.Distinct > maxInferDistinct || len(f.Path) > maxInferDepth || len(f.Example) > 200 {
			t.Errorf("%+v", f)
		}
	}
}

func TestInferErrors(t *testing.T) {
	broken := errors.New("disk on fire")
	if _, err := Infer(io.MultiReader(strings.NewReader("{}\n"), iotest.ErrReader(broken)), event.Spec{}); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if _, err := Infer(strings.NewReader(""), event.Spec{Type: "a..b"}); err == nil {
		t.Error("a path that is none is taken")
	}
}

// TestInferredTypesAreTypes reads the types that Infer writes back as those of the configuration.
func TestInferredTypesAreTypes(t *testing.T) {
	for typ, word := range map[Type]string{AnyType: "any", NumberType: "number", StringType: "string", BoolType: "bool", ListType: "list"} {
		if got := (&FieldStats{Type: typ}).typeWord(); got != word {
			t.Errorf("%d is written %q, not %q", typ, got, word)
		}
	}
}
