package state

import "bytes"

// Named is one of several values that are kept by name.
type Named struct {
	Name  string
	Value []byte
}

// Note returns a value of the engine's own; nil if there is none.
func (s *Store) Note(name string) ([]byte, error) {
	return s.get(appendNamed(nil, kindNote, name), nil)
}

// Notes returns the values of the engine's own whose names begin with prefix, in order of the names.
func (s *Store) Notes(prefix string) ([]Named, error) { return s.named(kindNote, prefix) }

// Source returns where a source stands, in its own words; nil if it is new.
func (s *Store) Source(name string) ([]byte, error) {
	return s.get(appendNamed(nil, kindSource, name), nil)
}

// Sources returns where every source stands, by name.
func (s *Store) Sources() ([]Named, error) { return s.named(kindSource, "") }

// Rules returns the text of a rule version; nil if it is not known.
func (s *Store) Rules(fingerprint string) ([]byte, error) {
	return s.get(appendNamed(nil, kindRules, fingerprint), nil)
}

func (s *Store) named(kind byte, prefix string) (all []Named, err error) {
	err = s.scan(appendNamed(nil, kind, prefix), nil, func(k, v []byte) (bool, error) {
		all = append(all, Named{string(k[1:]), bytes.Clone(v)})
		return true, nil
	})
	return all, err
}
