package event

import (
	"strings"
	"testing"
)

func TestSpecDefaults(t *testing.T) {
	want := Spec{Type: "type", Time: "time", ID: "id", MaxSize: 1 << 20}
	if got := (Spec{}).WithDefaults(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	want = Spec{Type: "type", Time: "data.at", ID: "id", Preset: "cloudevents", MaxSize: 100}
	if got := (Spec{Time: "data.at", Preset: "cloudevents", MaxSize: 100}).WithDefaults(); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestSpecErrors(t *testing.T) {
	f := func(s Spec, want string) {
		t.Helper()
		err := s.Validate()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%+v: got %v, want %q", s, err, want)
		}
	}
	f(Spec{}, "")
	f(Spec{Preset: "cloudevents", Time: `"@timestamp"`}, "")
	f(Spec{Preset: "avro"}, `no preset "avro"`)
	f(Spec{Time: "a..b"}, "time: path")
	f(Spec{Type: "a b"}, "type: path")
	f(Spec{ID: "["}, "id: path")
	f(Spec{MaxSize: -1}, "max_event_size: -1 bytes")
	f(Spec{MaxSize: 1 << 31}, "max_event_size")
}
