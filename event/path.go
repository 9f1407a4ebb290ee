package event

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Path is a parsed field path, one element per level. ParsePath accepts a.b.c, "quoted"."parts"
// and mixes of them: `device.id`, `"@timestamp"`, `winlog."event data".ip`. A path never goes into a list.
type Path []string

// ParsePath parses a path as configuration and rules write it. A quoted part is a JSON string; a part
// without quotes holds anything but white space, dots, quotes, backslashes and brackets.
func ParsePath(s string) (Path, error) {
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("path %q: not UTF-8", s)
	}
	var p Path
	for rest := s; ; {
		part, after, err := cutPart(rest)
		if err != nil {
			return nil, fmt.Errorf("path %q: character %d: %w", s, 1+utf8.RuneCountInString(s[:len(s)-len(after)]), err)
		}
		if p = append(p, part); len(p) > maxDepth {
			return nil, fmt.Errorf("path %q: more than %d parts", s, maxDepth)
		}
		if after == "" {
			return p, nil
		}
		if after[0] != '.' {
			return nil, fmt.Errorf("path %q: character %d: expected a dot after a quoted part",
				s, 1+utf8.RuneCountInString(s[:len(s)-len(after)]))
		}
		rest = after[1:]
	}
}

// cutPart takes the first part off s. On an error, after begins where it is.
func cutPart(s string) (part, after string, err error) {
	if s != "" && s[0] == '"' {
		return cutQuoted(s)
	}
	end := strings.IndexFunc(s, func(r rune) bool { return r == '.' || needsQuotes(r) })
	if end < 0 {
		end = len(s)
	}
	if end < len(s) && s[end] != '.' {
		r, _ := utf8.DecodeRuneInString(s[end:])
		if r == '[' {
			return "", s[end:], fmt.Errorf("a path does not go into lists; a name with %q in it needs double quotes", r)
		}
		return "", s[end:], fmt.Errorf("a name with %q in it needs double quotes", r)
	}
	if end == 0 {
		return "", s, fmt.Errorf("a part is empty")
	}
	return s[:end], s[end:], nil
}

func cutQuoted(s string) (part, after string, err error) {
	end := 1
	for end < len(s) && s[end] != '"' {
		if s[end] == '\\' {
			end++
		}
		end++
	}
	if end >= len(s) {
		return "", s, fmt.Errorf("the quote is not closed")
	}
	v, err := DecodeJSON([]byte(s[:end+1]))
	if err != nil {
		return "", s, fmt.Errorf("a quoted part is a JSON string: %w", err)
	}
	return v.S, s[end+1:], nil
}

// String writes the path so that ParsePath reads it back (quotes only where needed).
func (p Path) String() string {
	var b []byte
	for i, part := range p {
		if i > 0 {
			b = append(b, '.')
		}
		if part == "" || strings.ContainsFunc(part, func(r rune) bool { return r == '.' || needsQuotes(r) }) {
			b = appendQuoted(b, part)
		} else {
			b = append(b, part...)
		}
	}
	return string(b)
}

func needsQuotes(r rune) bool {
	return strings.ContainsRune("\"'`\\[](){},:", r) || unicode.IsSpace(r) || !unicode.IsPrint(r)
}
