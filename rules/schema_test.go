package rules

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	goccy "github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("rules.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("rules.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// asJSON reads YAML as an editor does.
func asJSON(t *testing.T, src string) any {
	t.Helper()
	b, err := goccy.YAMLToJSON([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSchemaTakesTheExamples(t *testing.T) {
	s := compiledSchema(t)
	for _, name := range ruleFiles(t, "testdata/cases", "testdata/examples") {
		src, _ := readFile(name)
		if err := s.Validate(asJSON(t, src)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSchemaRefuses(t *testing.T) {
	s := compiledSchema(t)
	f := func(src string) {
		t.Helper()
		if err := s.Validate(asJSON(t, src)); err == nil {
			t.Errorf("the schema takes\n%s", src)
		}
		if _, err := LoadBytes("r.yml", []byte(src), Options{}); err == nil {
			t.Errorf("Load takes\n%s", src)
		}
	}
	const r = "rules:\n  a:\n    event: A\n    when: a > 1\n"
	f("rule: {}\n")
	f("rules: {a: {event: A}}\n")
	f("rules: {a: {when: a > 1}}\n")
	f(r + "    evnt: B\n")
	f(r + "    severity: urgent\n")
	f(r + "    for: 10\n")
	f(r + "    cooldown: 1.5h\n")
	f(r + "    on: closed\n")
	f(r + "    let: {a-b: count over 1h}\n")
	f(r + "    let: {n: {agg: count, ovr: 1h}}\n")
	f(r + "    let: {n: {over: 1h}}\n")
	f(r + "tables: {t: {key: a}}\n")
	f(r + "tests: [{name: n, rule: a, given: []}]\n")
	f(r + "tests: [{name: n, rule: a, given: [{repeat: 0}], expect: []}]\n")
}

// TestSchemaKnowsEveryKey compares the schema with the keys that the reader knows, and wants each to be explained.
func TestSchemaKnowsEveryKey(t *testing.T) {
	var doc struct {
		Properties map[string]any `json:"properties"`
		Defs       map[string]struct {
			Properties map[string]any `json:"properties"`
			AnyOf      []struct {
				Properties map[string]any `json:"properties"`
			} `json:"anyOf"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal(Schema(), &doc); err != nil {
		t.Fatal(err)
	}
	f := func(what string, have map[string]any, want []string) {
		t.Helper()
		want = slices.Sorted(slices.Values(want))
		if got := slices.Sorted(maps.Keys(have)); !slices.Equal(got, want) {
			t.Errorf("%s: the schema has %v, the reader %v", what, got, want)
		}
		for name, p := range have {
			if d, _ := p.(map[string]any)["description"].(string); strings.TrimSpace(d) == "" {
				t.Errorf("%s.%s is not described", what, name)
			}
		}
	}
	f("file", doc.Properties, fileKeys)
	f("rule", doc.Defs["rule"].Properties, ruleKeys)
	f("table", doc.Defs["table"].Properties, tableKeys)
	f("test", doc.Defs["test"].Properties, testKeys)
	f("fact", doc.Defs["fact"].AnyOf[1].Properties, factKeys)

	enum := func(property string) (out []string) {
		p := doc.Defs["fact"].AnyOf[1].Properties[property].(map[string]any)["anyOf"].([]any)[0].(map[string]any)
		for _, v := range p["enum"].([]any) {
			out = append(out, v.(string))
		}
		return slices.Sorted(slices.Values(out))
	}
	if got, want := enum("agg"), slices.Sorted(maps.Keys(aggregates)); !slices.Equal(got, want) {
		t.Errorf("aggregates: the schema has %v, the reader %v", got, want)
	}
	if got, want := enum("series"), slices.Sorted(maps.Keys(overSeries)); !slices.Equal(got, want) {
		t.Errorf("series: the schema has %v, the reader %v", got, want)
	}
}
