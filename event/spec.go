package event

import "fmt"

// Spec is the part `event:` of the configuration: which fields hold the type, the time and the id.
// The zero Spec is the default.
type Spec struct {
	Type    string `yaml:"type"`                        // path, default "type"
	Time    string `yaml:"time"`                        // path, default "time"
	ID      string `yaml:"id"`                          // path, default "id"
	Preset  string `yaml:"preset"`                      // "" or "cloudevents"
	MaxSize int    `yaml:"max_event_size" unit:"bytes"` // bytes, default 1 MiB
}

const (
	defaultMaxSize = 1 << 20
	largestMaxSize = 1 << 30 // a Field's offsets are 32 bits
)

// presets are ready-made settings; what a Spec sets itself goes before them.
// The fields of a CloudEvent's payload are read as data.x.
var presets = map[string]Spec{
	"":            {Type: "type", Time: "time", ID: "id"},
	"cloudevents": {Type: "type", Time: "time", ID: "id"},
}

// WithDefaults returns s with what it leaves out filled in, by its preset first.
func (s Spec) WithDefaults() Spec {
	preset := presets[s.Preset]
	if s.Type == "" {
		s.Type = preset.Type
	}
	if s.Time == "" {
		s.Time = preset.Time
	}
	if s.ID == "" {
		s.ID = preset.ID
	}
	if s.MaxSize == 0 {
		s.MaxSize = defaultMaxSize
	}
	return s
}

// Validate says what is wrong with s, as an error that names the setting, or nil.
func (s Spec) Validate() error {
	_, err := s.envelope()
	return err
}

// envelope is a Spec that has been checked.
type envelope struct {
	typ, time, id Path
	maxSize       int
}

func (s Spec) envelope() (envelope, error) {
	if _, ok := presets[s.Preset]; !ok {
		return envelope{}, fmt.Errorf("preset: no preset %q (there is \"cloudevents\")", s.Preset)
	}
	s = s.WithDefaults()
	if s.MaxSize < 2 || s.MaxSize > largestMaxSize {
		return envelope{}, fmt.Errorf("max_event_size: %d bytes: must be from 2 to %d", s.MaxSize, largestMaxSize)
	}
	e := envelope{maxSize: s.MaxSize}
	for _, f := range []struct {
		name, text string
		to         *Path
	}{{"type", s.Type, &e.typ}, {"time", s.Time, &e.time}, {"id", s.ID, &e.id}} {
		p, err := ParsePath(f.text)
		if err != nil {
			return envelope{}, fmt.Errorf("%s: %w", f.name, err)
		}
		*f.to = p
	}
	return e, nil
}
