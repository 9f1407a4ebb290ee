package event

// THIS FILE IS THE AGREED SURFACE of package event while it is being written in
// parallel. The owner of the package replaces the bodies (and this file) and keeps the signatures.

// Position says where one record was read: stream, partition and offset. Positions of one
// stream are ordered by (stream, partition, offset); Seq packs them so that the order is kept.
//
//	Kafka "orders/3@42", embedded log "log@42", file "events.jsonl:17" (its line, from 1)
type Position struct {
	Stream    string // topic, "log", or the file's name as given
	Partition int32
	Offset    int64 // for a file: the line, from 1
	Kind      PositionKind
}

// PositionKind says how a Position is written.
type PositionKind uint8

// The kinds of positions.
const (
	FilePosition PositionKind = iota
	LogPosition
	KafkaPosition
)

// String writes the position as rows and messages show it.
func (p Position) String() string { panic("contract") }

// Spec is the part `event:` of the configuration: which fields hold the type, the time and the id.
type Spec struct {
	Type    string `yaml:"type"`           // path, default "type"
	Time    string `yaml:"time"`           // path, default "time"
	ID      string `yaml:"id"`             // path, default "id"
	Preset  string `yaml:"preset"`         // "" or "cloudevents"
	MaxSize int    `yaml:"max_event_size"` // bytes, default 1 MiB
}

// Path is a parsed field path, one element per level. ParsePath accepts a.b.c, "quoted"."parts"
// and mixes of them: `device.id`, `"@timestamp"`, `winlog."event data".ip`.
type Path []string

// ParsePath parses a path as configuration and rules write it.
func ParsePath(s string) (Path, error) { panic("contract") }

// String writes the path so that ParsePath reads it back (quotes only where needed).
func (p Path) String() string { panic("contract") }

// Schema is what a decoder must find: the paths that rules and tables name. Slot i of a Record is Paths[i].
// A Schema is built once (by the engine's plan) and never changes afterwards.
type Schema struct {
	Spec  Spec
	Paths []Path   // wanted fields; a path may be a prefix of another one (geo and geo.lat)
	Types []string // event types that somebody wants: Record.Type is an index into it, or -1 for any other
}

// Decoder decodes events of one Schema. It is not safe for concurrent use: one per goroutine.
// After warm-up it does not allocate.
type Decoder struct{ _ int }

// NewDecoder returns a decoder for the schema.
func NewDecoder(s *Schema) (*Decoder, error) { panic("contract") }

// Record is one decoded event. It refers to Raw, which must stay unchanged while the Record is in use.
type Record struct {
	Raw    []byte  // the object's bytes, as they came
	Time   int64   // event time, milliseconds since the epoch, UTC
	Type   int32   // index into Schema.Types, or -1
	Fields []Field // one per Schema.Paths
	// unexported: where type and id are
	typ, id Field
}

// Field is where a field's value stands in Record.Raw: Raw[Off:End], for strings without the quotes.
// A zero Field is absent.
type Field struct {
	Off, End uint32
	Kind     FieldKind
}

// FieldKind is the JSON type of a Field, as found by the decoder.
type FieldKind uint8

// The kinds of fields.
const (
	FieldAbsent FieldKind = iota
	FieldNull
	FieldTrue
	FieldFalse
	FieldNumber
	FieldString        // no escapes: Raw[Off:End] is the text
	FieldEscapedString // needs unescaping
	FieldObject
	FieldList
)

// Decode decodes one event from raw into r, reusing r.Fields. On refusal r is undefined and the
// returned Refusal says why; otherwise it is nil.
func (d *Decoder) Decode(raw []byte, r *Record) *Refusal { panic("contract") }

// Value returns the value of slot i: numbers parsed, strings unescaped (allocates only if there are escapes).
func (r *Record) Value(i int) Value { panic("contract") }

// TypeText returns the event's type as text (keys' text rule: a number type 1 is "1").
func (r *Record) TypeText() string { panic("contract") }

// ID returns the event's id as text, "" if it has none.
func (r *Record) ID() string { panic("contract") }

// Lookup finds any path in Raw by a slow walk (for event["@timestamp"] of paths not in the schema, for tools and evidence).
func (r *Record) Lookup(p Path) Value { panic("contract") }

// AppendKey appends v's key text (semantics.md, Events): a string is itself, an integral number within int64 its
// plain digits, any other number as ECMAScript's Number::toString, a bool true or false. ok is false for what is no key.
func AppendKey(dst []byte, v Value) (key []byte, ok bool) { panic("contract") }

// Equal is == of the rule language: numbers by value, other kinds by kind and value; different types are not equal.
// Missing is for the caller to handle.
func Equal(a, b Value) bool { panic("contract") }

// ParseNumber parses a JSON number's text by the rules of semantics.md: Int, Decimal, Float, or missing (too large for a float64).
func ParseNumber(b []byte) Value { panic("contract") }

// ParseTime reads an RFC 3339 time or a number (a Value) to milliseconds.
func ParseTime(v Value) (ms int64, ok bool) { panic("contract") }

// FormatTime writes ms as RFC 3339 in UTC with milliseconds: 2026-01-05T10:00:00.000Z.
func FormatTime(ms int64) string { panic("contract") }

// AppendJSON appends v as JSON (a missing one as null; a decimal as its digits, a Float in shortest form).
func AppendJSON(dst []byte, v Value) []byte { panic("contract") }

// DecodeJSON parses a whole JSON value, for tools: lists and objects stay text.
func DecodeJSON(b []byte) (Value, error) { panic("contract") }

// Reason is the class of a refusal.
type Reason string

// The classes.
const (
	NotJSON        Reason = "not-json"
	InvalidUTF8    Reason = "invalid-utf8"
	DuplicateKey   Reason = "duplicate-key"
	HalfSurrogate  Reason = "half-surrogate"
	NotAnObject    Reason = "not-an-object"
	TooDeep        Reason = "too-deep"
	TooLong        Reason = "too-long"
	MissingType    Reason = "missing-type"
	MissingTime    Reason = "missing-time"
	UnparsableTime Reason = "unparsable-time"
	InFuture       Reason = "in-future"
)

// Refusal says why an event was refused, and where in it (byte offset from 0).
type Refusal struct {
	Reason Reason
	Offset int
	Detail string
}

// Error makes a Refusal an error.
func (r *Refusal) Error() string { panic("contract") }

func decimalFloat(n int64, scale uint8) float64 { panic("contract") }
