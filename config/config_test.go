package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"

	"kelpie/engine"
	"kelpie/event"
	"kelpie/rules"
	"kelpie/secret"
)

// TestTranscripts runs testdata: "parse" prints what a file says, or what is wrong with it; "defaults" what is said
// by nothing.
func TestTranscripts(t *testing.T) {
	datadriven.Walk(t, "testdata/transcripts", func(t *testing.T, path string) {
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "parse":
				c, wrong := Parse("etc/kelpie.yml", []byte(d.Input))
				if len(wrong) > 0 {
					return wrong.Error() + "\n"
				}
				return changes(reflect.ValueOf(*c), reflect.ValueOf(*Default("etc")), "")
			case "defaults":
				return changes(reflect.ValueOf(*Default("etc")), reflect.ValueOf(Config{}), "")
			}
			t.Fatalf("unknown command %q", d.Cmd)
			return ""
		})
	})
}

// changes prints the settings of c that differ from those of base, one a line.
func changes(c, base reflect.Value, path string) string {
	if c.Kind() != reflect.Struct {
		if reflect.DeepEqual(c.Interface(), base.Interface()) {
			return ""
		}
		return fmt.Sprintf("%s = %s\n", strings.TrimPrefix(path, "."), show(c))
	}
	var b strings.Builder
	for i := range c.NumField() {
		name := "." + c.Type().Field(i).Name
		if c.Type().Field(i).Anonymous {
			name = ""
		}
		b.WriteString(changes(c.Field(i), base.Field(i), path+name))
	}
	return b.String()
}

func show(v reflect.Value) string {
	if d, ok := v.Interface().(time.Duration); ok {
		return rules.FormatDuration(d.Milliseconds())
	}
	b, err := json.Marshal(v.Interface())
	if err != nil {
		return err.Error()
	}
	return filepath.ToSlash(strings.ReplaceAll(unset.ReplaceAllString(string(b), ""), "{,", "{"))
}

// unset is what is not set of a receiver or a route.
var unset = regexp.MustCompile(`,?"[A-Za-z]+":(null|"")`)

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "kelpie.yml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Load(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("loading what is not there: %v", err)
	}
	write("data: d\nsources: [{files: [in.jsonl, /var/in.jsonl]}]\ntime: {order: time, disorder: 5s}\nevent: {fields: {amount: number}}\n")
	c, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if c.State.Dir != filepath.Join(dir, "d", "state") || c.Sources[0].Files[0] != filepath.Join(dir, "in.jsonl") || c.Sources[0].Files[1] != "/var/in.jsonl" {
		t.Errorf("paths are %q, %q", c.State.Dir, c.Sources[0].Files)
	}
	if got, want := c.TimeSpec(), (engine.TimeSpec{ByTime: true, Disorder: 5000, Idle: 30_000, Future: 300_000}); got != want {
		t.Errorf("TimeSpec = %+v, want %+v", got, want)
	}
	want := rules.Options{Types: map[string]rules.Type{"amount": rules.NumberType}, Order: "time", Event: event.Spec{}.WithDefaults()}
	if got := c.RuleOptions(); !reflect.DeepEqual(got, want) {
		t.Errorf("RuleOptions = %+v, want %+v", got, want)
	}
	if b := c.RejectBounds(); b.Events != 10_000 || b.Bytes != 64<<20 {
		t.Errorf("RejectBounds = %+v", b)
	}
	write("dta: d\n")
	var wrong rules.Errors
	if _, err := Load(path); !errors.As(err, &wrong) || wrong[0].At.Line != 1 || wrong[0].At.File != path {
		t.Errorf("loading a wrong file: %v", err)
	}
}

// TestPlaces wants names for places in files that do not depend on where the configuration is.
func TestPlaces(t *testing.T) {
	f := func(sources string, want ...string) {
		t.Helper()
		c, wrong := Parse(filepath.Join("some", "where", "kelpie.yml"), []byte("sources: ["+sources+"]\n"))
		if len(wrong) > 0 {
			t.Fatal(wrong)
		}
		var got []string
		for _, s := range c.Sources {
			got = append(got, s.Places...)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", sources, got, want)
		}
	}
	f("{files: in.jsonl}", "in.jsonl")
	f("{files: [./a.jsonl, ../b/a.jsonl]}, {stdin: true}", "a.jsonl", "../b/a.jsonl")
	f("{name: shop, files: logs/a.jsonl}", "shop:a.jsonl")
	f("{name: shop, files: [x/a.jsonl, y/a.jsonl, y/b.jsonl]}", "shop:x/a.jsonl", "shop:y/a.jsonl", "shop:b.jsonl")

	_, wrong := Parse("kelpie.yml", []byte("sources: [{files: [a.jsonl, b.jsonl]}, {files: ./a.jsonl}]\n"))
	if len(wrong) != 1 || !strings.Contains(wrong[0].Error(), "./a.jsonl is read twice") {
		t.Errorf("one file in two sources: %v", wrong)
	}
}

// TestSameTopics wants no topic to be read by two sources, whatever their clusters are.
func TestSameTopics(t *testing.T) {
	f := func(first, second, want string) {
		t.Helper()
		text := "sources: [{name: a, kafka: {brokers: [\"k1:9092\"], topics: " + first + "}}, {name: b, kafka: {brokers: [\"k2:9092\"], topics: " + second + "}}]\n"
		_, wrong := Parse("kelpie.yml", []byte(text))
		if want == "" && len(wrong) == 0 {
			return
		}
		if len(wrong) != 1 || want == "" || !strings.Contains(wrong[0].Error(), ": the source a reads "+want+" already: ") {
			t.Errorf("%s and %s: %v", first, second, wrong)
		}
	}
	f("[orders]", "[payments]", "")
	f("[orders, visits]", "[payments, visits]", "visits")
	f("[/order.*/]", "[payments, orders]", "orders")
	f("[orders]", "[/order.*/]", "orders")
	f("[/order.*/]", "[/order.*/]", "/order.*/")
	f("[/order.*/]", "[/pay.*/]", "")
}

func TestLogger(t *testing.T) {
	var b bytes.Buffer
	l := Logging{Level: "warn", Format: "json"}.Logger(&b)
	l.Info("quiet")
	l.Warn("loud", "n", 1)
	if got := b.String(); !strings.Contains(got, `"msg":"loud","n":1`) || strings.Contains(got, "quiet") {
		t.Errorf("logged %s", got)
	}
	b.Reset()
	slog.New(Logging{Level: "info", Format: "text"}.Logger(&b).Handler()).Info("words")
	if !strings.Contains(b.String(), "msg=words") {
		t.Errorf("logged %s", b.String())
	}
}

func TestParseSize(t *testing.T) {
	f := func(text string, want int64, wrong string) {
		t.Helper()
		got, err := ParseSize(text)
		if got != want || (err == nil) != (wrong == "") || err != nil && !strings.Contains(err.Error(), wrong) {
			t.Errorf("ParseSize(%q) = %d, %v, want %d, %q", text, got, err, want, wrong)
		}
	}
	f("512MiB", 512<<20, "")
	f("1B", 1, "")
	f("10GB", 10e9, "")
	f("0", 0, "")
	f("8388607TiB", 8388607<<40, "")
	f("8388608TiB", 0, "too large")
	f("512", 0, "write 512MiB")
	f("512mib", 0, "no unit of size")
	f("1.5GiB", 0, "no unit of size")
	f("-1B", 0, "no size")
	f("", 0, "no size")
	f("99999999999999999999B", 0, "no size")
}

func TestSecrets(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"token": "s3cret\n", "empty": "\n", "large": strings.Repeat("x", 64<<10+1)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("KELPIE_TEST_TOKEN", "from env")
	f := func(written, want, wrong string) {
		t.Helper()
		var v struct {
			Token secret.Value `yaml:"token"`
			Plain string       `yaml:"plain"`
		}
		d := newDecoder(filepath.Join(dir, "kelpie.yml"), "token: '"+written+"'\n")
		d.document(&v)
		if got := v.Token.Reveal(); got != want {
			t.Errorf("%q is read as %q, want %q", written, got, want)
		}
		if got := d.errs.Error(); (got == "") != (wrong == "") || !strings.Contains(got, wrong) || strings.Contains(got, "hush") {
			t.Errorf("%q: %s, want %q", written, got, wrong)
		}
	}
	f("plain", "plain", "")
	f("${env:KELPIE_TEST_TOKEN}", "from env", "")
	f("${file:token}", "s3cret", "")
	f("${file:"+filepath.Join(dir, "token")+"}", "s3cret", "")
	f("${env:KELPIE_TEST_NO_SUCH}", "", "KELPIE_TEST_NO_SUCH is not set")
	f("${file:nothing}", "", "nothing")
	f("${file:empty}", "", "is empty")
	f("${file:large}", "", "at most")
	f("${file:.}", "", "is no file")
	f("hush-${env:KELPIE_TEST_TOKEN}", "", "must be the whole value")
	f("${env:KELPIE_TEST_TOKEN}hush", "", "must be the whole value")
	f("${vault:hush}", "", "no references of kind \"vault\"")
	f("${env:}", "", "names nothing")
}

// FuzzConfig reads any text: it is a configuration, or every mistake has a place.
func FuzzConfig(f *testing.F) {
	files, err := filepath.Glob("testdata/transcripts/*")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for part := range strings.SplitSeq(string(b), "\n\n") {
			_, text, _ := strings.Cut(part, "\n")
			text, _, _ = strings.Cut(text, "----")
			f.Add([]byte(text))
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		c, wrong := Parse("kelpie.yml", src)
		if (c == nil) != (len(wrong) > 0) {
			t.Fatalf("%v and %d mistakes", c, len(wrong))
		}
		for _, e := range wrong {
			if e.At.Line < 1 || e.At.Column < 1 || e.Message == "" {
				t.Errorf("a mistake without a place or words: %+v", e)
			}
		}
	})
}

func TestWarmShare(t *testing.T) {
	for text, want := range map[string]float64{"25%": 0.25, "100%": 1, "off": 0, "1%": 0.01} {
		if got, err := (Config{Warm: text}).WarmShare(); got != want || err != nil {
			t.Errorf("%s is %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0%", "101%", "25", "on", "-3%"} {
		if _, err := (Config{Warm: text}).WarmShare(); err == nil {
			t.Errorf("%q is a share", text)
		}
	}
}
