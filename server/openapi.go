package server

import (
	_ "embed"
	"net/http"
)

// openAPI describes the API: OpenAPI 3.1.
//
//go:embed openapi.json
var openAPI []byte

func (s *Server) openAPIRoutes() []*Route {
	return []*Route{{Method: http.MethodGet, Path: "/v1/openapi.json", Scope: Anyone, Free: true, Handler: func(w http.ResponseWriter, _ *http.Request) {
		writeBytes(w, openAPI)
	}}}
}
