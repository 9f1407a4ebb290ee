package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Place is where something is written. Line and Column count from 1; a column is a character, not a byte.
// Line 0 is the file as a whole.
type Place struct {
	File         string
	Line, Column int
}

// String writes the place as editors and compilers do: file:line:column.
func (p Place) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Errors is all that is wrong with the rules, in order of files and lines. Error() prints each with
// file:line:column, the line and a caret.
type Errors []*Error

// Error is one mistake: where, what, and what to do.
type Error struct {
	At      Place
	Message string
	Hint    string // "did you mean orders?"
	Line    string // the source line
	Width   int    // of the caret, at least 1
}

// maxErrors bounds how many mistakes are kept: who makes more has made one.
const maxErrors = 500

// Error prints all mistakes, with an empty line between two.
func (e Errors) Error() string {
	var b strings.Builder
	for i, err := range e {
		if i > 0 {
			b.WriteString("\n\n")
		}
		b.WriteString(err.Error())
	}
	return b.String()
}

// Error prints the mistake:
//
//	rules/orders.yml:12:11: there is no field amuont
//	    when: amuont > 5
//	          ^^^^^^
//	    did you mean amount?
func (e *Error) Error() string {
	var b strings.Builder
	if e.At.File != "" {
		b.WriteString(e.At.String() + ": ")
	}
	b.WriteString(e.Message)
	if e.Line != "" {
		line, before, width := e.excerpt()
		b.WriteString("\n    " + line + "\n    " + before + strings.Repeat("^", width))
	}
	if e.Hint != "" {
		b.WriteString("\n    " + e.Hint)
	}
	return b.String()
}

// excerptWidth is how many characters of a line are shown.
const excerptWidth = 140

// excerpt returns the part of the line to show, what stands before the caret, and the caret's width.
func (e *Error) excerpt() (line, before string, width int) {
	rs := []rune(e.Line)
	col := min(max(e.At.Column-1, 0), len(rs))
	width = max(1, min(e.Width, len(rs)-col))
	from := 0
	if len(rs) > excerptWidth {
		from = max(0, min(col-excerptWidth/2, len(rs)-excerptWidth))
		rs = rs[from:min(from+excerptWidth, len(rs))]
		col -= from
		width = max(1, min(width, len(rs)-col))
	}
	pad := []rune(strings.Repeat(" ", col))
	for i := range pad {
		if rs[i] == '\t' {
			pad[i] = '\t'
		}
	}
	return strings.TrimRight(string(rs), " \t"), string(pad), width
}

// sorted sorts mistakes by file and place and drops repeated ones.
func (e Errors) sorted() Errors {
	slices.SortStableFunc(e, func(a, b *Error) int {
		return cmp.Or(cmp.Compare(a.At.File, b.At.File), cmp.Compare(a.At.Line, b.At.Line), cmp.Compare(a.At.Column, b.At.Column))
	})
	return slices.CompactFunc(e, func(a, b *Error) bool { return a.At == b.At && a.Message == b.Message })
}

// source is the text of one file, with its lines.
type source struct {
	name  string
	src   string
	lines []int // where each line begins
}

func newSource(name, text string) *source {
	s := &source{name: name, src: text, lines: []int{0}}
	for i := 0; ; {
		j := strings.IndexByte(text[i:], '\n')
		if j < 0 {
			return s
		}
		i += j + 1
		s.lines = append(s.lines, i)
	}
}

// place returns the place of a byte offset.
func (s *source) place(off int) Place {
	line, begin := s.line(off)
	return Place{File: s.name, Line: line, Column: 1 + utf8.RuneCountInString(s.src[begin:off])}
}

func (s *source) line(off int) (line, begin int) {
	i, ok := slices.BinarySearch(s.lines, off)
	if !ok {
		i--
	}
	return i + 1, s.lines[i]
}

// error makes a mistake that stands at text[off:end].
func (s *source) error(off, end int, hint, format string, args ...any) *Error {
	off = min(max(off, 0), len(s.src))
	end = min(max(end, off), len(s.src))
	_, begin := s.line(off)
	line := s.src[begin:]
	if i := strings.IndexByte(line, '\n'); i >= 0 {
		line = line[:i]
	}
	line = strings.TrimSuffix(line, "\r")
	end = min(end, begin+len(line))
	return &Error{At: s.place(off), Message: fmt.Sprintf(format, args...), Hint: hint, Line: line,
		Width: max(1, utf8.RuneCountInString(s.src[off:max(off, end)]))}
}
