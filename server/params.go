package server

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"kelpie/event"
	"kelpie/rules"
)

// params reads the query of a request. What a route does not take, what is given twice and what makes no sense is a
// mistake: a filter that is misspelt must not silently let everything through.
type params struct {
	values url.Values
	known  []string
	wrong  []string // in words
}

// paramsOf reads the query of a request; end says what was wrong.
func paramsOf(r *http.Request) *params {
	p := &params{}
	var err error
	if p.values, err = url.ParseQuery(r.URL.RawQuery); err != nil {
		p.mistake("the query cannot be read: %v", err)
	}
	return p
}

func (p *params) mistake(format string, args ...any) {
	p.wrong = append(p.wrong, fmt.Sprintf(format, args...))
}

// text returns a parameter that is given at most once; "" if it is not.
func (p *params) text(name string) string {
	p.known = append(p.known, name)
	switch all := p.values[name]; {
	case len(all) == 0:
		return ""
	case len(all) > 1:
		p.mistake("%s: it can be given once", name)
	case all[0] == "":
		p.mistake("%s: it is empty", name)
	default:
		return all[0]
	}
	return ""
}

// list returns a parameter that may be given several times; nil if it is not given.
func (p *params) list(name string) []string {
	p.known = append(p.known, name)
	return p.values[name]
}

// choice returns a parameter that is one of a few words; "" if it is not given.
func (p *params) choice(name string, words ...string) string {
	s := p.text(name)
	if s != "" && !slices.Contains(words, s) {
		p.mistake("%s: %q: there are %s", name, s, strings.Join(words, ", "))
		return ""
	}
	return s
}

// flag returns a parameter that is true or false; nil if it is not given.
func (p *params) flag(name string) *bool {
	s := p.choice(name, "true", "false")
	if s == "" {
		return nil
	}
	is := s == "true"
	return &is
}

// number returns a parameter that is a whole number in a range.
func (p *params) number(name string, otherwise, least, most int) int {
	s := p.text(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < least || n > most {
		p.mistake("%s: %q: it is a number from %d to %d", name, s, least, most)
		return otherwise
	}
	return n
}

// time returns a parameter that is a time, ms; 0 if it is not given.
func (p *params) time(name string) int64 {
	s := p.text(name)
	if s == "" {
		return 0
	}
	ms, ok := event.ParseTime(event.StringValue(s))
	if !ok {
		p.mistake("%s: %q is no time: write one such as 2026-01-05T10:00:00Z", name, s)
	}
	return ms
}

// end says what was wrong with the query, of everything that was asked for.
func (p *params) end() *Problem {
	for name := range p.values {
		if slices.Contains(p.known, name) {
			continue
		}
		switch meant := rules.DidYouMean(name, p.known); {
		case meant != "":
			p.mistake("there is no parameter %q: %s", name, meant)
		case len(p.known) == 0:
			p.mistake("there is no parameter %q: none is taken here", name)
		default:
			p.mistake("there is no parameter %q: there are %s", name, strings.Join(p.known, ", "))
		}
	}
	if p.wrong == nil {
		return nil
	}
	slices.Sort(p.wrong)
	return problem(http.StatusBadRequest, "query", "The query is wrong", "%s", strings.Join(p.wrong, "; "))
}
