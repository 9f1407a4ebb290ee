package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"kelpie/rules"
)

type fmtOptions struct{ write, diff, list bool }

func newFmt() *cobra.Command {
	var o fmtOptions
	c := &cobra.Command{
		Use:   "fmt [flags] FILE|FOLDER|-...",
		Short: "Write rule files in their canonical form",
		Long: `Writes rule files in their canonical form: keys in one order, facts in their short form, values aligned, strings
quoted only where they must be. Comments stay with what they stand beside, and the meaning never changes.

Without flags the result goes to standard output. With -l or -d the exit code is 1 if some file is not in that form.`,
		Example: `  kelpie fmt rules/orders.yml
  kelpie fmt -w rules/
  kelpie fmt -d rules/            # in CI: shows what would change, and fails
  kelpie fmt - < orders.yml`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return formatAll(c.InOrStdin(), c.OutOrStdout(), args, &o)
		},
	}
	f := c.Flags()
	f.BoolVarP(&o.write, "write", "w", false, "write the result to the file in place of standard output")
	f.BoolVarP(&o.diff, "diff", "d", false, "show the differences")
	f.BoolVarP(&o.list, "list", "l", false, "list the files whose form differs")
	return c
}

// formatAll formats each file. Those that cannot be read are all told; the others are formatted.
func formatAll(in io.Reader, out io.Writer, args []string, o *fmtOptions) error {
	var wrong rules.Errors
	changed := false
	for _, arg := range args {
		files := []string{arg}
		if arg != "-" {
			var err error
			if files, err = rules.Files([]string{arg}); err != nil {
				return err
			}
			files = slices.DeleteFunc(files, func(name string) bool { return name != arg && isConfig(name) })
		}
		for _, name := range files {
			differs, err := o.format(in, out, name)
			var es rules.Errors
			switch {
			case errors.As(err, &es):
				wrong = append(wrong, es...)
			case err != nil:
				return err
			}
			changed = changed || differs
		}
	}
	switch {
	case len(wrong) > 0:
		return wrong
	case changed && (o.diff || o.list) && !o.write:
		return errNo
	}
	return nil
}

// format formats one file, "-" for in, and reports whether its form differed.
func (o *fmtOptions) format(in io.Reader, out io.Writer, name string) (differs bool, err error) {
	var src []byte
	shown := name
	if name == "-" {
		src, err = io.ReadAll(in)
		shown = "standard input"
	} else {
		src, err = os.ReadFile(name)
	}
	if err != nil {
		return false, err
	}
	res, err := rules.Format(src)
	if err != nil {
		return false, named(err, shown)
	}
	differs = !bytes.Equal(src, res)
	if o.list && differs {
		fmt.Fprintln(out, shown)
	}
	if o.diff && differs {
		if _, err := out.Write(diff.Diff(shown, src, "formatted", res)); err != nil {
			return differs, err
		}
	}
	switch {
	case o.write && name != "-":
		if !differs {
			return false, nil
		}
		return true, replaceFile(name, res)
	case o.list || o.diff:
		return differs, nil
	}
	_, err = out.Write(res)
	return differs, err
}

// named puts the file's name into the mistakes.
func named(err error, name string) error {
	var es rules.Errors
	if errors.As(err, &es) {
		for _, e := range es {
			if e.At.File == "" {
				e.At.File = name
			}
		}
	}
	return err
}

// replaceFile writes a file anew in one step, so that a crash leaves the old one or the new one.
func replaceFile(name string, content []byte) error {
	name, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	st, err := os.Stat(name)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if e := f.Chmod(st.Mode().Perm()); err == nil {
		err = e
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
