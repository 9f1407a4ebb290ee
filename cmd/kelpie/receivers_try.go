package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"kelpie/alert"
	"kelpie/config"
)

func newReceiversTest() *cobra.Command {
	var name string
	var asJSON bool
	c := &cobra.Command{
		Use:   "test NAME",
		Short: "Send a receiver a message that is marked as a test, and say what came back",
		Long: `Sends the receiver a message that is marked as a test, in each way in which it is told, and says what came back.
NAME is a receiver, or one way of it: fraud/slack. Nothing is written to the state, and the service need not run.

The exit code is 1 if a message was not taken.`,
		Example: `  kelpie receivers test fraud
  kelpie receivers test fraud/slack -c kelpie.yml --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			cfg, err := config.Load(cmp.Or(name, configHere))
			if err != nil {
				return err
			}
			ways, err := waysTo(waysOf(cfg), args[0])
			if err != nil {
				return err
			}
			return tryWays(c.Context(), c.OutOrStdout(), ways, cfg.Alerts.Link, asJSON)
		},
	}
	c.Flags().StringVarP(&name, "config", "c", "", "the configuration `file`; without it kelpie.yml here")
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return c
}

// trial says what came back.
type trial struct {
	receiverWay
	OK         bool    `json:"ok"`
	Millis     float64 `json:"ms"`
	Error      string  `json:"error,omitempty"`
	Status     int     `json:"status,omitempty"`      // of HTTP
	Final      bool    `json:"final,omitempty"`       // another try would not help
	RetryAfter float64 `json:"retry_after,omitempty"` // seconds; the receiver asks for that
}

func tryWays(ctx context.Context, out io.Writer, ways []receiverWay, link string, asJSON bool) error {
	failed := false
	for _, w := range ways {
		r, err := try(ctx, w, link)
		if err != nil {
			return err
		}
		failed = failed || !r.OK
		if asJSON {
			err = json.NewEncoder(out).Encode(r)
		} else {
			_, err = fmt.Fprintln(out, r)
		}
		if err != nil {
			return err
		}
	}
	if failed {
		return errNo
	}
	return nil
}

// try sends the message in one way. An error is one of the settings, or the end of ctx.
func try(ctx context.Context, w receiverWay, link string) (trial, error) {
	n, err := w.kind.open(w.settings, notifierOptions())
	if err != nil {
		return trial{}, err
	}
	if c, ok := n.(io.Closer); ok {
		defer c.Close()
	}
	now := time.Now()
	note := alert.Example(alert.KindTest, w.Receiver, now.UnixMilli())
	note.Link = link
	_, err = n.NotifyGroup(ctx, note)
	if ctx.Err() != nil {
		return trial{}, ctx.Err()
	}
	r := trial{receiverWay: w, OK: err == nil, Millis: float64(time.Since(now).Microseconds()) / 1000}
	var failure *alert.DeliveryError
	if errors.As(err, &failure) {
		r.Status = failure.Code
	}
	if err != nil {
		r.Error, r.Final, r.RetryAfter = clean(err.Error(), 1000), alert.Permanent(err), alert.RetryAfter(err).Seconds()
	}
	return r, nil
}

// String says it for people.
func (r trial) String() string {
	name := r.Receiver + "/" + r.Kind + " (" + r.Where + "): "
	switch {
	case r.OK:
		return fmt.Sprintf("%sthe test was taken, in %.0f ms", name, r.Millis)
	case r.Final:
		return name + r.Error + "\n    another try would not help"
	case r.RetryAfter > 0:
		return name + r.Error + fmt.Sprintf("\n    it asks to be tried again after %.0f s", r.RetryAfter)
	}
	return name + r.Error + "\n    the service would try again"
}
