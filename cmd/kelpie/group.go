package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"kelpie/rules"
)

// group puts subcommands below a command that does nothing itself. What is no subcommand is an error; cobra would print
// the help, as if that were an answer.
func group(c *cobra.Command, subcommands ...*cobra.Command) *cobra.Command {
	c.AddCommand(subcommands...)
	c.DisableFlagsInUseLine = true
	c.Args = cobra.ArbitraryArgs
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return c.Help()
		}
		hint := "see " + c.CommandPath() + " --help"
		if meant := rules.DidYouMean(args[0], namesOf(subcommands)); meant != "" {
			hint = meant
		}
		return fmt.Errorf("unknown command %q for %q\n    %s", args[0], c.CommandPath(), hint)
	}
	return c
}

func namesOf(commands []*cobra.Command) (names []string) {
	for _, c := range commands {
		names = append(names, c.Name())
	}
	return names
}
