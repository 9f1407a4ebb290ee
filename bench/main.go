package main

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"syscall"
	"time"

	"kelpie/engine"
	"kelpie/traffic"
)

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func indexLine(b []byte) int {
	for i, c := range b {
		if c == '\n' {
			return i
		}
	}
	return len(b)
}

func main() {
	n := flag.Int64("n", 1_000_000, "")
	run := flag.String("run", ".", "")
	runs := flag.Int("runs", 5, "")
	dir := flag.String("dir", os.TempDir()+"/kelpie-bench", "")
	flag.StringVar(&profiles.dir, "profile", "", "")
	flag.Parse()
	if err := os.MkdirAll(*dir, 0o777); err != nil {
		panic(err)
	}
	re := regexp.MustCompile(*run)
	in, err := load(*dir, fmt.Sprint("bench", *n), traffic.Bench(1, *n, 100_000))
	if err != nil {
		panic(err)
	}
	for _, study := range []struct {
		name string
		f    func() error
	}{
		{"fold", func() error {
			p, err := plan(founding, engine.NewUnits())
			if err != nil {
				return err
			}
			return foldMemory(in, p, 2)
		}},
		{"durable", func() error {
			d, err := fresh(*dir, "state")
			if err != nil {
				return err
			}
			s, err := openService(d, founding, 2)
			if err != nil {
				return err
			}
			if err := s.fold(in.data); err != nil {
				return err
			}
			fmt.Printf("  %d commits, %d rows\n", s.count, s.written)
			return s.close()
		}},
		{"logged", func() error {
			d, err := fresh(*dir, "state")
			if err != nil {
				return err
			}
			l, err := fresh(*dir, "log")
			if err != nil {
				return err
			}
			s, err := openService(d, founding, 2)
			if err != nil {
				return err
			}
			if err := s.foldLogged(l, in.data); err != nil {
				return err
			}
			fmt.Printf("  %d commits, %d rows\n", s.count, s.written)
			return s.close()
		}},
	} {
		if !re.MatchString(study.name) {
			continue
		}
		profiles.study = study.name
		for range *runs {
			s, err := timed(in, in.count, study.f)
			if err != nil {
				panic(err)
			}
			fmt.Printf("%-10s %8.0f/s wall %v cpu %v yard %.0f ratio %.2f allocs/ev %.3f peak %d MiB\n", study.name, s.rate(), s.Wall, s.CPU, s.Yard, s.rate()/s.Yard, float64(s.Allocs)/float64(s.Events), s.Peak>>20)
		}
		if err := allocProfile(); err != nil {
			panic(err)
		}
	}
}
