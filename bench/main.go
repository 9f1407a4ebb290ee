package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
)

// settings are what the command line says.
type settings struct {
	pattern  *regexp.Regexp
	sizes    sizes
	dir      string
	profiles string
	write    bool
}

func main() {
	if childMain() {
		return
	}
	s, err := parse(os.Args[1:])
	if err == nil {
		err = run(s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse(args []string) (s settings, err error) {
	f := flag.NewFlagSet("bench", flag.ExitOnError)
	pattern := f.String("run", ".", "run the studies whose names match this `regexp`: "+strings.Join(studyNames(), ", "))
	quick := f.Bool("quick", false, "small streams and few samples: to see whether it works")
	n := f.Int64("n", 0, "`events` of a stream (default 1,000,000)")
	keys := f.Int("keys", 0, "keys of the study of that name (default 5,000,000)")
	decisions := f.Int("decisions", 0, "decisions a second that the study of that name asks for (default 20,000)")
	runs := f.Int("runs", 0, "`samples` of each figure (default 5)")
	cores := f.Int("cores", 2, "cores to use, and shards")
	f.StringVar(&s.dir, "dir", "", "`folder` for events, logs and states, on the disk that is to be measured (default a temporary one)")
	f.StringVar(&s.profiles, "profile", "", "`folder` for profiles of what is timed")
	f.BoolVar(&s.write, "write", false, "put the table into bench/README.md; to be run in the module's root")
	if err := f.Parse(args); err != nil {
		return s, err
	}
	if f.NArg() > 0 {
		return s, fmt.Errorf("unexpected %q", f.Arg(0))
	}
	s.sizes = fullSizes
	if *quick {
		s.sizes = quickSizes
	}
	s.sizes.Cores = *cores
	for _, o := range []struct {
		given int64
		set   func(int64)
	}{
		{*n, func(v int64) { s.sizes.Events = v }},
		{int64(*keys), func(v int64) { s.sizes.Keys = int(v) }},
		{int64(*decisions), func(v int64) { s.sizes.Decisions = int(v) }},
		{int64(*runs), func(v int64) { s.sizes.Runs = int(v) }},
	} {
		if o.given > 0 {
			o.set(o.given)
		}
	}
	s.pattern, err = regexp.Compile(*pattern)
	return s, err
}

func studyNames() (names []string) {
	for i := range studies {
		names = append(names, studies[i].name)
	}
	return names
}

// run runs the studies and prints the table.
func run(s settings) (err error) {
	if s.dir == "" {
		if s.dir, err = os.MkdirTemp("", "kelpie-bench-"); err != nil {
			return err
		}
		defer func() { err = firstOf(err, os.RemoveAll(s.dir)) }()
	}
	for _, dir := range []string{s.dir, s.profiles} {
		if dir == "" {
			continue
		}
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return err
		}
	}
	t := table{machine: thisMachine(s.sizes)}
	for _, name := range studyNames() {
		if !s.pattern.MatchString(name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s …\n", name)
		rows, err := inChild(order{Study: name, Sizes: s.sizes, Dir: s.dir, Profiles: s.profiles})
		if err != nil {
			return err
		}
		for i := range rows {
			fmt.Fprintf(os.Stderr, "  %s\n", strings.Join(rows[i].cells(), " | "))
		}
		t.rows = append(t.rows, rows...)
	}
	if len(t.rows) == 0 {
		return fmt.Errorf("no study matches %q: there are %s", s.pattern, strings.Join(studyNames(), ", "))
	}
	t.machine.finish()
	fmt.Print(t.text())
	if s.write {
		return t.write("bench/README.md")
	}
	return nil
}

func firstOf(a, b error) error {
	if a != nil {
		return a
	}
	return b
}
