package rules

import "kelpie/event"

// Message writes what an alert of the rule says as of env: the rule's own text, or, where it has none, the rule, the key,
// and what the rule looked at. key holds the texts of the rule's `by`. It says, too, what can be seen where in it.
func (r *Rule) Message(env *Env, key []string) (string, []Shown) {
	if r.Alert != nil {
		return r.Alert.Render(env, key)
	}
	m := message{b: append([]byte(nil), r.Name...)}
	sep := " for "
	for i, text := range key {
		m.b = append(m.b, sep...)
		from := len(m.b)
		m.b = append(m.b, cut(text)...)
		m.shown = see(m.shown, from, len(m.b), []string{r.By[i].String()})
		sep = ", "
	}
	m.seen(r, env)
	return string(m.b), m.shown
}

// message is a text that is being written.
type message struct {
	b     []byte
	shown []Shown
}

// seen appends the rule's facts and then the table fields that it reads, each with its value. What has none is left out,
// and so is a `previous` event.
func (m *message) seen(r *Rule, env *Env) {
	sep := ": "
	one := func(name string, v event.Value, shows []string) {
		m.b = append(append(append(m.b, sep...), name...), " = "...)
		from := len(m.b)
		m.b = appendShown(m.b, v)
		m.shown = see(m.shown, from, len(m.b), shows)
		sep = ", "
	}
	for i, f := range r.Facts {
		if v := env.Facts[i]; f.Agg != "previous" && !v.IsMissing() {
			one(f.Name, v, f.Shows)
		}
	}
	for i := range r.TableRefs {
		t := &r.TableRefs[i]
		if v := env.Tables[i]; !v.IsMissing() {
			one(t.Name, v, t.Shows)
		}
	}
}
