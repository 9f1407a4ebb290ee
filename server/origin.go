package server

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// checkOrigin refuses what a browser sends for a page of another site. A program sends none of the headers that are looked
// at, but for Host: without tokens this must be a name of this machine, because a name that a site had pointed here
// (DNS rebinding) would make its pages ours.
func (s *Server) checkOrigin(rt *Route, r *http.Request) *Problem {
	if len(s.tokens) == 0 && !s.isOurHost(r.Host) {
		return problem(http.StatusMisdirectedRequest, "host", "Not this host",
			"without tokens the API answers as localhost, 127.0.0.1 or as http.url says, not as %q", r.Host)
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return nil
	case "":
		origin := r.Header.Get("Origin")
		if origin == "" || s.isOurOrigin(origin, r.Host) {
			return nil
		}
	}
	navigates := (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.Header.Get("Sec-Fetch-Mode") == "navigate"
	if rt.Page && navigates {
		return nil
	}
	return problem(http.StatusForbidden, "origin", "Not from another site", "a page of another site cannot use the API")
}

// isOurOrigin reports whether an Origin is that of our own pages: of the host that the request names, or of http.url.
func (s *Server) isOurOrigin(origin, host string) bool {
	if base, err := url.Parse(s.o.Spec.Base()); err == nil && strings.EqualFold(origin, base.Scheme+"://"+base.Host) {
		return true
	}
	o, err := url.Parse(origin)
	return err == nil && o.Host != "" && strings.EqualFold(o.Host, host)
}

// hostsOf returns the hosts that requests may name beside those of the loopback.
func hostsOf(spec Spec) map[string]bool {
	hosts := map[string]bool{}
	if u, err := url.Parse(spec.URL); err == nil && u.Host != "" {
		hosts[strings.ToLower(u.Hostname())] = true
	}
	return hosts
}

func (s *Server) isOurHost(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	return isLoopback(name) || s.hosts[strings.ToLower(name)]
}
