package docs

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"kelpie/config"
)

// TestConfiguration wants the configuration in docs/operations.md to be the defaults, and to name every setting.
func TestConfiguration(t *testing.T) {
	shown := 0
	for _, f := range fences(t, "docs/operations.md") {
		if f.kind != "yaml config" {
			continue
		}
		shown++
		got, wrong := config.Parse("kelpie.yml", []byte(f.text))
		if len(wrong) > 0 {
			t.Fatalf("%s:%d: %v", f.file, f.line, wrong)
		}
		if want := config.Default("."); !reflect.DeepEqual(got, want) {
			t.Errorf("%s:%d: these are not the defaults:\ngot  %+v\nwant %+v", f.file, f.line, got, want)
		}
		for _, name := range settingsOf(reflect.TypeFor[config.Config](), nil) {
			if !strings.Contains(f.text, name+":") {
				t.Errorf("%s:%d: the setting %s is not shown", f.file, f.line, name)
			}
		}
	}
	if shown != 1 {
		t.Errorf("%d configurations are shown, expected one", shown)
	}
}

// settingsOf returns the names of all settings of a struct, whatever they are in. What is behind a pointer, the settings
// of a notifier, has a page of its own.
func settingsOf(typ reflect.Type, in []reflect.Type) (names []string) {
	for typ.Kind() == reflect.Slice {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || slices.Contains(in, typ) {
		return nil
	}
	in = append(in, typ)
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if name != "" {
			names = append(names, name)
		}
		if name != "" || f.Anonymous {
			names = append(names, settingsOf(f.Type, in)...)
		}
	}
	return names
}
