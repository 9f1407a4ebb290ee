package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"kelpie/source"
	"kelpie/traffic"
)

// newShop returns a shop with a hundred events a second of its time, which passes ten times as fast as ours.
func newShop(t *testing.T, over <-chan struct{}) *shop {
	t.Helper()
	g, err := traffic.New(traffic.Config{Seed: 1, Rate: 100, Flat: true, Customers: 100})
	if err != nil {
		t.Fatal(err)
	}
	return &shop{g: g, start: traffic.DefaultStart, speed: 10, over: over}
}

// fetchAll reads a shop to its end.
func fetchAll(t *testing.T, s *shop) (all []*source.Batch) {
	t.Helper()
	for {
		b, err := s.Fetch(t.Context())
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
}

// TestShopKeepsTime lets two seconds pass: events come when they are due, as the lines of one file.
func TestShopKeepsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t, nil)
		s.length = 2 * time.Second
		began := time.Now()
		line, offset := int64(0), int64(0)
		for {
			b, err := s.Fetch(t.Context())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if due := traffic.DefaultStart + 10*time.Since(began).Milliseconds(); s.g.Now() > due+1000 {
				t.Fatalf("after %v the shop's clock is %d ms ahead", time.Since(began), s.g.Now()-due)
			}
			if b.Base != offset || b.Next.Offset != offset+int64(len(b.Buf)) || b.Next.Line != line+int64(len(b.Lines)) {
				t.Fatalf("a batch from byte %d to %+v follows byte %d, line %d", b.Base, b.Next, offset, line)
			}
			for i, l := range b.Lines {
				if line++; l.Offset != line || b.Buf[l.End] != '\n' || !bytes.HasPrefix(b.Record(i), []byte(`{"id":`)) {
					t.Fatalf("line %d is %d: %q", line, l.Offset, b.Record(i))
				}
			}
			offset = b.Next.Offset
		}
		if took := time.Since(began); took < 2*time.Second || took > 2*time.Second+shopBeat {
			t.Errorf("it took %v, want 2s", took)
		}
		if n := s.written.Load(); n != s.g.Written() || n < 1800 || n > 2200 {
			t.Errorf("%d events of %d that were generated, want about 2000", n, s.g.Written())
		}
	})
}

// TestShopEnds ends the stream from outside, while nothing is due: what has been generated is given out.
func TestShopEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		over := make(chan struct{})
		s := newShop(t, over)
		time.AfterFunc(time.Second, func() { close(over) })
		fetchAll(t, s)
		if n := s.written.Load(); n != s.g.Written() {
			t.Errorf("%d events were given out of %d that were generated", n, s.g.Written())
		}

		s = newShop(t, nil)
		s.speed = 1e-9 // nothing is due in any time
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		for {
			if _, err := s.Fetch(ctx); err != nil {
				if !errors.Is(err, context.Canceled) {
					t.Errorf("Fetch = %v", err)
				}
				return
			}
		}
	})
}

// TestShopRushes gives out a stream of two hours at once.
func TestShopRushes(t *testing.T) {
	g, err := traffic.New(traffic.Config{Seed: 1, Rate: 2, Flat: true, Duration: 2 * 3600_000, Customers: 100})
	if err != nil {
		t.Fatal(err)
	}
	all := fetchAll(t, &shop{g: g, start: traffic.DefaultStart, speed: 1, rush: true})
	if len(all) < 3 || len(all[0].Lines) != shopBatch {
		t.Errorf("%d batches, the first one of %d lines", len(all), len(all[0].Lines))
	}
}
