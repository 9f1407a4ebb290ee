// Kelpie is the stream's watchdog: it reads events, keeps windows of what each key has been doing, evaluates rules and
// tells the people on call.
//
// Each subcommand stands in a file of its own. Exit codes: 0 done, 1 the answer is no (a rule test failed, a log does
// not verify), 2 the call or a file is wrong, 130 interrupted.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"kelpie/rules"
)

// The exit codes.
const (
	exitDone        = 0
	exitNo          = 1
	exitWrong       = 2
	exitInterrupted = 130
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second interrupt ends the program at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// errNo is the answer no, errReported a mistake in the call or a file: what there is to say has been said.
var (
	errNo       = errors.New("no")
	errReported = errors.New("reported")
)

// run runs the command line and returns the exit code.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) (code int) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(errOut, "kelpie: this is a bug in kelpie, please report it: %v\n\n%s", r, debug.Stack())
			code = exitWrong
		}
	}()
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.ExecuteContext(ctx)
	var wrong rules.Errors
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errNo):
		return exitNo
	case errors.Is(err, errReported):
		return exitWrong
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(errOut, "kelpie: interrupted")
		return exitInterrupted
	case errors.As(err, &wrong): // each says where it is
		fmt.Fprintln(errOut, wrong)
		return exitWrong
	}
	fmt.Fprintf(errOut, "kelpie: %v\n", err)
	return exitWrong
}

// The groups of subcommands in the help.
const (
	groupService = "service"
	groupRules   = "rules"
	groupEvents  = "events"
	groupOther   = "other"
)

func newRoot() *cobra.Command {
	c := &cobra.Command{
		Use:   "kelpie",
		Short: "The stream's watchdog: exact windows, YAML rules, durable state",
		Long: `Kelpie is the stream's watchdog. It reads events, keeps exact windows of what each key has been doing,
evaluates rules written in YAML, and tells the people on call.`,
		Example: `  kelpie demo --for 20s
  kelpie generate --for 1h --attacks 5 -o shop.jsonl.zst
  kelpie check rules/
  kelpie test rules/
  kelpie features -r rules/ --events shop.jsonl.zst`,
		SilenceUsage:               true,
		SilenceErrors:              true,
		SuggestionsMinimumDistance: 2,
		CompletionOptions:          cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	c.SetFlagErrorFunc(flagError)
	c.AddGroup(&cobra.Group{ID: groupService, Title: "Service:"}, &cobra.Group{ID: groupRules, Title: "Rules:"},
		&cobra.Group{ID: groupEvents, Title: "Events:"}, &cobra.Group{ID: groupOther, Title: "Other:"})
	c.SetHelpCommandGroupID(groupOther)
	add := func(group string, commands ...*cobra.Command) {
		for _, sub := range commands {
			sub.GroupID = group
			c.AddCommand(sub)
		}
	}
	add(groupService, newRun(), newDemo(), newAlerts(), newSilence(), newStatus(), newReceivers(), newTables(), newLog())
	add(groupRules, newCheck(), newTest(), newRules(), newBacktest(), newFeatures(), newFmt(), newSchema())
	add(groupEvents, newEvents(), newGenerate(), newInfer())
	add(groupOther, newVersion(), newCompletion())
	return c
}
