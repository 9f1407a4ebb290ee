package rules

// Source is the text of a file that somebody else reads, so that what is wrong with the configuration is reported as
// what is wrong with a rule.
type Source struct{ s *source }

// NewSource returns the text of the file of that name.
func NewSource(name, text string) *Source { return &Source{newSource(name, text)} }

// Mistake makes an Error about the bytes from off to end.
func (s *Source) Mistake(off, end int, hint, message string) *Error {
	return s.s.error(off, end, hint, "%s", message)
}

// Sorted sorts mistakes by file and place and drops repeated ones.
func (e Errors) Sorted() Errors { return e.sorted() }

// DidYouMean returns "did you mean x?" for the candidate that is nearest to what was written, or "" if none is near.
func DidYouMean(written string, candidates []string) string { return didYouMean(written, candidates) }
