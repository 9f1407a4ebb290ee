package rules

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The limits of one expression. They are checked before the parser, which recurses, sees the source.
const (
	maxSource   = 8 << 10 // bytes
	maxBrackets = 64      // how deep brackets may nest
	maxSyntax   = 4000    // nodes of the parser's tree
	maxElements = 1000    // of a list
)

// lexed is an expression's source rewritten for expr's parser: durations and percents, which expr does not have, are
// plain numbers. It remembers where every character of the text comes from.
type lexed struct {
	src      string
	text     string    // what the parser is given
	origin   []int32   // for each character of text: the byte of src where its token or character begins
	end      []int32   // … and where it ends
	brackets []bracket // in order, outside strings and comments
	depth    int       // how many of them are open so far
	percents []int     // where in src a percent ends
}

// bracket is one of ( [ { ) ] } in the source.
type bracket struct {
	at   int
	open bool
}

// lex reads the source token by token, refuses what no expression can be, and rewrites numbers.
func lex(src string) (*lexed, *SrcError) {
	if len(src) > maxSource {
		return nil, &SrcError{0, 1, fmt.Sprintf("the expression is %d bytes long; %d are allowed", len(src), maxSource), "give its parts names in let"}
	}
	if i := invalidUTF8(src); i >= 0 {
		return nil, &SrcError{i, 1, "the expression is not UTF-8 here", ""}
	}
	lx := &lexed{src: src, origin: make([]int32, 0, len(src)), end: make([]int32, 0, len(src))}
	var out strings.Builder
	for i := 0; i < len(src); {
		n, text, err := lx.token(i)
		if err != nil {
			return nil, err
		}
		out.WriteString(text)
		lx.place(i, n, text)
		i += n
	}
	lx.text = out.String()
	return lx, nil
}

// token returns the length of the token at i and what the parser is given in its place.
func (lx *lexed) token(i int) (n int, text string, err *SrcError) {
	rest := lx.src[i:]
	switch c := rest[0]; {
	case c == '"' || c == '\'':
		n, err = lx.quoted(i)
	case c == '`':
		n, err = lx.raw(i)
	case strings.HasPrefix(rest, "//"), strings.HasPrefix(rest, "/*"):
		n, err = lx.comment(i)
	case strings.HasPrefix(rest, ".."):
		n = 2
	case c == ';':
		err = &SrcError{i, 1, "an expression is one value", "give its parts names in the rule's let"}
	case c-'0' < 10, c == '.' && len(rest) > 1 && rest[1]-'0' < 10:
		return lx.number(i)
	case strings.IndexByte("([{)]}", c) >= 0:
		n, err = 1, lx.bracket(i, c)
	default:
		if n = nameLength(rest); n == 0 {
			_, n = utf8.DecodeRuneInString(rest)
			if c == '@' {
				err = lx.strangeName(i)
			}
		}
	}
	if err != nil {
		return 0, "", err
	}
	return n, rest[:n], nil
}

// place notes where the characters of a token come from. A token that stands for itself is placed character by
// character, so that a mistake inside of a string is shown there.
func (lx *lexed) place(i, n int, text string) {
	if text != lx.src[i:i+n] {
		for range utf8.RuneCountInString(text) {
			lx.origin, lx.end = append(lx.origin, int32(i)), append(lx.end, int32(i+n))
		}
		return
	}
	for k, r := range text {
		lx.origin, lx.end = append(lx.origin, int32(i+k)), append(lx.end, int32(i+k+utf8.RuneLen(r)))
	}
}

// at turns a place in the parser's text, in characters, into bytes of the source; the extent is at least one byte
// wide unless it is at the very end.
func (lx *lexed) at(from, to int) (int, int) {
	if from >= len(lx.origin) || from < 0 {
		return len(lx.src), len(lx.src)
	}
	to = min(max(to, from+1), len(lx.end))
	return int(lx.origin[from]), int(lx.end[to-1])
}

func (lx *lexed) bracket(i int, c byte) *SrcError {
	open := c == '(' || c == '[' || c == '{'
	lx.brackets = append(lx.brackets, bracket{i, open})
	if !open {
		lx.depth--
		return nil
	}
	if lx.depth++; lx.depth > maxBrackets {
		return &SrcError{i, 1, fmt.Sprintf("brackets nest deeper than %d", maxBrackets), "give its parts names in let"}
	}
	return nil
}

func (lx *lexed) quoted(i int) (int, *SrcError) {
	quote := lx.src[i]
	for k := i + 1; k < len(lx.src) && lx.src[k] != '\n'; k++ {
		switch lx.src[k] {
		case '\\':
			k++
		case quote:
			return k + 1 - i, nil
		}
	}
	return 0, &SrcError{i, 1, "this quote is not closed", ""}
}

func (lx *lexed) raw(i int) (int, *SrcError) {
	for k := i + 1; k < len(lx.src); k++ {
		if lx.src[k] == '`' {
			if k+1 == len(lx.src) || lx.src[k+1] != '`' {
				return k + 1 - i, nil
			}
			k++
		}
	}
	return 0, &SrcError{i, 1, "this quote is not closed", ""}
}

func (lx *lexed) comment(i int) (int, *SrcError) {
	closing, kept := "\n", 0
	if lx.src[i+1] == '*' {
		closing, kept = "*/", 2
	}
	k := strings.Index(lx.src[i+2:], closing)
	switch {
	case k >= 0:
		return 2 + k + kept, nil
	case kept > 0:
		return 0, &SrcError{i, 2, "this comment is not closed", ""}
	}
	return len(lx.src) - i, nil
}

// strangeName is the mistake of a field name that is none of the language's names: @timestamp.
func (lx *lexed) strangeName(i int) *SrcError {
	n := 1 + nameLength(lx.src[i+1:])
	return &SrcError{i, n, "names begin with a letter", fmt.Sprintf("write event[%q] for a field of that name", lx.src[i:i+n])}
}

// nameLength returns how many bytes of s are a name: letters, digits, _ and $.
func nameLength(s string) int {
	for i, r := range s {
		if !isNameRune(r) {
			return i
		}
	}
	return len(s)
}

func isNameRune(r rune) bool {
	return r == '_' || r == '$' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

func invalidUTF8(s string) int {
	for i, r := range s {
		if r == utf8.RuneError {
			if _, n := utf8.DecodeRuneInString(s[i:]); n == 1 {
				return i
			}
		}
	}
	return -1
}
