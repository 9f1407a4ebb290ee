package report

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"kelpie/backtest"
)

// Form is what a report is written as.
type Form string

// The forms.
const (
	Text     Form = "text"
	Markdown Form = "markdown"
	HTML     Form = "html"
)

// FormOf returns the form of a file, by the end of its name.
func FormOf(name string) (Form, error) {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".html", ".htm":
		return HTML, nil
	case ".md", ".markdown":
		return Markdown, nil
	case ".txt":
		return Text, nil
	}
	return "", fmt.Errorf("report %q: the end of its name says its form: .html, .md or .txt", name)
}

// Write writes what a result says in a form.
func Write(w io.Writer, form Form, res *backtest.Result) error {
	var b bytes.Buffer
	p := newPage(res)
	switch form {
	case Text:
		p.text(&b)
	case Markdown:
		p.markdown(&b)
	case HTML:
		if err := p.html(&b); err != nil {
			return fmt.Errorf("report: %w", err)
		}
	default:
		return fmt.Errorf("report: there is no form %q", form)
	}
	_, err := w.Write(b.Bytes())
	return err
}
