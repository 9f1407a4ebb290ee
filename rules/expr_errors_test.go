package rules

import (
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"kelpie/event"
)

// TestExprErrors compiles each line of testdata/expr and compares what is said about it. Commands: compile; with
// fields=(a,b) only those may be named; with close there is no event; with row=(a,b) it is a table's update; canon
// shows what an expression computes; template checks alert texts.
func TestExprErrors(t *testing.T) {
	datadriven.Walk(t, "testdata/expr", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			w := newWorld(sample)
			for _, arg := range d.CmdArgs {
				switch arg.Key {
				case "close":
					w.scope.NoEvent = true
				case "row":
					w.scope.Row = arg.Vals
				case "fields":
					w.scope.Strict, w.scope.Types = true, map[string]Type{}
					for _, v := range arg.Vals {
						name, typ, _ := strings.Cut(v, ":")
						w.scope.Types[name] = map[string]Type{"number": NumberType, "string": StringType, "bool": BoolType, "list": ListType}[typ]
					}
				}
			}
			var out strings.Builder
			for src := range strings.SplitSeq(d.Input, "\n") {
				out.WriteString(answer(d.Cmd, src, w) + "\n")
			}
			return out.String()
		})
	})
}

func answer(cmd, src string, w *world) string {
	if cmd == "template" {
		w.scope.By = []event.Path{{"customer_id"}}
		if _, err := CompileTemplate(src, &w.scope); err != nil {
			return showError(src, err)
		}
		return "ok: " + src
	}
	x, err := Compile(src, &w.scope)
	switch {
	case err != nil:
		return showError(src, err)
	case cmd == "canon":
		return src + "\n  " + x.Canon
	}
	return "ok: " + src
}
