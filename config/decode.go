package config

import (
	"encoding"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"kelpie/rules"
	"kelpie/rules/yaml"
	"kelpie/secret"
)

// decoder fills structs from a YAML tree. Fields are named by their tag `yaml:"name"`; embedded structs with
// `yaml:",inline"` share their parent's mapping; a struct may be written as the value of its field `yaml:"name,short"`
// alone; an integer with `unit:"bytes"` is a size; a list may be written as its only element.
type decoder struct {
	src   *rules.Source
	root  *yaml.Node
	dir   string // of the file
	errs  rules.Errors
	wrong []*yaml.Node // that errs are about
	bare  map[int]bool // lines in which a secret is written out: they are not shown
}

func newDecoder(name, text string) *decoder {
	d := &decoder{src: rules.NewSource(name, text), dir: filepath.Dir(name), bare: map[int]bool{}}
	root, errs := yaml.Parse(text)
	d.root = root
	for _, e := range errs {
		d.errs = append(d.errs, d.src.Mistake(e.Offset, e.Offset+e.Width, e.Hint, e.Message))
	}
	return d
}

func (d *decoder) document(v any) {
	if d.root.Kind == yaml.Empty {
		d.fail(d.root, "", "the file is empty")
		return
	}
	d.decode(d.root, reflect.ValueOf(v).Elem(), "")
	for _, e := range d.errs {
		if d.bare[e.At.Line] {
			e.Line = ""
		}
	}
}

// fail reports a mistake in a node: of a scalar all of it, of others where they begin.
func (d *decoder) fail(n *yaml.Node, hint, format string, args ...any) {
	end := n.End
	if n.Kind != yaml.Scalar {
		end = n.Offset + 1
	}
	d.errs = append(d.errs, d.src.Mistake(n.Offset, end, hint, fmt.Sprintf(format, args...)))
	d.wrong = append(d.wrong, n)
}

// validator is a Spec of some package. Each of its errors begins with the name of a setting.
type validator interface{ Validate() error }

// decode fills v from a node.
func (d *decoder) decode(n *yaml.Node, v reflect.Value, unit string) {
	switch v.Interface().(type) {
	case time.Duration:
		d.scalar(n, func(text string) error {
			ms, err := rules.ParseDuration(text)
			v.SetInt(ms * int64(time.Millisecond))
			return err
		})
		return
	case secret.Value:
		d.secret(n, v)
		return
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		d.scalar(n, func(text string) error { return u.UnmarshalText([]byte(text)) })
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(n, v)
	case reflect.Map:
		d.mapping(n, v)
	case reflect.Slice:
		d.list(n, v)
	case reflect.Pointer: // nil stands for what is not set
		v.Set(reflect.New(v.Type().Elem()))
		d.decode(n, v.Elem(), unit)
	default:
		d.simple(n, v, unit)
	}
}

// scalar reads a text that is not empty; err says what is wrong with it.
func (d *decoder) scalar(n *yaml.Node, read func(text string) error) {
	switch n.Kind {
	case yaml.Bad:
	case yaml.Empty:
		d.fail(n, "", "a value is missing here")
	case yaml.Scalar:
		if secret.IsReference(n.Text) {
			d.fail(n, "", "references such as ${env:NAME} are for secrets only, and this is none")
		} else if err := read(n.Text); err != nil {
			d.fail(n, "", "%s", err)
		}
	default:
		d.fail(n, "", "here must be a single value, not %s", n.Kind)
	}
}

func (d *decoder) secret(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.Scalar {
		d.scalar(n, func(string) error { return nil })
		return
	}
	s, err := secret.Resolve(n.Text, d.dir)
	e := d.src.Mistake(n.Offset, n.Offset+1, "", "")
	if err != nil || !secret.IsReference(n.Text) {
		d.bare[e.At.Line] = true // it may hold the secret itself
	}
	if err != nil {
		e.Message = err.Error()
		d.errs = append(d.errs, e)
		return
	}
	v.Set(reflect.ValueOf(s))
}

func (d *decoder) simple(n *yaml.Node, v reflect.Value, unit string) {
	d.scalar(n, func(text string) error {
		switch v.Kind() {
		case reflect.String:
			v.SetString(text)
			return nil
		case reflect.Bool:
			return setBool(v, n)
		case reflect.Int, reflect.Int64:
			return setInt(v, text, unit)
		}
		return fmt.Errorf("BUG: a setting of type %s cannot be read", v.Type())
	})
}

func setBool(v reflect.Value, n *yaml.Node) error {
	if n.Style != yaml.Plain || n.Text != "true" && n.Text != "false" {
		return fmt.Errorf("here must be true or false")
	}
	v.SetBool(n.Text == "true")
	return nil
}

func setInt(v reflect.Value, text, unit string) (err error) {
	var i int64
	if unit == "bytes" {
		i, err = ParseSize(text)
	} else if i, err = strconv.ParseInt(text, 10, 64); err != nil {
		err = fmt.Errorf("%q is no whole number", text)
	}
	if err == nil && v.OverflowInt(i) {
		err = fmt.Errorf("%s is too large", text)
	}
	if err == nil {
		v.SetInt(i)
	}
	return err
}

func (d *decoder) list(n *yaml.Node, v reflect.Value) {
	switch n.Kind {
	case yaml.Bad:
		return
	case yaml.Empty:
		d.fail(n, "", "a list is missing here: write - entries or [a, b]")
		return
	}
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.List {
		nodes = nil
		for _, e := range n.Entries {
			nodes = append(nodes, e.Value)
		}
	}
	v.Set(reflect.MakeSlice(v.Type(), len(nodes), len(nodes)))
	for i, n := range nodes {
		d.decode(n, v.Index(i), "")
	}
}

func (d *decoder) mapping(n *yaml.Node, v reflect.Value) {
	if !d.isMapping(n) {
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, e := range n.Entries {
		value := reflect.New(v.Type().Elem()).Elem()
		d.decode(e.Value, value, "")
		v.SetMapIndex(reflect.ValueOf(e.Key.Text), value)
	}
}

// isMapping reports whether a node is a mapping, which may be empty, and complains of others.
func (d *decoder) isMapping(n *yaml.Node) bool {
	switch n.Kind {
	case yaml.Map, yaml.Empty:
		return true
	case yaml.Bad:
		return false
	}
	d.fail(n, "", "here must be a mapping (key: value), not %s", n.Kind)
	return false
}

func (d *decoder) structure(n *yaml.Node, v reflect.Value) {
	fields := fieldsOf(v)
	if i := slices.IndexFunc(fields, func(f field) bool { return f.short }); i >= 0 && n.Kind == yaml.Scalar {
		d.decode(n, fields[i].value, fields[i].unit)
		d.valid(n, v)
		return
	}
	if !d.isMapping(n) {
		return
	}
	for _, e := range n.Entries {
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == e.Key.Text })
		if i < 0 {
			d.unknown(e.Key, fields)
			continue
		}
		d.decode(e.Value, fields[i].value, fields[i].unit)
	}
	d.valid(n, v)
}

// valid lets the settings of a struct be checked together.
func (d *decoder) valid(n *yaml.Node, v reflect.Value) {
	if s, ok := v.Interface().(validator); ok {
		d.invalid(n, s.Validate())
	}
}

func (d *decoder) unknown(key *yaml.Node, fields []field) {
	var names []string
	for _, f := range fields {
		names = append(names, f.name)
	}
	hint := rules.DidYouMean(key.Text, names)
	if hint == "" {
		hint = "here may stand: " + strings.Join(names, ", ")
	}
	d.fail(key, hint, "there is no setting %q", key.Text)
}

// invalid reports what a Spec says of its settings, each at the place of the setting, or of all of them where the
// setting is not written. What has been reported already is the cause and not reported again.
func (d *decoder) invalid(n *yaml.Node, err error) {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range many.Unwrap() {
			d.invalid(n, err)
		}
		return
	}
	if err == nil {
		return
	}
	setting, reason, _ := strings.Cut(err.Error(), ": ")
	at := find(n, setting)
	if at == nil {
		at, reason = n, err.Error()
	}
	if !slices.ContainsFunc(d.wrong, func(w *yaml.Node) bool { return at.Offset <= w.Offset && w.Offset <= at.End }) {
		d.fail(at, "", "%s", reason)
	}
}

// find returns the node of a setting: of a member of a mapping, or of a list, or of what is in one (routes.0.receiver), as
// deep as it is written.
func find(n *yaml.Node, setting string) *yaml.Node {
	if at := n.Get(setting); at != nil {
		return at
	}
	name, rest, deeper := strings.Cut(setting, ".")
	at := n.Get(name)
	if n != nil && n.Kind == yaml.List {
		if i, err := strconv.Atoi(name); err == nil && i < len(n.Entries) {
			at = n.Entries[i].Value
		}
	}
	if at == nil || !deeper {
		return at
	}
	return find(at, rest)
}

// field is a setting of a struct.
type field struct {
	name, unit string
	short      bool // stands for the whole struct where only this is said
	value      reflect.Value
}

// fieldsOf returns the settings of a struct, in order.
func fieldsOf(v reflect.Value) (all []field) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, option, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case option == "inline":
			all = append(all, fieldsOf(v.Field(i))...)
		case name != "":
			all = append(all, field{name, f.Tag.Get("unit"), option == "short", v.Field(i)})
		}
	}
	return all
}
