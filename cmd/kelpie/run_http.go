package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"kelpie/config"
	"kelpie/engine"
	"kelpie/server"
)

// web answers on the metrics' address. The zero web has none, and answers nobody.
type web struct {
	listener net.Listener
	server   *http.Server
}

// listen takes the address, so that it is known at once if somebody else has it.
func (h *house) listen(s *engine.Service, api *server.Server, address string) (*web, error) {
	if address == config.Off {
		return &web{}, nil
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w: name another address, metrics.listen, or off", err)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(newMetrics(h, s, api), collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	var health server.Health = remarking{s, h.copies}
	if api != nil {
		health = api
	}
	mux.HandleFunc("GET /healthz", server.Healthz(health))
	mux.HandleFunc("GET /readyz", server.Readyz(health))
	h.out.Info("kelpie: listening", "address", l.Addr(), "paths", "/metrics /healthz /readyz")
	return &web{l, &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: time.Minute}}, nil
}

// serve answers until ctx is done.
func (w *web) serve(ctx context.Context) error {
	if w.server == nil {
		return nil
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := w.server.Serve(w.listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("metrics: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		soon, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		if err := w.server.Shutdown(soon); err != nil { // somebody is slow
			return w.server.Close()
		}
		return nil
	})
	return group.Wait()
}
