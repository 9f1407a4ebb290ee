package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"kelpie/config"
	"kelpie/journal"
	"kelpie/mask"
	"kelpie/state"
)

// dataFlags say where the log and the state are that a command reads.
type dataFlags struct {
	config, data string
	unmask       bool
	configured   bool // load has read a configuration
}

// configHere is read if no flag says where the data is.
const configHere = "kelpie.yml"

const dataHelp = `The data folder is that of the configuration (-c), or --data DIR with log/ and state/ in it. If neither is given, it is
that of kelpie.yml here, or else the folder data. Nothing is changed, and a service that runs is not disturbed.`

func (d *dataFlags) add(f *pflag.FlagSet) {
	f.StringVarP(&d.config, "config", "c", "", "the configuration `file`, for where the data is and how events are read")
	f.StringVar(&d.data, "data", "", "the data `folder`, in place of the configuration's")
}

// addUnmask adds the flag to a command that shows what is in events.
func (d *dataFlags) addUnmask(f *pflag.FlagSet) {
	f.BoolVar(&d.unmask, "unmask", false, "show the personal fields that the configuration masks as they are")
}

// load returns the configuration that the flags ask for.
func (d *dataFlags) load() (*config.Config, error) {
	name := d.config
	if name == "" && d.data == "" {
		if _, err := os.Stat(configHere); err == nil {
			name = configHere
		}
	}
	c := config.Default(".")
	if name != "" {
		var err error
		if c, err = config.Load(name); err != nil {
			return nil, err
		}
		d.configured = true
	}
	if d.data != "" {
		c.Data = d.data
		c.Log.Dir, c.State.Dir = filepath.Join(d.data, "log"), filepath.Join(d.data, "state")
	}
	return c, nil
}

// masks returns what is not to be shown; nil: everything may be.
func (d *dataFlags) masks(c *config.Config) (*mask.Fields, error) {
	if d.unmask {
		return nil, nil
	}
	fields := c.Mask
	if fields == nil && d.configured {
		fields = config.Mask{} // none are declared
	}
	return mask.Read(c.Data, fields)
}

// openLog opens the log to be read.
func openLog(c *config.Config) (*journal.Log, error) {
	l, err := journal.Open(c.Log.Dir, journal.Options{ReadOnly: true})
	if err == nil && l.Stats().Segments == 0 {
		err = errors.Join(fmt.Errorf("journal: open %q: %w", c.Log.Dir, journal.ErrNone), l.Close())
	}
	if errors.Is(err, journal.ErrNone) || errors.Is(err, fs.ErrNotExist) {
		return nil, whereIsIt(err)
	}
	return l, err
}

// openState opens the state that the flags ask for to be read, and returns the configuration, too.
func (d *dataFlags) openState() (*config.Config, *state.Store, error) {
	c, err := d.load()
	if err != nil {
		return nil, nil, err
	}
	s, err := openState(c)
	return c, s, err
}

// openShown opens the state as openState does, and returns what of it is not to be shown, too.
func (d *dataFlags) openShown() (*config.Config, *state.Store, *mask.Fields, error) {
	c, s, err := d.openState()
	if err != nil {
		return nil, nil, nil, err
	}
	masks, err := d.masks(c)
	if err != nil {
		return nil, nil, nil, errors.Join(err, s.Close())
	}
	return c, s, masks, nil
}

// openState opens the state of a configuration to be read.
func openState(c *config.Config) (*state.Store, error) {
	s, err := state.OpenView(c.State.Dir, state.Options{Rejected: c.RejectBounds()})
	if errors.Is(err, state.ErrNone) {
		return nil, whereIsIt(err)
	}
	return s, err
}

// whereIsIt adds to an error what to do about it.
func whereIsIt(err error) error {
	return fmt.Errorf("%w\n    say which data folder is meant: --data DIR, or -c kelpie.yml", err)
}
