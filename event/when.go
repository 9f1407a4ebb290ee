package event

import "fmt"

// TimeFinder finds the time of events without reading the rest of them: for ranges of times, which may be too wide but
// never too narrow. It is not safe for concurrent use and does not allocate.
type TimeFinder struct {
	path  Path
	clock clock
}

// NewTimeFinder returns a TimeFinder for events as the specification describes them.
func NewTimeFinder(s Spec) (*TimeFinder, error) {
	e, err := s.envelope()
	if err != nil {
		return nil, fmt.Errorf("event: %w", err)
	}
	return &TimeFinder{path: e.time}, nil
}

// Find returns the time of an event in ms: the one that a Decoder gives, if it takes the event. Of text that no Decoder
// takes it may return any. ok is false where a Decoder has to look: at what is rare, and where there is no time.
func (f *TimeFinder) Find(raw []byte) (ms int64, ok bool) {
	p := spaceEnd(raw, 0)
	for _, name := range f.path {
		if p = memberAt(raw, p, name); p < 0 {
			return 0, false
		}
	}
	end := passValue(raw, p)
	switch {
	case end < 0:
		return 0, false
	case raw[p] == '"':
		return f.clock.parse(raw[p+1 : end-1])
	}
	if n, number := numberEnd(raw, p); !number || n != end {
		return 0, false
	}
	return parseEpoch(raw[p:end])
}

// memberAt returns where the value of a member begins in the object at p; -1 if it is not found. Keys that are escaped
// are not read.
func memberAt(b []byte, p int, name string) int {
	if p >= len(b) || b[p] != '{' {
		return -1
	}
	for p < len(b) && b[p] != '}' {
		key := skipSpace(b, p+1)
		end, plain := passString(b, key)
		if end < 0 || !plain {
			return -1
		}
		if p = skipSpace(b, end); p >= len(b) || b[p] != ':' {
			return -1
		}
		p = skipSpace(b, p+1)
		if string(b[key+1:end-1]) == name {
			return p
		}
		if p = passValue(b, p); p < 0 {
			return -1
		}
		p = skipSpace(b, p)
	}
	return -1
}

// passString returns where the string at p ends, quotes included, and whether there are no escapes in it; -1 if there is
// no whole string.
func passString(b []byte, p int) (end int, plain bool) {
	if p >= len(b) || b[p] != '"' {
		return -1, false
	}
	plain = true
	for p++; p < len(b); p++ {
		if p, _ = skipPlain(b, p, 0); p >= len(b) {
			break
		}
		switch b[p] {
		case '"':
			return p + 1, plain
		case '\\':
			plain = false
			p++
		}
	}
	return -1, false
}

// passValue returns where the value at p ends; -1 if it has no end.
func passValue(b []byte, p int) int {
	depth := 0
	for p < len(b) {
		switch b[p] {
		case '"':
			end, _ := passString(b, p)
			if end < 0 || depth == 0 {
				return end
			}
			p = end
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth <= 0 {
				return p + 1 + depth // behind a list or an object; before the end of what a number stands in
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return p
			}
		}
		p++
	}
	return -1
}
