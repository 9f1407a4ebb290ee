package main

import (
	"bufio"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"kelpie/traffic"
)

type generateOptions struct {
	config       traffic.Config
	length, off  duration
	from         moment
	share        float64
	labels, file string
}

func newGenerate() *cobra.Command {
	o := generateOptions{from: moment(traffic.DefaultStart)}
	c := &cobra.Command{
		Use:   "generate",
		Short: "Write the events of a made-up shop, with attacks planted in them",
		Long: `Writes the events of a made-up web shop as JSON lines: orders, payments, credit limits, HTTP requests. The same
flags give the same bytes. Attacks are planted so that the founding rules find them and nothing else:

  burst    order-burst         a customer orders six times or more within ten minutes
  spike    volume-10x          a region orders fourteen times its usual volume within a minute
  overrun  over-credit-limit   a customer orders beyond the credit limit
  storm    error-rate          a service fails every third request for one to three minutes

--labels writes what was planted as CSV: kind,rule,key,from,to,events. An alert of the rule for the key that opened
from from to to has found it. For card payments and their frauds there is generate cards.`,
		Example: `  kelpie generate --events 100000 > shop.jsonl
  kelpie generate --for 6h --attacks 12 --labels labels.csv -o shop.jsonl.zst
  kelpie generate --seed 7 --customers 500 --rate 20 --for 1h --disorder 2s | kelpie features -r rules/ --events -`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return generate(c.Context(), c.OutOrStdout(), c.ErrOrStderr(), &o)
		},
	}
	c.AddCommand(newGenerateCards())
	f := c.Flags()
	f.Uint64Var(&o.config.Seed, "seed", 1, "another seed gives another stream")
	f.Int64Var(&o.config.Events, "events", 0, "how many events (default 10,000 if --for is not given)")
	f.Var(&o.length, "for", "how long the stream is, in event time")
	f.IntVar(&o.config.Customers, "customers", 10_000, "how many customers there are")
	f.Float64Var(&o.config.Rate, "rate", 50, "events a second, on average over a day")
	f.IntVar(&o.config.Attacks, "attacks", 0, "how many attacks are planted, about")
	f.Var(&o.off, "disorder", "how far events may come out of order, at most 20s")
	f.Float64Var(&o.share, "disorder-share", 0.05, "which share of the events comes out of order")
	f.Var(&o.from, "start", "the event time at which the stream begins")
	f.StringVar(&o.labels, "labels", "", "write what was planted to this CSV `file`")
	f.StringVarP(&o.file, "output", "o", "", "write to this `file` (.zst and .gz are compressed) in place of standard output")
	return c
}

// config puts the flags together.
func (o *generateOptions) traffic() traffic.Config {
	c := o.config
	c.Start, c.Duration = int64(o.from), int64(o.length)
	if c.Events == 0 && c.Duration == 0 {
		c.Events = 10_000
	}
	if o.off > 0 {
		c.Disorder = traffic.Disorder{Share: o.share, Bound: int64(o.off)}
	}
	return c
}

func generate(ctx context.Context, stdout, stderr io.Writer, o *generateOptions) error {
	g, err := traffic.New(o.traffic())
	if err != nil {
		return err
	}
	n, err := writeStream(ctx, g, stdout, o.file)
	if err != nil {
		return err
	}
	if o.file != "" {
		fmt.Fprintf(stderr, "%s, %s planted\n", streamText(g, n), counted(len(g.Labels()), "attack"))
	}
	return writeLabels(o.labels, func(w io.Writer) error { return traffic.WriteLabels(w, g.Labels()) })
}

// stream is what makes events up, one line after the other.
type stream interface {
	Next(dst []byte) (line []byte, ok bool)
	Written() int64
}

// writeStream writes a stream to its end, to a file or, if that has no name, to stdout, and returns how many bytes it
// has.
func writeStream(ctx context.Context, g stream, stdout io.Writer, file string) (n int64, err error) {
	write := func(w *bufio.Writer) (err error) {
		n, err = writeLines(ctx, g, w)
		return err
	}
	if file != "" {
		err = toFile(file, write)
		return n, err
	}
	w := bufio.NewWriterSize(stdout, outputBuffer)
	if err = write(w); err == nil {
		err = w.Flush()
	}
	return n, err
}

func writeLines(ctx context.Context, g stream, w *bufio.Writer) (n int64, err error) {
	var line []byte
	for ok := true; ; {
		if g.Written()%1024 == 0 && ctx.Err() != nil {
			return n, context.Cause(ctx)
		}
		if line, ok = g.Next(line[:0]); !ok {
			return n, nil
		}
		n += int64(len(line))
		if _, err := w.Write(line); err != nil {
			return n, err
		}
	}
}

// streamText says how much has been written.
func streamText(g stream, bytes int64) string {
	return fmt.Sprintf("%s events, %s", thousands(g.Written()), bytesText(bytes))
}

// writeLabels writes labels to a file, if it has a name.
func writeLabels(file string, write func(io.Writer) error) error {
	if file == "" {
		return nil
	}
	return toFile(file, func(w *bufio.Writer) error { return write(w) })
}

// toFile creates a file and writes it.
func toFile(name string, write func(*bufio.Writer) error) error {
	w, err := createOutput(name)
	if err != nil {
		return err
	}
	err = write(w.Writer)
	if e := w.Close(); err == nil {
		err = e
	}
	return err
}
