package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"kelpie/traffic/cards"
)

type cardsOptions struct {
	config       cards.Config
	confirm      duration
	from         moment
	labels, file string
}

func newGenerateCards() *cobra.Command {
	o := cardsOptions{from: moment(cards.DefaultStart), confirm: duration(7 * 24 * 60 * 60 * 1000)}
	c := &cobra.Command{
		Use:   "cards",
		Short: "Write made-up card payments, with frauds that are confirmed days later",
		Long: `Writes card payments (PaymentAuthorized) as JSON lines, in order of time, after the scheme of the Fraud Detection
Handbook. The same flags give the same bytes. Frauds are planted in three scenarios, and each is confirmed some days
later by an event of its own (FraudConfirmed):

  1  a payment of more than 220
  2  a terminal turns bad: each payment at it for 28 days
  3  a card is stolen: one in three payments for 14 days, at five times the amount

--labels writes the frauds as CSV: id,fraud,scenario,known. Payments that are not listed are genuine.`,
		Example: `  kelpie generate cards -o history.jsonl.zst --labels labels.csv
  kelpie generate cards --days 30 --customers 5000 --terminals 10000 --seed 7 > history.jsonl`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return generateCards(c.Context(), c.OutOrStdout(), c.ErrOrStderr(), &o)
		},
	}
	f := c.Flags()
	f.Uint64Var(&o.config.Seed, "seed", 1, "another seed gives another stream")
	f.IntVar(&o.config.Days, "days", 91, "how many days the stream has")
	f.IntVar(&o.config.Customers, "customers", 1000, "how many customers there are, of about two payments a day")
	f.IntVar(&o.config.Terminals, "terminals", 2000, "at how many terminals they pay")
	f.Var(&o.confirm, "confirm-after", "how long after a fraud it is confirmed")
	f.Var(&o.from, "start", "the day at which the stream begins")
	f.StringVar(&o.labels, "labels", "", "write the frauds to this CSV `file`")
	f.StringVarP(&o.file, "output", "o", "", "write to this `file` (.zst and .gz are compressed) in place of standard output")
	return c
}

func generateCards(ctx context.Context, stdout, stderr io.Writer, o *cardsOptions) error {
	o.config.Start, o.config.ConfirmAfter = int64(o.from), int64(o.confirm)
	g, err := cards.New(o.config)
	if err != nil {
		return err
	}
	n, err := writeStream(ctx, g, stdout, o.file)
	if err != nil {
		return err
	}
	if o.file != "" {
		fmt.Fprintf(stderr, "%s, %s\n", streamText(g, n), counted(len(g.Frauds()), "fraud"))
	}
	return writeLabels(o.labels, func(w io.Writer) error { return cards.WriteLabels(w, g.Frauds()) })
}
