package main

import (
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// machine says where and when a table was made.
type machine struct {
	sizes  sizes
	date   string
	cpu    string
	cores  int
	memory int64
	system string
	commit string
	load   [2]string // before and after
}

func thisMachine(s sizes) machine {
	m := machine{
		sizes: s, date: time.Now().UTC().Format("2006-01-02 15:04 MST"), cpu: processor(), cores: runtime.NumCPU(), memory: machineMemory(),
		system: fmt.Sprintf("%s, %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH), commit: commitOf(),
	}
	if m.cpu == "" {
		m.cpu = "unknown processor"
	}
	m.load[0] = load1()
	return m
}

// finish notes what is known in the end only.
func (m *machine) finish() { m.load[1] = load1() }

// commitOf names the commit that is checked out in the working folder.
func commitOf() string {
	head, err := exec.Command("git", "rev-parse", "--short=12", "HEAD").Output()
	if err != nil {
		return "unknown commit"
	}
	name := "commit " + strings.TrimSpace(string(head))
	if changes, err := exec.Command("git", "status", "--porcelain", "--untracked-files=no").Output(); err != nil || len(changes) > 0 {
		name += " with changes"
	}
	return name
}

// lines describe the machine and what was run on it.
func (m *machine) lines() []string {
	l := []string{
		fmt.Sprintf("%s, %s", m.date, m.commit),
		fmt.Sprintf("%s, %d cores, %.0f GiB, %s", m.cpu, m.cores, float64(m.memory)/(1<<30), m.system),
		fmt.Sprintf("%d events of %d customers, %d samples, %d cores used", m.sizes.Events, m.sizes.Customers, m.sizes.Runs, m.sizes.Cores),
	}
	if m.load[0] != "" {
		l = append(l, fmt.Sprintf("load before %s, after %s: what is above %d is not ours", m.load[0], m.load[1], m.sizes.Cores))
	}
	return l
}
