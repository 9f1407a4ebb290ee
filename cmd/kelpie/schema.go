package main

import (
	_ "embed"
	"io"

	"github.com/spf13/cobra"
)

// The schema is written by hand, because it is documentation: its sentences are what an editor shows. A test holds its
// keys against those that the rule reader knows.
//
//go:embed schema/rules.json
var rulesSchema string

func newSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of rule files, from which editors complete",
		Long: `Prints the JSON Schema (draft 7) of rule files. An editor with the YAML language server completes keys and shows what
they mean if a rule file begins with the line

  # yaml-language-server: $schema=kelpie-rules.json`,
		Example: "  kelpie schema > kelpie-rules.json",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			_, err := io.WriteString(c.OutOrStdout(), rulesSchema)
			return err
		},
	}
}
