package source

import (
	"bytes"
	"fmt"
	"io"
	"testing"
	"testing/iotest"

	"kelpie/journal"
)

// plainLines cuts content the obvious way: "number text", or "number cut beginning".
func plainLines(content []byte, maxLine int) (all []string) {
	content = bytes.TrimPrefix(content, byteOrderMark)
	for i, line := range bytes.Split(content, []byte("\n")) {
		line = bytes.TrimSuffix(line, []byte("\r"))
		switch {
		case len(bytes.Trim(line, " \t\r\n")) == 0:
		case len(line) > maxLine:
			line = line[:min(len(line), cutKept)]
			all = append(all, fmt.Sprintf("%d cut %q", i+1, line))
		default:
			all = append(all, fmt.Sprintf("%d %q", i+1, line))
		}
	}
	return all
}

// FuzzLines cuts any content, read in parts of any size into batches of any size, and compares with the obvious way.
func FuzzLines(f *testing.F) {
	f.Add([]byte("one\ntwo\r\n\n   \nlonger than ten\nsix"), 10, 20, false)
	f.Add([]byte("\xef\xbb\xbfone\n\r\r\n\x00\n          \xff         \n"), 3, 1, true)
	f.Add(append(bytes.Repeat([]byte("x"), 5000), '\n', 'y'), 100, 300, false)
	f.Fuzz(func(t *testing.T, content []byte, maxLine, size int, single bool) {
		maxLine, size = 1+(maxLine&0xfff), 1+(size&0xfff)
		var r io.Reader = bytes.NewReader(content)
		if single {
			r = iotest.OneByteReader(r)
		}
		l := &lines{r: r, origin: journal.Source{Name: "f"}, maxLine: maxLine, size: size, spare: func() *Batch { return &Batch{} }}
		var got []string
		var at journal.Mark
		for {
			b, err := l.next()
			if err != nil && !isEnd(err) {
				t.Fatal(err)
			}
			if isEnd(err) {
				b = l.last()
			}
			if b != nil {
				got = append(got, describe(t, b, content, &at)...)
			}
			if isEnd(err) {
				break
			}
		}
		if want := plainLines(content, maxLine); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%q, at most %d a line, batches of %d:\n%q, want\n%q", content, maxLine, size, got, want)
		}
	})
}

// describe checks that a batch stands where it says, and returns its lines. at is where the one before it ended.
func describe(t *testing.T, b *Batch, content []byte, at *journal.Mark) (all []string) {
	if b.Base < at.Offset || b.Next.Offset < b.Base || b.Next.Line < at.Line || b.Next.Offset > int64(len(content)) {
		t.Fatalf("a batch from byte %d to %v follows one that ends at %v", b.Base, b.Next, *at)
	}
	*at = b.Next
	for i, l := range b.Lines {
		if !bytes.HasPrefix(content[int(b.Base)+l.Start:], b.Record(i)) {
			t.Fatalf("line %d is not at byte %d", l.Offset, int(b.Base)+l.Start)
		}
		if b.Kind == journal.Cut {
			all = append(all, fmt.Sprintf("%d cut %q", l.Offset, b.Record(i)))
		} else {
			all = append(all, fmt.Sprintf("%d %q", l.Offset, b.Record(i)))
		}
	}
	if got := bytes.Count(content[:b.Next.Offset], []byte("\n")); int64(got) != b.Next.Line && b.Next.Offset < int64(len(content)) {
		t.Fatalf("reading goes on at byte %d behind line %d, but %d line ends stand before it", b.Next.Offset, b.Next.Line, got)
	}
	return all
}
