package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"kelpie/examples/orders"
)

// demoConfig is the configuration of the demo, and of who goes on with what it kept.
const demoConfig = `# Written by kelpie demo: a made-up shop, watched by the founding rules.
data: .
event: {type: type, time: time, id: id}
time: {order: arrival, disorder: 2s}
rules: rules
alerts: {stdout: off}
metrics: {listen: off}
http: {listen: off}
`

// demoFolder makes the folder that the demo works in and puts the rules and the configuration there. remove removes
// it, if it is a temporary one.
func demoFolder(keep string) (dir string, remove func() error, err error) {
	remove = func() error { return nil }
	if dir = keep; keep == "" {
		if dir, err = os.MkdirTemp("", "kelpie-demo-"); err != nil {
			return "", nil, err
		}
		remove = func() error { return os.RemoveAll(dir) }
	} else if err := newFolder(keep); err != nil {
		return "", nil, err
	}
	err = os.CopyFS(dir, orders.Rules)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, configHere), []byte(demoConfig), 0o644)
	}
	if err != nil {
		return "", nil, errors.Join(fmt.Errorf("demo: %w", err), remove())
	}
	return dir, remove, nil
}

// newFolder makes a folder, or takes one that is empty.
func newFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	files, err := os.ReadDir(dir)
	if err == nil && len(files) > 0 {
		err = fmt.Errorf("--keep %s: the folder is not empty: name a new one", dir)
	}
	return err
}
