// Kelpie is the stream's watchdog: it reads events, keeps windows of what each key has been doing, evaluates rules and
// tells the people on call.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

func main() { os.Exit(run(os.Args[1:])) }

// errNo is the answer no: a rule test failed, a log does not verify. What there is to say has been said.
var errNo = errors.New("no")

// run runs the command line and returns the exit code: 0 done, 1 the answer is no, 2 the call or a file is wrong.
func run(args []string) int {
	root := newRoot()
	root.SetArgs(args)
	err := root.Execute()
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errNo):
		return 1
	}
	fmt.Fprintf(os.Stderr, "kelpie: %v\n", err)
	return 2
}

func newRoot() *cobra.Command {
	c := &cobra.Command{
		Use:           "kelpie",
		Short:         "The stream's watchdog: exact windows, YAML rules, durable state",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	c.AddCommand(newFeatures())
	return c
}
