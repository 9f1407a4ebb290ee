package rules

import "strings"

// Message writes what an alert of the rule says as of env: the rule's own text, or, where it has none, the rule, the key,
// and what the rule looked at. key holds the texts of the rule's `by`.
func (r *Rule) Message(env *Env, key []string) string {
	if r.Alert != nil {
		return r.Alert.Render(env, key)
	}
	b := append([]byte(nil), r.Name...)
	if len(key) > 0 {
		b = append(append(b, " for "...), cut(strings.Join(key, ", "))...)
	}
	return string(r.appendSeen(b, env))
}

// appendSeen appends the rule's facts and then the table fields that it reads, each with its value. What has none is left
// out, and so is a `previous` event.
func (r *Rule) appendSeen(b []byte, env *Env) []byte {
	sep := ": "
	for i, f := range r.Facts {
		if v := env.Facts[i]; f.Agg != "previous" && !v.IsMissing() {
			b = appendShown(append(append(append(b, sep...), f.Name...), " = "...), v)
			sep = ", "
		}
	}
	for i, t := range r.TableRefs {
		if v := env.Tables[i]; !v.IsMissing() {
			b = appendShown(append(append(append(b, sep...), t.Name...), " = "...), v)
			sep = ", "
		}
	}
	return b
}
