package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	texttemplate "text/template"
	"text/template/parse"

	"kelpie/alert"
	"kelpie/alert/words"
	"kelpie/window"
)

// template makes a body of the document. Whatever an action prints is escaped for the inside of a JSON string, unless
// its last function is json, which writes a whole JSON value: what events hold cannot leave the place where it stands.
type template struct{ t *texttemplate.Template }

// errTooLong says that a template gives more than a body may have.
var errTooLong = errors.New("the template gives too much")

// escaper is the function that is added to actions. Its name cannot be written in a template.
const escaper = "_inside"

var functions = texttemplate.FuncMap{
	escaper: inside,
	"json":  func(v any) (string, error) { b, err := words.JSON(v); return string(b), err },
	"upper": func(v any) string { return strings.ToUpper(plain(v)) },
	"lower": func(v any) string { return strings.ToLower(plain(v)) },
	"join": func(separator string, list any) string {
		var texts []string
		if all, ok := list.([]any); ok {
			for _, v := range all {
				texts = append(texts, plain(v))
			}
			return strings.Join(texts, separator)
		}
		return plain(list)
	},
}

// parseTemplate reads a template and tries it on examples: on one that has every member of the document, so that a
// misspelt name is found, and on one of each kind. It must give at most max bytes of each.
func parseTemplate(text string, max int) (*template, error) {
	t, err := texttemplate.New("body").Funcs(functions).Parse(text)
	if err != nil {
		return nil, err
	}
	for _, one := range t.Templates() {
		if one.Tree != nil {
			escapeList(one.Root)
		}
	}
	tried := &template{t.Option("missingkey=error")}
	if err := tried.try(fullExample(), max); err != nil {
		return nil, err
	}
	t.Option("missingkey=zero") // of members that a document may lack
	for _, k := range alert.Kinds() {
		if err := tried.try(alert.Example(k, "example", exampleTime), max); err != nil {
			return nil, err
		}
	}
	return &template{t}, nil
}

// exampleTime is 2026-01-05T10:00:00Z.
const exampleTime = 1_767_607_200_000

// fullExample returns a notification whose document has every member that there is.
func fullExample() *alert.Notification {
	n := alert.Example(alert.KindResolved, "example", exampleTime)
	mark := &alert.Mark{By: "example", At: exampleTime, Word: alert.TruePositive, Comment: "example"}
	n.Link, n.Omitted, n.Alerts[0].Link = "https://kelpie.example/", 1, "https://kelpie.example/"
	n.Counts = []alert.Count{{Rule: "example-rule", Severity: "info", Key: []string{"example-key"}, Alerts: 1}}
	a := n.Alerts[0].Alert
	a.Acknowledged, a.Verdict, a.ResolvedBy, a.Warming = mark, mark, mark, []string{"orders"}
	a.Values[0].Approx, a.Values[1].Inexact = 0.01, true
	a.Evidence = &window.Span{Start: exampleTime - 600_000, End: exampleTime}
	a.Opener.Window = a.Evidence
	return n
}

// try makes the body of an example.
func (t *template) try(n *alert.Notification, max int) error {
	d, err := words.Document(n, defaultMaxBody)
	if err == nil {
		_, err = t.render(d, max)
	}
	if err != nil {
		return fmt.Errorf("tried on an example (%s): %w", n.Kind, err)
	}
	return nil
}

// escapeList adds the escaper to the actions of a list and of all lists in it.
func escapeList(l *parse.ListNode) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		switch n := n.(type) {
		case *parse.ActionNode:
			escapePipe(n.Pipe)
		case *parse.IfNode:
			escapeList(n.List)
			escapeList(n.ElseList)
		case *parse.RangeNode:
			escapeList(n.List)
			escapeList(n.ElseList)
		case *parse.WithNode:
			escapeList(n.List)
			escapeList(n.ElseList)
		}
	}
}

// escapePipe adds the escaper to a pipeline that prints.
func escapePipe(p *parse.PipeNode) {
	if len(p.Decl) > 0 {
		return
	}
	last := p.Cmds[len(p.Cmds)-1]
	if id, ok := last.Args[0].(*parse.IdentifierNode); ok && id.Ident == "json" {
		return
	}
	p.Cmds = append(p.Cmds, &parse.CommandNode{
		NodeType: parse.NodeCommand, Pos: p.Pos, Args: []parse.Node{parse.NewIdentifier(escaper).SetPos(p.Pos)},
	})
}

// inside writes a value as it stands between the quotes of a JSON string.
func inside(v any) (string, error) {
	b, err := words.JSON(plain(v))
	if err != nil {
		return "", err
	}
	return string(b[1 : len(b)-1]), nil
}

// plain writes a value as text: a text as it is, nothing as "", what has members as JSON.
func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case map[string]any, []any:
		b, err := words.JSON(v)
		if err != nil {
			return ""
		}
		return string(b)
	}
	return fmt.Sprint(v)
}

// render makes the body of a document. It is JSON, of at most max bytes.
func (t *template) render(doc []byte, max int) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	b := &limited{max: max}
	if err := t.t.Execute(b, v); err != nil {
		return nil, err
	}
	body := bytes.TrimSpace(b.Bytes())
	if !json.Valid(body) {
		return nil, fmt.Errorf("the template gives no JSON: %s", wrongJSON(body))
	}
	return body, nil
}

// wrongJSON says where a text stops being JSON.
func wrongJSON(body []byte) string {
	var v any
	err := json.Unmarshal(body, &v)
	var wrong *json.SyntaxError
	if errors.As(err, &wrong) {
		from := max(0, int(wrong.Offset)-30)
		return fmt.Sprintf("%v, after %q", err, body[from:wrong.Offset])
	}
	return fmt.Sprint(err)
}

// limited takes a number of bytes.
type limited struct {
	bytes.Buffer
	max int
}

var _ io.Writer = (*limited)(nil)

// Write implements io.Writer.
func (l *limited) Write(b []byte) (int, error) {
	if l.Len()+len(b) > l.max {
		return 0, errTooLong
	}
	return l.Buffer.Write(b)
}
