package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
)

// childVariable holds the order to a process that runs one study; in JSON.
const childVariable = "KELPIE_BENCH_CHILD"

// order says what a child process has to do.
type order struct {
	Study string
	Crash string `json:",omitempty"` // in place of a study: build a service's data in this folder, and crash
	// Brokers are those of Kafka from which the service reads that is to crash; none: it reads from memory.
	Brokers []string `json:",omitempty"`
	// Client is the other side of a study, in place of one: see clients.
	Client string `json:",omitempty"`
	Sizes  sizes
	Dir    string
	// Profiles is where profiles go; "" for none.
	Profiles string `json:",omitempty"`
}

// childCommand returns the command that carries out an order, with this same program.
func childCommand(o order) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childVariable+"="+string(b))
	cmd.Stderr = os.Stderr
	return cmd, nil
}

// inChild runs a study in a child process and returns its rows.
func inChild(o order) (rows []row, err error) {
	cmd, err := childCommand(o)
	if err != nil {
		return nil, err
	}
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", o.Study, err)
	}
	if err := json.Unmarshal(out, &rows); err != nil {
		return nil, fmt.Errorf("%s: its rows: %w", o.Study, err)
	}
	return rows, nil
}

// childMain carries out the order that the process was started with; false if it was started by a person.
func childMain() bool {
	text := os.Getenv(childVariable)
	if text == "" {
		return false
	}
	if err := obey(text); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	return true
}

func obey(text string) error {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return fmt.Errorf("%s: %w", childVariable, err)
	}
	runtime.GOMAXPROCS(o.Sizes.Cores)
	l := &lab{sizes: o.Sizes, dir: o.Dir, profiler: profiler{dir: o.Profiles}}
	if o.Crash != "" && len(o.Brokers) > 0 {
		return l.crashWithKafka(o.Crash, o.Brokers)
	}
	if o.Crash != "" {
		return errors.Join(l.crash(o.Crash), errors.New("the service ended without a crash"))
	}
	if o.Client != "" {
		return l.beClient(o.Client)
	}
	for i := range studies {
		if studies[i].name != o.Study {
			continue
		}
		rows, err := l.report(&studies[i])
		if err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(rows)
	}
	return fmt.Errorf("no study %q", o.Study)
}
