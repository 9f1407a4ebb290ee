package docs

import (
	"fmt"
	"strings"
	"testing"

	"kelpie/config"
	"kelpie/rules"
)

// page is a page while its blocks are run in order.
type page struct {
	t        *testing.T
	set      *rules.Set
	wrong    error // of the rules above
	settings settings
	out      *outcome
	last     fence // the rules above
}

// TestPages runs the blocks of every page.
func TestPages(t *testing.T) {
	for _, file := range pages(t) {
		t.Run(file, func(t *testing.T) {
			p := &page{t: t, settings: defaults()}
			for _, f := range fences(t, file) {
				p.run(f)
			}
			p.unsaid()
		})
	}
}

func (p *page) errorf(f fence, format string, args ...any) {
	p.t.Helper()
	p.t.Errorf("%s:%d: %s", f.file, f.line, fmt.Sprintf(format, args...))
}

// unsaid reports an error of rules that the page does not show.
func (p *page) unsaid() {
	if p.wrong != nil {
		p.errorf(p.last, "%v", p.wrong)
		p.wrong = nil
	}
}

func (p *page) run(f fence) {
	switch f.kind {
	case "yaml rules":
		p.unsaid()
		p.rules(f)
	case "text error":
		if got := fmt.Sprint(p.wrong); strings.TrimSpace(got) != strings.TrimSpace(f.text) {
			p.errorf(f, "the error is\n%s", got)
		}
		p.wrong = nil
	case "jsonl events":
		p.unsaid()
		p.events(f)
	case "jsonl rows", "jsonl alerts":
		p.compare(f)
	case "yaml config":
		if _, wrong := config.Parse("kelpie.yml", []byte(f.text)); len(wrong) > 0 {
			p.errorf(f, "%v", wrong)
		}
	}
}

func (p *page) rules(f fence) {
	p.last, p.out = f, nil
	p.set, p.wrong = rules.LoadBytes("rules.yml", []byte(f.text), rules.Options{})
	if p.wrong != nil {
		return
	}
	failed, err := runTests(p.set, p.settings)
	if err != nil {
		p.errorf(f, "%v", err)
	}
	for _, text := range failed {
		p.errorf(f, "%s", text)
	}
}

func (p *page) events(f fence) {
	if p.set == nil {
		p.errorf(f, "there are no rules above these events")
		return
	}
	s, err := p.settings.with(f.args)
	if err == nil {
		p.out, err = fold(p.set, s, []byte(f.text))
	}
	if err != nil {
		p.errorf(f, "%v", err)
	}
}

func (p *page) compare(f fence) {
	if p.out == nil {
		p.errorf(f, "there are no events above")
		return
	}
	got := p.out.alerts
	if f.kind == "jsonl rows" {
		got = p.out.rows
	}
	if diff := compare(f.text, got); diff != "" {
		p.errorf(f, "%s", diff)
	}
}

// TestFunctions wants every function in docs/rules.md, in the words of the package that computes it.
func TestFunctions(t *testing.T) {
	src := read(t, "docs/rules.md")
	for _, f := range rules.Functions() {
		example := ""
		if f.Example != "" {
			example = "`" + f.Example + "`"
		}
		line := fmt.Sprintf("| `%s` | %s | %s |", f.Signature, f.Meaning, example)
		if !strings.Contains(src, "\n"+line+"\n") {
			t.Errorf("docs/rules.md lacks the line\n%s", line)
		}
	}
}
