package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"kelpie/event"
	"kelpie/evidence"
	"kelpie/journal"
)

func newEvents() *cobra.Command {
	return group(&cobra.Command{
		Use:   "events",
		Short: "List what is in the log, and what was refused",
		Long: `Lists the events of the log as JSON lines:

  {"position":"log@42","appended":"…","source":"shop.jsonl:17","type":"OrderCreated","time":"…","id":"…","event":{…}}

A record that is no event has "refused" with the reason and "raw" (raw_base64 where it is not UTF-8) in place of event.
Records of topics of Kafka stand in their topics, and the log notes which were read, and when: they are read there again and
listed in that place, as orders/3@42. That needs the configuration and the brokers; what a topic does not have any more, or
nobody answers for, is said, and the exit code is 1.

--raw prints the lines as they came and nothing else, so that they can be read again; --text is for people. Personal
fields (mask: of the configuration) are masked in each of them, unless --unmask is given.

` + dataHelp,
		Example: `  kelpie events list --last 10 --text
  kelpie events after log@1200 --type OrderCreated --key customer_id=c17
  kelpie events between 2026-01-05T10:00:00Z 2026-01-05T10:10:00Z --raw > ten-minutes.jsonl
  kelpie events rejected`,
	}, newEventsList(), newEventsAfter(), newEventsBetween(), newEventsRejected())
}

// eventsOptions are what the listings of the log have in common.
type eventsOptions struct {
	data        dataFlags
	types, keys []string
	limit, last int
	form        eventForm
	own         bool
}

func (o *eventsOptions) add(c *cobra.Command) {
	f := c.Flags()
	o.data.add(f)
	o.data.addUnmask(f)
	f.StringArrayVar(&o.types, "type", nil, "only events of this `type`; may be given several times")
	f.StringArrayVar(&o.keys, "key", nil, "only events with this `FIELD=VALUE`; may be given several times, then all must hold")
	f.IntVar(&o.limit, "limit", 0, "at most so many, the first ones; 0 for all")
	f.IntVar(&o.last, "last", 0, "at most so many, the last ones; 0 for all")
	f.BoolVar(&o.form.raw, "raw", false, "print the lines as they came")
	f.BoolVar(&o.form.text, "text", false, "print one line each for people")
	f.Bool("json", true, "print JSON lines, as is done without --raw and --text")
	f.BoolVar(&o.own, "own", false, "also list kelpie's own records, such as TimeAdvanced")
	c.MarkFlagsMutuallyExclusive("raw", "text", "json")
	c.MarkFlagsMutuallyExclusive("limit", "last")
}

func newEventsList() *cobra.Command {
	var o eventsOptions
	c := &cobra.Command{
		Use:   "list",
		Short: "List the events of the log, oldest first",
		Long:  "Lists the events of the log in the order in which they were appended.\n\n" + dataHelp,
		Example: `  kelpie events list --limit 100
  kelpie events list -c kelpie.yml --last 20 --text
  kelpie events list --type OrderCreated --key customer_id=c17 --key region=eu-west-1
  kelpie events list --raw | kelpie features -r rules/ --events -`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c, o.list) },
	}
	o.add(c)
	return c
}

// list lists from the beginning; if only the last ones are wanted, from further and further back until there are enough.
func (o *eventsOptions) list(l *journal.Log, scan scanFunc) error {
	first, next := l.FirstOffset(), l.NextOffset()
	for back := int64(o.last); ; back *= 8 {
		from := first
		if o.last > 0 {
			from = max(first, next-back)
		}
		enough, err := scan(l.NewReader(from), nil)
		if enough || from == first || err != nil && !errors.Is(err, errNo) {
			return err
		}
	}
}

func newEventsAfter() *cobra.Command {
	var o eventsOptions
	c := &cobra.Command{
		Use:   "after POSITION",
		Short: "List the events behind a position",
		Long: `Lists the events behind a position, such as log@42 or orders/3@42, in the order in which they were appended, or read. The
position may be that of the last event that was listed before: so a program reads on.

` + dataHelp,
		Example: `  kelpie events after log@42
  kelpie events after 42 --limit 10 --text
  kelpie events after orders/3@42`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			at, err := evidence.ParsePosition(args[0])
			if err != nil {
				return err
			}
			return o.run(c, func(l *journal.Log, scan scanFunc) error {
				from, behind, err := evidence.Behind(c.Context(), l, at)
				if err != nil {
					return err
				}
				_, err = scan(l.NewReader(from), behind)
				return err
			})
		},
	}
	o.add(c)
	return c
}

func newEventsBetween() *cobra.Command {
	var o eventsOptions
	c := &cobra.Command{
		Use:   "between FROM TO",
		Short: "List the events whose time lies between two times",
		Long: `Lists the events whose own time is FROM or later and before TO, in the order in which they were appended, or read from
their topics. Only those parts of the log and of the topics are read that may hold such events.

` + dataHelp,
		Example: `  kelpie events between 2026-01-05T10:00:00Z 2026-01-05T10:10:00Z
  kelpie events between 2026-01-05T10:00:00+01:00 2026-01-05T11:00:00+01:00 --key customer_id=c17 --text`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			from, to, err := parseSpan(args[0], args[1])
			if err != nil {
				return err
			}
			within := func(e *evidence.Event) bool {
				return e.Decoded != nil && e.Decoded.Time >= from && e.Decoded.Time < to
			}
			return o.run(c, func(l *journal.Log, scan scanFunc) error {
				_, err := scan(l.Between(from, to-1), within)
				return err
			})
		},
	}
	o.add(c)
	c.Flags().Lookup("own").Hidden = true
	return c
}

func parseSpan(from, to string) (ms, end int64, err error) {
	var f, t moment
	if err := f.Set(from); err != nil {
		return 0, 0, fmt.Errorf("FROM: %q: %w", from, err)
	}
	if err := t.Set(to); err != nil {
		return 0, 0, fmt.Errorf("TO: %q: %w", to, err)
	}
	if t < f {
		return 0, 0, fmt.Errorf("TO (%s) lies before FROM (%s)", event.FormatTime(int64(t)), event.FormatTime(int64(f)))
	}
	return int64(f), int64(t), nil
}

// scanFunc lists what a reader yields, as far as keep (nil: all) and the flags let it through, in place of what has been
// listed before. enough says that there are as many as are wanted.
type scanFunc func(r *journal.Reader, keep func(*evidence.Event) bool) (enough bool, err error)

// run opens the log, lets list choose what of it is listed, and prints that.
func (o *eventsOptions) run(c *cobra.Command, list func(*journal.Log, scanFunc) error) error {
	cfg, err := o.data.load()
	if err != nil {
		return err
	}
	filter, err := o.filter()
	if err != nil {
		return err
	}
	if o.form.masks, err = o.data.masks(cfg); err != nil {
		return err
	}
	l, err := openLog(cfg)
	if err != nil {
		return err
	}
	defer l.Close()
	var out *eventList
	var warned bytes.Buffer
	err = list(l, func(r *journal.Reader, keep func(*evidence.Event) bool) (enough bool, err error) {
		defer r.Close()
		out = newEventList(c.OutOrStdout(), o.form, o.limit, o.last)
		warned.Reset()
		scan, err := evidence.NewScan(r, evidence.ScanOptions{Event: cfg.Event.Spec, Paths: filter.paths, Records: readAgain(cfg), Missing: tellOf(&warned)})
		if err != nil {
			return false, err
		}
		defer func() { err = errors.Join(err, scan.Close()) }()
		err = asNo(scan.Each(c.Context(), func(e *evidence.Event) (bool, error) {
			if !filter.takes(e) || keep != nil && !keep(e) {
				return true, nil
			}
			return out.add(e)
		}))
		return o.last > 0 && out.added >= o.last, err
	})
	if out != nil {
		if e := out.close(); err == nil {
			err = e
		}
	}
	c.ErrOrStderr().Write(warned.Bytes())
	return err
}

// tellOf returns what tells somebody of what cannot be read.
func tellOf(w io.Writer) func(error) {
	return func(d error) { fmt.Fprintf(w, "kelpie: %v\n", d) }
}

// asNo makes the answer no of what could not be read whole.
func asNo(err error) error {
	if errors.Is(err, evidence.ErrPartial) {
		return errNo
	}
	return err
}

// eventFilter is what --type, --key and --own let through.
type eventFilter struct {
	types  []string
	paths  []event.Path // the first fields of a decoded event
	values []string     // their values, as keys
	own    bool
}

func (o *eventsOptions) filter() (*eventFilter, error) {
	f := &eventFilter{types: o.types, own: o.own}
	for _, k := range o.keys {
		field, value, ok := strings.Cut(k, "=")
		path, err := event.ParsePath(field)
		if !ok || err != nil {
			return nil, fmt.Errorf("--key %q: write FIELD=VALUE, such as customer_id=c17", k)
		}
		f.paths, f.values = append(f.paths, path), append(f.values, value)
	}
	return f, nil
}

func (f *eventFilter) takes(e *evidence.Event) bool {
	if e.Kind != journal.Event && e.Kind != journal.Cut {
		return f.own && len(f.types)+len(f.paths) == 0
	}
	if e.Decoded == nil {
		return len(f.types)+len(f.paths) == 0
	}
	for i, want := range f.values {
		if got, ok := event.AppendKey(nil, e.Decoded.Value(i)); !ok || string(got) != want {
			return false
		}
	}
	return len(f.types) == 0 || slices.Contains(f.types, e.Decoded.TypeText())
}

// eventList prints what is listed.
type eventList struct {
	*lineList
	form eventForm
	line []byte
}

func newEventList(w io.Writer, form eventForm, limit, last int) *eventList {
	return &eventList{lineList: newLineList(w, limit, last), form: form}
}

// add prints one record; more is false when no further one is wanted.
func (l *eventList) add(e *evidence.Event) (more bool, err error) {
	l.line = l.form.append(l.line[:0], e)
	return l.lineList.add(l.line)
}
