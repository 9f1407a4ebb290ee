package docs

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"kelpie/config"
)

// TestReceivers wants the receivers in docs/receivers.md to be right, and every setting of each kind to be in its section.
func TestReceivers(t *testing.T) {
	const file = "docs/receivers.md"
	dir := t.TempDir()
	secrets := map[string]string{
		"HOOK_URL": "https://hook.example/1", "HOOK_AUTHORIZATION": "Bearer 1", "SLACK_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "1",
		"KAFKA_PASSWORD": "1", "PAGERDUTY_KEY": strings.Repeat("0", 32), "MAIL_PASSWORD": "1",
	}
	for name, value := range secrets {
		t.Setenv(name, value)
	}
	for _, name := range []string{"hook.secret", "hook.secret.old"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("whsec_"+strings.Repeat("a2V5", 8)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	shown := 0
	for _, f := range fences(t, file) {
		if f.kind != "yaml receiver" {
			continue
		}
		shown++
		text := "alerts:\n  receivers:\n    - name: example\n      " + strings.ReplaceAll(f.text, "\n", "\n      ")
		if _, wrong := config.Parse(filepath.Join(dir, "kelpie.yml"), []byte(text)); len(wrong) > 0 {
			t.Errorf("%s:%d: %v", f.file, f.line, wrong)
		}
	}
	page := read(t, file)
	kinds := 0
	for i := range reflect.TypeFor[config.Receiver]().NumField() {
		f := reflect.TypeFor[config.Receiver]().Field(i)
		if f.Type.Kind() != reflect.Pointer || f.Type.Elem().Kind() != reflect.Struct {
			continue
		}
		kinds++
		name := f.Tag.Get("yaml")
		_, section, ok := strings.Cut(page, "\n## "+name+"\n")
		if !ok {
			t.Errorf("%s has no section %s", file, name)
		}
		section, _, _ = strings.Cut(section, "\n## ")
		common, _, _ := strings.Cut(page, "\n## ")
		for _, setting := range settingsOf(f.Type.Elem(), nil) {
			if text := section + common; !strings.Contains(text, setting+"`") && !strings.Contains(text, "`"+setting+".") {
				t.Errorf("%s: the setting %s of %s is not explained", file, setting, name)
			}
		}
	}
	if kinds < 5 || shown < kinds {
		t.Errorf("%d examples of %d kinds", shown, kinds)
	}
}
