package state

// SetSilence sets a silence, which is the business of package alert, under its id.
func (b *Batch) SetSilence(id string, value []byte) {
	b.setMeta(kindSilence, id, value)
	b.silences = true
}

// DeleteSilence deletes a silence.
func (b *Batch) DeleteSilence(id string) {
	b.deleteNamed(kindSilence, id)
	b.silences = true
}

// Silence returns a silence; nil if there is none with this id.
func (s *Store) Silence(id string) ([]byte, error) {
	return s.get(appendNamed(nil, kindSilence, id), nil)
}

// Silences returns all silences, by id.
func (s *Store) Silences() ([]Named, error) { return s.named(kindSilence, "") }

// SilencesVersion returns a number that is another one after every commit that changed silences. OutboxReady tells of
// those, too.
func (s *Store) SilencesVersion() uint64 { return s.silenced.Load() }
