package rules

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	_ "time/tzdata" // rules name time zones, on machines that have none

	"kelpie/event"
	"kelpie/rules/yaml"
)

// Options says what Load knows from the configuration.
type Options struct {
	Types    map[string]Type // declared field types by path; nil: unknown, every field is AnyType
	Strict   bool            // refuse fields that Types does not know
	Timezone string          // default for rules
	Order    string          // arrival (default) or time: under time, `decide` is refused
	Event    event.Spec      // where type and time stand: `by: type` and the events of tests need it
	Like     *Set            // number the event fields that it reads as it does, so that rules of both can be planned together
}

// The limits of one load.
const (
	maxFiles = 10_000
	maxTotal = 64 << 20 // bytes of all files together
)

// Load reads rule files and folders (recursively, *.yml and *.yaml, sorted), checks everything and
// returns the set. The error is Errors: all that is wrong, in order of files and lines.
func Load(paths []string, o Options) (*Set, error) {
	l := newLoader(o)
	files, err := findFiles(paths)
	if err != nil {
		return nil, Errors{err}
	}
	total := 0
	for _, name := range files {
		text, err := readFile(name)
		if err != nil {
			l.errs = append(l.errs, err)
			continue
		}
		if total += len(text); total > maxTotal {
			return nil, Errors{{At: Place{File: name}, Message: fmt.Sprintf("the rule files have more than %d bytes together", maxTotal)}}
		}
		l.file(name, text)
	}
	return l.finish()
}

// File is a rule file in memory.
type File struct{ Name, Text string }

// LoadFiles is Load for files in memory.
func LoadFiles(files []File, o Options) (*Set, error) {
	l := newLoader(o)
	for _, f := range files {
		l.file(f.Name, f.Text)
	}
	return l.finish()
}

// LoadBytes is Load for one file in memory.
func LoadBytes(name string, src []byte, o Options) (*Set, error) {
	return LoadFiles([]File{{name, string(src)}}, o)
}

// LoadTexts is Load for texts in memory, each like a file of its own, all of one name.
func LoadTexts(name string, texts []string, o Options) (*Set, error) {
	files := make([]File, len(texts))
	for i, text := range texts {
		files[i] = File{name, text}
	}
	return LoadFiles(files, o)
}

// findFiles returns the rule files that paths name, each once, in the order of paths and sorted within a folder.
func findFiles(paths []string) (files []string, err *Error) {
	seen := map[string]bool{}
	add := func(name string) {
		if c := filepath.Clean(name); !seen[c] {
			seen[c] = true
			files = append(files, name)
		}
	}
	for _, path := range paths {
		before := len(files)
		root := path
		if st, err := os.Stat(path); err == nil && st.IsDir() {
			root = path + string(filepath.Separator) // also where path is a link to a folder
		}
		walkErr := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case len(files) > maxFiles:
				return fmt.Errorf("more than %d rule files", maxFiles)
			case name == root && !d.IsDir():
				add(name)
			case d.IsDir() && name != root && strings.HasPrefix(d.Name(), "."):
				return fs.SkipDir
			case !d.IsDir() && IsFile(d.Name()):
				add(name)
			}
			return nil
		})
		switch {
		case walkErr != nil:
			return nil, fileError(path, walkErr)
		case len(files) == before && !seen[filepath.Clean(path)]:
			return nil, &Error{At: Place{File: path}, Message: "the folder holds no rule files (*.yml, *.yaml)"}
		}
	}
	return files, nil
}

// IsFile reports whether a file of that name, without its folder, is one of rules where folders are searched for such.
func IsFile(name string) bool {
	ext := filepath.Ext(name)
	return !strings.HasPrefix(name, ".") && (ext == ".yml" || ext == ".yaml")
}

// fileError is the mistake of a file that cannot be read; the path is in its place already.
func fileError(name string, err error) *Error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		name, err = pe.Path, pe.Err
	}
	return &Error{At: Place{File: name}, Message: err.Error()}
}

// readFile reads a file up to a little more than what yaml.Parse takes.
func readFile(name string) (string, *Error) {
	f, err := os.Open(name)
	if err != nil {
		return "", fileError(name, err)
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && st.Size() > yaml.MaxSize {
		return "", &Error{At: Place{File: name}, Hint: "split it into several files",
			Message: fmt.Sprintf("the file has %d bytes, more than the %d that are read", st.Size(), yaml.MaxSize)}
	}
	b, err := io.ReadAll(io.LimitReader(f, yaml.MaxSize+1))
	if err != nil {
		return "", fileError(name, err)
	}
	return string(b), nil
}

// loader collects what the files hold and then checks it together.
type loader struct {
	Options
	errs   Errors
	wrong  int // mistakes found; errs keeps no more than maxErrors of them
	rules  declarations
	tables declarations
	tests  []*reader // one per test, its node in place
	slots  map[string]int
	types  map[string]bool
	scope  map[string]TableName // of the tables, for the rules' expressions
	set    *Set
}

func newLoader(o Options) *loader {
	l := &loader{Options: o, slots: map[string]int{}, types: map[string]bool{}, scope: map[string]TableName{}, set: &Set{Options: o}}
	if o.Like != nil {
		l.slotsOf(o.Like.Paths)
	}
	return l
}

// declaration is a rule or a table as written.
type declaration struct {
	*reader
	name *yaml.Node
	body *yaml.Node
}

type declarations map[string]declaration

// sorted returns the declarations by name.
func (d declarations) sorted() []declaration {
	var out []declaration
	for _, name := range slices.Sorted(maps.Keys(d)) {
		out = append(out, d[name])
	}
	return out
}

// fileKeys are the keys of a file.
var fileKeys = []string{"tables", "rules", "tests"}

// file reads one file's declarations.
func (l *loader) file(name, text string) {
	if len(text) > yaml.MaxSize { // before its lines are counted
		l.errs = append(l.errs, &Error{At: Place{File: name}, Hint: "split it into several files",
			Message: fmt.Sprintf("the file has more than the %d bytes that are read", yaml.MaxSize)})
		return
	}
	rd := &reader{loader: l, source: newSource(name, text)}
	tree, errs := yaml.Parse(text)
	for _, e := range errs {
		rd.errorAt(e.Offset, e.Offset+e.Width, e.Hint, "%s", e.Message)
	}
	if tree.Kind == yaml.Empty || tree.Kind == yaml.Bad {
		return
	}
	keys, _ := rd.mapping(tree, "a file of rules", fileKeys...)
	rd.declare(keys["rules"], "rule", l.rules, func(d declarations) { l.rules = d })
	rd.declare(keys["tables"], "table", l.tables, func(d declarations) { l.tables = d })
	for _, e := range rd.items(keys["tests"], "tests", "a test") {
		test := *rd
		test.node = e
		l.tests = append(l.tests, &test)
	}
}

// declare adds a file's rules or tables to those of other files.
func (rd *reader) declare(n *yaml.Node, what string, into declarations, set func(declarations)) {
	if n == nil || n.Kind == yaml.Empty || n.Kind == yaml.Bad {
		return
	}
	if n.Kind != yaml.Map {
		rd.fail(n, "write "+what+"s: and below it, indented, each name with a colon", "%ss must be a mapping from names to %ss, not %s", what, what, n.Kind)
		return
	}
	if into == nil {
		into = declarations{}
		set(into)
	}
	for _, e := range n.Entries {
		if first, ok := into[e.Key.Text]; ok {
			if first.source != rd.source { // within a file the YAML reader says so
				rd.fail(e.Key, "", "there are two %ss named %s: the other one stands at %s", what, e.Key.Text, first.place(first.name.Offset))
			}
			continue
		}
		into[e.Key.Text] = declaration{rd, e.Key, e.Value}
	}
}

// finish checks everything that was read.
func (l *loader) finish() (*Set, error) {
	l.readTables()
	for _, d := range l.rules.sorted() {
		if r := l.readRule(d); r != nil {
			l.set.Rules = append(l.set.Rules, r)
		}
	}
	for _, rd := range l.tests {
		if t := rd.readTest(rd.node); t != nil {
			l.set.Tests = append(l.set.Tests, t)
		}
	}
	if len(l.errs) > 0 {
		return nil, l.errs.sorted()
	}
	l.set.Types, l.set.scope = slices.Sorted(maps.Keys(l.types)), l.scope
	l.set.trace()
	return l.set, nil
}

// slot returns the slot of an event field.
func (l *loader) slot(p event.Path) int {
	name := p.String()
	i, ok := l.slots[name]
	if !ok {
		i = len(l.set.Paths)
		l.slots[name] = i
		l.set.Paths = append(l.set.Paths, p)
	}
	return i
}

// slotsOf returns the slots of a key.
func (l *loader) slotsOf(ps []event.Path) (slots []int) {
	for _, p := range ps {
		slots = append(slots, l.slot(p))
	}
	return slots
}
