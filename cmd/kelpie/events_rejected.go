package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"kelpie/engine"
	"kelpie/state"
)

type rejectedOptions struct {
	data        dataFlags
	reason      string
	limit, last int
	text        bool
}

func newEventsRejected() *cobra.Command {
	var o rejectedOptions
	c := &cobra.Command{
		Use:   "rejected",
		Short: "List the events that were refused, with the reason and their bytes",
		Long: `Lists the events that were refused, oldest first, as JSON lines:

  {"position":"log@42","reason":"duplicate-key","offset":17,"detail":"…","raw":"…"}

offset is the byte at which the mistake was found; raw_base64 stands in place of raw where the event is not UTF-8. The
newest ones are kept, as many as the configuration says under rejected: (10,000, 64 MiB).

` + dataHelp,
		Example: `  kelpie events rejected --text
  kelpie events rejected -c kelpie.yml --last 10
  kelpie events rejected --reason in-future`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return listRejected(c, &o) },
	}
	f := c.Flags()
	o.data.add(f)
	o.data.addUnmask(f)
	f.StringVar(&o.reason, "reason", "", "only those that were refused for this `reason`")
	f.IntVar(&o.limit, "limit", 0, "at most so many, the first ones; 0 for all")
	f.IntVar(&o.last, "last", 0, "at most so many, the last ones; 0 for all")
	f.BoolVar(&o.text, "text", false, "print one line each for people")
	f.Bool("json", true, "print JSON lines, as is done without --text")
	c.MarkFlagsMutuallyExclusive("text", "json")
	c.MarkFlagsMutuallyExclusive("limit", "last")
	return c
}

func listRejected(c *cobra.Command, o *rejectedOptions) error {
	_, s, masks, err := o.data.openShown()
	if err != nil {
		return err
	}
	defer s.Close()
	out := newLineList(c.OutOrStdout(), o.limit, o.last)
	var line []byte
	err = s.Rejected(0, func(r state.Rejected) (bool, error) {
		if o.reason != "" && string(r.Reason) != o.reason {
			return true, nil
		}
		x := engine.Rejection{Position: r.Position, Reason: r.Reason, Offset: r.Offset, Detail: r.Detail, Raw: r.Raw}
		line = o.append(line[:0], x.Masked(masks))
		return out.add(line)
	})
	if e := out.close(); err == nil {
		err = e
	}
	if n := s.RejectedCounts(); err == nil && n.Total > uint64(n.Kept) {
		fmt.Fprintf(c.ErrOrStderr(), "kelpie: %s were refused, the last %s of them are kept\n", counted(int(n.Total), "event"), thousands(int64(n.Kept)))
	}
	return err
}

func (o *rejectedOptions) append(b []byte, r *engine.Rejection) []byte {
	if o.text {
		return fmt.Appendf(b, "%-12s  %-16s  byte %-6d  %s: %s\n", r.Position, r.Reason, r.Offset, clean(r.Detail, 200),
			clean(string(r.Raw[:min(len(r.Raw), 8*textWidth)]), textWidth))
	}
	return append(r.AppendJSON(b), '\n')
}
