package main

import (
	"github.com/spf13/cobra"

	"kelpie/rules"
)

func newSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of rule files, from which editors complete",
		Long: `Prints the JSON Schema of rule files. An editor with the YAML language server completes keys, shows what they mean
and marks what is not known if a rule file begins with the line

  # yaml-language-server: $schema=kelpie-rules.json`,
		Example: "  kelpie schema > kelpie-rules.json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := c.OutOrStdout().Write(rules.Schema())
			return err
		},
	}
}
