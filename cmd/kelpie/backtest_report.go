package main

import (
	"bytes"
	"os"

	"github.com/spf13/pflag"

	"kelpie/backtest"
	"kelpie/backtest/report"
)

// backtestReports are the files that a backtest writes beside what it prints.
type backtestReports struct{ files []string }

func (o *backtestReports) addFlags(f *pflag.FlagSet) {
	f.StringArrayVar(&o.files, "report", nil, "write a report into this `file` too: .html, one file to open in a browser; .md, for a comment; .txt; may be given several times")
}

// check finds what is wrong with the files before the work begins.
func (o *backtestReports) check() error {
	for _, name := range o.files {
		if _, err := report.FormOf(name); err != nil {
			return err
		}
	}
	return nil
}

func (o *backtestReports) write(res *backtest.Result) error {
	for _, name := range o.files {
		form, err := report.FormOf(name)
		if err != nil {
			return err
		}
		var b bytes.Buffer
		if err := report.Write(&b, form, res); err != nil {
			return err
		}
		if err := os.WriteFile(name, b.Bytes(), 0o666); err != nil {
			return err
		}
	}
	return nil
}
