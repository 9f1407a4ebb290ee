package server

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kelpie/journal"
)

const anEvent = `{"type":"x","time":"2000-01-01T00:00:00Z"}`

// TestSlowClients sends slowly, or nothing, and wants the connection to end in time.
func TestSlowClients(t *testing.T) {
	f := func(name string, write func(io.Writer), wantStatus int, least, most time.Duration) {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, nil)
				defer d.end()
				answer, took := d.say(d.dial(), write)
				if status(answer) != wantStatus || took < least || took > most {
					t.Errorf("after %v: %q", took, answer)
				}
				synctest.Wait()
				if n := d.server.Stats().Connections; n != 0 {
					t.Errorf("%d connections are open", n)
				}
			})
		})
	}
	const s = time.Second
	closing := "Connection: close"
	f("nothing", text(""), 0, 9*s, 11*s)
	f("half a header", text("POST /v1/events HTTP/1.1\r\nHost: loc"), 0, 9*s, 11*s)
	f("a header byte by byte", slowly(request(anEvent, closing), 1, s), 400, 9*s, 11*s)
	f("no body", text(request(anEvent, closing)[:len(request(anEvent, closing))-len(anEvent)]), 408, 9*s, 11*s)
	f("a body byte by byte", slowly(request(strings.Repeat(anEvent, 100), closing), 150, s), 408, 9*s, 12*s)
	f("a body that is slow enough", slowly(request("["+strings.Repeat(anEvent+",", 10_000)+anEvent+"]", closing), 20_000, s), 200, 19*s, 25*s)
	f("a body that nobody wants", slowly(strings.Replace(request(strings.Repeat(" ", 1000)+anEvent, closing), "POST /v1/events", "GET /healthz", 1), 200, 5*s), 200, 0, 20*s)
	f("a body that never comes", text("GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"), 200, 9*s, 11*s)
	f("after an answer", text(request(anEvent, "X: y")), 200, 110*s, 130*s)
}

// slowly writes a text in pieces, with a pause before each but the first.
func slowly(s string, piece int, pause time.Duration) func(io.Writer) {
	return func(w io.Writer) {
		for len(s) > 0 {
			n := min(piece, len(s))
			if _, err := io.WriteString(w, s[:n]); err != nil {
				return
			}
			s = s[n:]
			time.Sleep(pause)
		}
	}
}

// TestNobodyReads lets a client not read its answer.
func TestNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, nil)
		defer d.end()
		c := d.dial()
		if _, err := io.WriteString(c, request(anEvent, "X: y")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(answerTimeout + time.Second)
		synctest.Wait()
		if n := d.server.Stats().Connections; n != 0 {
			t.Errorf("%d connections are open", n)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestGone lets a client go before its event is durable: nobody waits for it, and its memory is given back when the event
// has been folded.
func TestGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, nil)
		defer d.end()
		d.shelf.hold = true
		c := d.dial()
		if _, err := io.WriteString(c, request(anEvent, "X: y")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if s := d.server.Stats(); s.Connections != 0 || s.Memory == 0 || len(d.server.requests) != 0 {
			t.Errorf("%d connections, %d bytes, %d requests", s.Connections, s.Memory, len(d.server.requests))
		}
		d.shelf.release(nil)
		if n := d.server.Stats().Memory; n != 0 {
			t.Errorf("%d bytes are not given back", n)
		}
	})
}

// TestNotDurable lets the log take too long, and fail.
func TestNotDurable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, nil)
		defer d.end()
		d.shelf.hold = true
		answer, took := d.say(d.dial(), text(request(anEvent, "Connection: close")))
		if status(answer) != http.StatusServiceUnavailable || !strings.Contains(answer, "urn:kelpie:unknown") || took != appendTimeout {
			t.Errorf("after %v: %s", took, answer)
		}
		d.shelf.release(nil)
		d.shelf.err = journal.ErrDiskFull
		answer, _ = d.say(d.dial(), text(request(anEvent, "Connection: close")))
		if status(answer) != http.StatusServiceUnavailable || !strings.Contains(answer, "urn:kelpie:disk-full") || !strings.Contains(answer, "Retry-After: 5") {
			t.Error(answer)
		}
	})
}

// TestStops ends the server while a request waits, and another client is silent.
func TestStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, nil)
		d.shelf.hold = true
		silent := d.dial()
		answers := make(chan string)
		go func() {
			a, _ := d.say(d.dial(), text(request(anEvent, "X: y")))
			answers <- a
		}()
		synctest.Wait()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			d.end()
		}()
		synctest.Wait()
		select {
		case <-d.server.Stopping():
		default:
			t.Error("nobody is told that it stops")
		}
		d.shelf.release(nil)
		if a := <-answers; status(a) != http.StatusOK {
			t.Error(a)
		}
		<-ended
		if err := silent.Close(); err != nil {
			t.Error(err)
		}
	})
}
