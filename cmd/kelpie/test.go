package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"kelpie/engine/ruletest"
	"kelpie/rules"
)

type testOptions struct {
	config, only, junit string
	asJSON, verbose     bool
}

func newTest() *cobra.Command {
	var o testOptions
	c := &cobra.Command{
		Use:   "test [flags] [RULES...]",
		Short: "Run the tests that stand beside the rules",
		Long: `Runs the tests beside the rules with the engine itself. The stream of each test is drained at its end, unless the test
says until: TIME. Each line of expect is one opening; all openings are listed, and the members that are named are
compared. A test that fails shows what was expected beside what opened, and why not: the values at the nearest miss.

The exit code is 1 if a test fails.`,
		Example: `  kelpie test rules/
  kelpie test rules/ --run 'burst|limit'
  kelpie test -c kelpie.yml --junit report.xml
  kelpie test rules/ --json`,
		RunE: func(c *cobra.Command, args []string) error { return test(c.Context(), c.OutOrStdout(), args, &o) },
	}
	f := c.Flags()
	f.StringVarP(&o.config, "config", "c", "", "the configuration `file`, for how events and time are read")
	f.StringVar(&o.only, "run", "", "run only tests whose name or rule matches this regular `expression`")
	f.StringVar(&o.junit, "junit", "", "also write the results to this `file` as JUnit XML")
	f.BoolVar(&o.asJSON, "json", false, "print JSON")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "list the tests that pass too")
	return c
}

// testRun is one test with how it went.
type testRun struct {
	*ruletest.Result
	took time.Duration
}

func test(ctx context.Context, out io.Writer, args []string, o *testOptions) error {
	match, err := regexp.Compile(o.only)
	if err != nil {
		return fmt.Errorf("--run: %w", err)
	}
	s, err := loadSettings(o.config)
	if err != nil {
		return err
	}
	set, err := s.loadRules(args)
	if err != nil {
		return err
	}
	runs, err := runTests(ctx, set, s, match)
	if err != nil {
		return err
	}
	if len(runs) == 0 && o.only != "" {
		return fmt.Errorf("no test matches --run %s, of %s", o.only, counted(len(set.Tests), "test"))
	}
	if o.junit != "" {
		if err := writeJUnit(o.junit, runs); err != nil {
			return err
		}
	}
	sum := summarize(set, runs)
	if o.asJSON {
		err = sum.writeJSON(out, runs)
	} else {
		err = sum.write(out, runs, o.verbose)
	}
	if err == nil && sum.Failed > 0 {
		return errNo
	}
	return err
}

func runTests(ctx context.Context, set *rules.Set, s *settings, match *regexp.Regexp) (runs []testRun, err error) {
	r := ruletest.New(set, ruletest.Options{Event: s.event, Time: s.time})
	for _, t := range set.Tests {
		if !match.MatchString(t.Name) && !match.MatchString(t.Rule) {
			continue
		}
		if ctx.Err() != nil {
			return runs, context.Cause(ctx)
		}
		start := time.Now()
		res, err := r.Run(t)
		if err != nil {
			return runs, err
		}
		runs = append(runs, testRun{res, time.Since(start)})
	}
	return runs, nil
}

// testSummary is the result of all.
type testSummary struct {
	Passed   int      `json:"passed"`
	Failed   int      `json:"failed"`
	Untested []string `json:"untested"` // rules without a test
}

func summarize(set *rules.Set, runs []testRun) testSummary {
	s := testSummary{Untested: []string{}}
	for _, r := range runs {
		if r.Passed() {
			s.Passed++
		} else {
			s.Failed++
		}
	}
	tested := map[string]bool{}
	for _, t := range set.Tests {
		tested[t.Rule] = true
	}
	for _, r := range set.Rules {
		if !tested[r.Name] {
			s.Untested = append(s.Untested, r.Name)
		}
	}
	return s
}

func (s testSummary) writeJSON(w io.Writer, runs []testRun) error {
	tests := make([]*ruletest.Result, 0, len(runs))
	for _, r := range runs {
		tests = append(tests, r.Result)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(struct {
		testSummary
		Tests []*ruletest.Result `json:"tests"`
	}{s, tests})
}

func (s testSummary) write(w io.Writer, runs []testRun, verbose bool) error {
	var b strings.Builder
	for _, r := range runs {
		switch {
		case !r.Passed():
			fmt.Fprintf(&b, "FAIL  %s: %s   %s\n%s\n", r.Test.Rule, r.Test.Name, r.Test.At, indented(r.Text()))
		case verbose:
			fmt.Fprintf(&b, "ok    %s: %s\n", r.Test.Rule, r.Test.Name)
		}
	}
	fmt.Fprintf(&b, "%s passed, %d failed\n", counted(s.Passed, "test"), s.Failed)
	if len(s.Untested) > 0 {
		fmt.Fprintf(&b, "without a test: %s\n", strings.Join(s.Untested, ", "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// indented moves lines to the right.
func indented(s string) string {
	const by = "      "
	lines := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	for i, l := range lines {
		if l != "" {
			lines[i] = by + l
		}
	}
	return strings.Join(lines, "\n") + "\n"
}
