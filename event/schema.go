package event

// Schema is what a decoder must find: the paths that rules and tables name. Slot i of a Record is Paths[i].
// A Schema is built once (by the engine's plan) and never changes afterwards.
type Schema struct {
	Spec  Spec
	Paths []Path   // wanted fields; a path may be a prefix of another one (geo and geo.lat)
	Types []string // event types that somebody wants: Record.Type is an index into it, or -1 for any other
}
