package server

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
)

// bearer is a token as it is compared: by its hash, so that how long that takes says nothing of it.
type bearer struct {
	name   string
	hash   [sha256.Size]byte
	scopes []Scope
}

func bearers(tokens []Token) (all []bearer) {
	for _, t := range tokens {
		all = append(all, bearer{t.Name, sha256.Sum256([]byte(t.Token.Reveal())), t.Scopes})
	}
	return all
}

// admit lets a request in that may come to the route, with the name of its caller, or says why not.
func (s *Server) admit(rt *Route, r *http.Request) (*http.Request, *Problem) {
	if p := s.checkOrigin(rt, r); p != nil {
		return r, p
	}
	login := s.session(rt, r)
	if login != nil {
		r = r.WithContext(context.WithValue(r.Context(), sessionKey{}, login))
	}
	if rt.Scope == Anyone || len(s.tokens) == 0 {
		return r, nil
	}
	who := s.identify(r)
	if who == nil && login != nil {
		who = login.who
	}
	if who == nil && rt.Page && wantsPage(r) {
		return r, toLogin(r)
	}
	if who == nil {
		return r, problem(http.StatusUnauthorized, "unauthorized", "A token is needed",
			"send the header Authorization: Bearer TOKEN, with a token of http.tokens").with("WWW-Authenticate", `Bearer realm="kelpie"`)
	}
	if !slices.Contains(who.scopes, rt.Scope) {
		return r, problem(http.StatusForbidden, "forbidden", "The token does not allow this",
			"the scope %s is needed; %s has %s", rt.Scope, who.name, join(who.scopes)).
			with("WWW-Authenticate", `Bearer realm="kelpie", error="insufficient_scope", scope="`+string(rt.Scope)+`"`)
	}
	return r.WithContext(context.WithValue(r.Context(), callerKey{}, who.name)), nil
}

// identify returns whose token a request bears; nil if it has none that is known.
func (s *Server) identify(r *http.Request) *bearer {
	given := r.Header.Values("Authorization")
	if len(given) != 1 || len(given[0]) > longestToken+len("Bearer ") {
		return nil
	}
	scheme, token, _ := strings.Cut(given[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil
	}
	return s.bearerOf(strings.TrimSpace(token))
}

// bearerOf returns whose token it is; nil if it is not known. All tokens are compared, whichever it is.
func (s *Server) bearerOf(token string) (who *bearer) {
	hash := sha256.Sum256([]byte(token))
	for i := range s.tokens {
		if subtle.ConstantTimeCompare(hash[:], s.tokens[i].hash[:]) == 1 {
			who = &s.tokens[i]
		}
	}
	return who
}

type callerKey struct{}

// Caller returns the name of the token that a request came with; "" if there are no tokens.
func Caller(ctx context.Context) string {
	name, _ := ctx.Value(callerKey{}).(string)
	return name
}

func join(all []Scope) string {
	var b strings.Builder
	for i, s := range all {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(s))
	}
	return b.String()
}
