// Package yaml reads the YAML that people write by hand, and remembers where every byte of it stands.
//
// It reads block and flow mappings and lists, plain, quoted and block scalars, and comments, as YAML 1.2 defines them.
// What makes a file mean something else than it seems to is refused with the words to repair it: anchors and aliases
// (so there are no alias bombs), tags, directives, several documents, complex keys, duplicate keys, keys without a value
// in a flow mapping, tabs as indentation. Values are text: what is a number is for the reader of the tree to decide.
//
// Reading takes time and memory linear in the source, whose size, nesting and number of values are limited.
package yaml

// Kind is the kind of a node.
type Kind uint8

// The kinds of nodes.
const (
	Empty  Kind = iota // nothing stands where a value could
	Scalar             // text
	Map                // entries with keys
	List               // entries without keys
	Bad                // could not be read; an error tells why
)

// String names the kind as messages do.
func (k Kind) String() string {
	return [...]string{"nothing", "a text", "a mapping", "a list", "an error"}[k]
}

// Style is how a node is written.
type Style uint8

// The styles: the first two of mappings and lists, the others of scalars.
const (
	Block Style = iota
	Flow
	Plain
	Single
	Double
	Literal
	Folded
)

// Node is one value of the tree.
type Node struct {
	Kind    Kind
	Style   Style
	Text    string   // of a scalar, decoded
	Entries []Entry  // of a mapping or a list, in order of writing
	Foot    []string // comments behind the last entry
	Offset  int      // of the node's first byte in the source
	End     int      // behind its last byte

	base int     // source offset of Text[0], where Text stands in the source as it is
	at   []int32 // otherwise: the source offset of every byte of Text, and of its end
}

// Entry is one member of a mapping or list, with the comments that belong to it.
type Entry struct {
	Key   *Node // nil in a list
	Value *Node
	Head  []string // comments on the lines above, each with its '#', "" for an empty line between or behind them
	Tail  string   // comment behind it
	Blank bool     // an empty line stands above
}

// At returns the source offset of byte i of a scalar's text; i may be the text's length.
func (n *Node) At(i int) int {
	switch {
	case n.at == nil:
		return n.base + i
	case i < len(n.at):
		return int(n.at[i])
	}
	return n.End
}

// Get returns the value of a mapping's key, nil if there is none.
func (n *Node) Get(key string) *Node {
	if n == nil || n.Kind != Map {
		return nil
	}
	for _, e := range n.Entries {
		if e.Key.Text == key {
			return e.Value
		}
	}
	return nil
}

// Error is one mistake in the source.
type Error struct {
	Offset  int // of its first byte
	Width   int // in bytes, at least 1
	Message string
	Hint    string // what to do, may be empty
}

// Error returns the message and the hint.
func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return e.Message + " (" + e.Hint + ")"
}

// scalarText builds a decoded text together with where its bytes come from.
type scalarText struct {
	b  []byte
	at []int32
}

// copy adds src[i:j] as it stands.
func (t *scalarText) copy(src string, i, j int) {
	t.b = append(t.b, src[i:j]...)
	for ; i < j; i++ {
		t.at = append(t.at, int32(i))
	}
}

// put adds s, which stands for what is written at offset at.
func (t *scalarText) put(s string, at int) {
	t.b = append(t.b, s...)
	for range len(s) {
		t.at = append(t.at, int32(at))
	}
}

// breaks adds n line breaks.
func (t *scalarText) breaks(n, at int) {
	for range n {
		t.put("\n", at)
	}
}

// node makes the scalar that was built.
func (t *scalarText) node(style Style, offset, end int) *Node {
	return &Node{Kind: Scalar, Style: style, Text: string(t.b), Offset: offset, End: end, at: append(t.at, int32(end))}
}
