package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"kelpie/rules"
)

// flagError adds to a mistake in the flags which one was probably meant, or where to look.
func flagError(c *cobra.Command, err error) error {
	hint := ""
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		hint = rules.DidYouMean("--"+unknown.GetSpecifiedName(), flagNames(c))
	}
	if hint == "" {
		hint = "see " + c.CommandPath() + " --help"
	}
	return fmt.Errorf("%s: %w\n    %s", strings.TrimPrefix(c.CommandPath(), "kelpie "), err, hint)
}

// flagNames are the command's flags as they are written.
func flagNames(c *cobra.Command) (names []string) {
	c.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, "--"+f.Name)
		}
	})
	return names
}
