package rules

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"
)

// TestLoad shows what rule files come to. Commands:
//
//	load [order=time] [strict] [types=(a:number,b:text)] [timezone=…]   the set, or its mistakes
//	dir    files given as "-- name --" headers, loaded as a folder
func TestLoad(t *testing.T) {
	datadriven.Walk(t, "testdata/load", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			o := testOptions(t, d)
			switch d.Cmd {
			case "load":
				set, err := LoadBytes("r.yml", []byte(d.Input+"\n"), o)
				if err != nil {
					return err.Error() + "\n"
				}
				return describe(set)
			case "fmt":
				out, err := Format([]byte(d.Input + "\n"))
				if err != nil {
					return err.Error() + "\n"
				}
				return string(out)
			}
			t.Fatalf("no command %s", d.Cmd)
			return ""
		})
	})
}

func testOptions(t *testing.T, d *datadriven.TestData) (o Options) {
	for _, a := range d.CmdArgs {
		switch a.Key {
		case "strict":
			o.Strict = true
		case "order":
			o.Order = a.Vals[0]
		case "timezone":
			o.Timezone = a.Vals[0]
		case "type":
			o.Event.Type = a.Vals[0]
		case "types":
			o.Types = map[string]Type{}
			for _, v := range a.Vals {
				name, typ, _ := strings.Cut(v, ":")
				o.Types[name] = map[string]Type{"number": NumberType, "text": StringType, "bool": BoolType, "list": ListType, "any": AnyType}[typ]
			}
		default:
			t.Fatalf("no option %s", a.Key)
		}
	}
	return o
}

// describe writes what the engine sees of a set.
func describe(s *Set) string {
	var b strings.Builder
	for _, t := range s.Tables {
		fmt.Fprintf(&b, "table %s by %s\n", t.Name, pathsText(t.Key))
		for _, on := range t.On {
			for _, u := range on.Set {
				fmt.Fprintf(&b, "  %s: %s %c %s\n", on.Event, t.Fields[u.Field], u.Op, u.Expr.Canon)
			}
		}
	}
	for _, r := range s.Rules {
		describeRule(&b, s, r)
	}
	for _, t := range s.Tests {
		fmt.Fprintf(&b, "test %q of %s", t.Name, t.Rule)
		if t.Order != "" || t.HasDisorder || t.HasLateness {
			fmt.Fprintf(&b, " (order %q, disorder %d, lateness %d)", t.Order, t.Disorder, t.Lateness)
		}
		if t.Until > 0 {
			fmt.Fprintf(&b, " until %d", t.Until)
		}
		b.WriteByte('\n')
		for _, g := range t.Given {
			fmt.Fprintf(&b, "  %s\n", g.JSON)
		}
		for _, e := range t.Expect {
			b.WriteString("  expect")
			for _, m := range e.Members {
				fmt.Fprintf(&b, " %s=%v", m.Name, m.Value)
				if m.List != nil {
					fmt.Fprintf(&b, "%v", m.List)
				}
			}
			b.WriteByte('\n')
		}
	}
	if len(s.Types) > 0 {
		fmt.Fprintf(&b, "types %s\n", strings.Join(s.Types, ", "))
	}
	return b.String()
}

func describeRule(b *strings.Builder, s *Set, r *Rule) {
	fmt.Fprintf(b, "rule %s (%s): %s, mode %s", r.Name, r.At, r.Severity, r.Mode)
	if r.Decide != "" {
		fmt.Fprintf(b, ", decide %s", r.Decide)
	}
	if r.Point {
		b.WriteString(", a point")
	}
	types := "*"
	if r.Events != nil {
		types = strings.Join(r.Events, ", ")
	}
	fmt.Fprintf(b, "\n  %s by %s, on", types, pathsText(r.By))
	if r.OnEvent {
		b.WriteString(" event")
	}
	if r.OnClose {
		b.WriteString(" close")
	}
	fmt.Fprintf(b, ", longest %s", FormatDuration(r.Longest))
	if r.Timezone != "" {
		b.WriteString(", in " + r.Timezone)
	}
	b.WriteByte('\n')
	for _, p := range r.Params {
		fmt.Fprintf(b, "  param %s = %v\n", p.Name, p.Value)
	}
	for _, x := range []struct {
		name string
		x    *Expr
	}{{"where", r.Where}, {"ready", r.Ready}, {"when", r.When}, {"resolve", r.Resolve}} {
		if x.x != nil {
			fmt.Fprintf(b, "  %s %s\n", x.name, x.x.Canon)
		}
	}
	for _, f := range r.Facts {
		fmt.Fprintf(b, "  fact %s (%s): %s\n", f.Name, f.Type, f.Text)
	}
	var names []string
	for _, i := range r.FieldSlots {
		names = append(names, s.Paths[i].String())
	}
	for _, t := range r.TableRefs {
		names = append(names, t.Name)
	}
	for _, p := range r.PrevRefs {
		names = append(names, p.Name)
	}
	if names != nil {
		fmt.Fprintf(b, "  reads %s\n", strings.Join(names, ", "))
	}
}

// TestFiles loads the rules of all cases and examples, formats them, and wants the same rules again.
func TestFiles(t *testing.T) {
	files := ruleFiles(t, "testdata/cases", "testdata/examples")
	if len(files) < 30 {
		t.Fatalf("only %d files", len(files))
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".yml"), func(t *testing.T) {
			set, err := Load([]string{name}, Options{})
			if err != nil {
				t.Fatal(err)
			}
			src, _ := readFile(name)
			once, err := Format([]byte(src))
			if err != nil {
				t.Fatal(err)
			}
			twice, err := Format(once)
			if err != nil || string(twice) != string(once) {
				t.Errorf("formatting twice is not formatting once (%v):\n%s\n---\n%s", err, once, twice)
			}
			if a, b := comments(t, src), comments(t, string(once)); !slices.Equal(a, b) {
				t.Errorf("comments %q became %q", a, b)
			}
			again, err := LoadBytes(name, once, Options{})
			if err != nil {
				t.Fatalf("%s\n%s", err, once)
			}
			sameMeaning(t, set, again)
			reloaded(t, set)
		})
	}
}

func ruleFiles(t testing.TB, dirs ...string) (files []string) {
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				files = append(files, name)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	sort.Strings(files)
	return files
}

// sameMeaning wants two sets to have the same texts.
func sameMeaning(t *testing.T, a, b *Set) {
	t.Helper()
	if len(a.Rules) != len(b.Rules) || len(a.Tables) != len(b.Tables) || len(a.Tests) != len(b.Tests) {
		t.Fatalf("%d rules, %d tables, %d tests became %d, %d, %d", len(a.Rules), len(a.Tables), len(a.Tests), len(b.Rules), len(b.Tables), len(b.Tests))
	}
	for i, r := range a.Rules {
		if r.Text != b.Rules[i].Text {
			t.Errorf("rule %s became\n%s\nfrom\n%s", r.Name, b.Rules[i].Text, r.Text)
		}
		for j, f := range r.Facts {
			if f.Text != b.Rules[i].Facts[j].Text {
				t.Errorf("fact %s: %q became %q", f.Name, f.Text, b.Rules[i].Facts[j].Text)
			}
		}
	}
	for i, x := range a.Tables {
		if x.Text != b.Tables[i].Text {
			t.Errorf("table %s became\n%s\nfrom\n%s", x.Name, b.Tables[i].Text, x.Text)
		}
	}
}

// reloaded wants the texts of rules and tables, put together, to be the same rules and tables again.
func reloaded(t *testing.T, s *Set) {
	t.Helper()
	tables, rules := "tables:\n", "rules:\n"
	for _, x := range s.Tables {
		tables += strings.TrimPrefix(x.Text, "tables:\n")
	}
	for _, r := range s.Rules {
		rules += strings.TrimPrefix(r.Text, "rules:\n")
	}
	again, err := LoadBytes("texts", []byte(tables+rules), Options{})
	if err != nil {
		t.Fatalf("%s\n%s%s", err, tables, rules)
	}
	again.Tests = s.Tests
	sameMeaning(t, s, again)
}
