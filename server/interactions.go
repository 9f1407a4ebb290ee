package server

import "net/http"

// interactionRoutes are what chats call when somebody presses a button. They prove by a signature who they are, so no token
// is asked for.
func (s *Server) interactionRoutes() []*Route {
	if s.o.Slack == nil {
		return nil
	}
	return []*Route{{Method: http.MethodPost, Path: "/v1/slack/interactions", Scope: Anyone, Handler: s.o.Slack.ServeHTTP}}
}
