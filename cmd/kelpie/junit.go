package main

import (
	"encoding/xml"
	"fmt"
	"os"
)

// The JUnit XML that build servers read: a suite per rule file, a case per test.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Time     string      `xml:"time,attr"` // seconds
		Cases    []junitCase `xml:"testcase"`
		seconds  float64
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"` // the rule
		File    string        `xml:"file,attr"`
		Line    int           `xml:"line,attr"`
		Time    string        `xml:"time,attr"`
		Failure *junitFailure `xml:"failure,omitempty"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

func writeJUnit(name string, runs []testRun) error {
	out := junitSuites{}
	for _, r := range runs {
		if n := len(out.Suites); n == 0 || out.Suites[n-1].Name != r.Test.At.File {
			out.Suites = append(out.Suites, junitSuite{Name: r.Test.At.File})
		}
		s := &out.Suites[len(out.Suites)-1]
		c := junitCase{Name: r.Test.Name, Class: r.Test.Rule, File: r.Test.At.File, Line: r.Test.At.Line, Time: seconds(r.took.Seconds())}
		if !r.Passed() {
			c.Failure = &junitFailure{"the rule did not do what the test expects", r.Text()}
			s.Failures++
			out.Failures++
		}
		s.seconds += r.took.Seconds()
		s.Time = seconds(s.seconds)
		s.Tests++
		out.Tests++
		s.Cases = append(s.Cases, c)
	}
	b, err := xml.MarshalIndent(out, "", "  ")
	if err != nil {
		return fmt.Errorf("junit: %w", err)
	}
	return os.WriteFile(name, append([]byte(xml.Header), append(b, '\n')...), 0o644)
}

func seconds(s float64) string { return fmt.Sprintf("%.3f", s) }
