package server

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestConnections opens more connections than there may be: those beyond are closed at once, and one that ends makes room.
func TestConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, func(s *Spec) { s.Connections = 2 })
		defer d.end()
		one, two := d.dial(), d.dial()
		if answer, took := d.say(d.dial(), text("")); answer != "" || took != 0 {
			t.Errorf("%q after %v", answer, took)
		}
		if s := d.server.Stats(); s.Connections != 2 || s.TurnedAway != 1 {
			t.Errorf("%+v", s)
		}
		if err := one.Close(); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if answer, _ := d.say(d.dial(), text(request(anEvent, "Connection: close"))); status(answer) != http.StatusOK {
			t.Error(answer)
		}
		if err := two.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestRequests sends more requests than are worked on at once: the next one waits for its turn, and not for ever.
func TestRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, func(s *Spec) { s.Requests = 1 })
		defer d.end()
		d.shelf.hold = true
		first := make(chan string)
		go func() {
			a, _ := d.say(d.dial(), text(request(anEvent, "Connection: close")))
			first <- a
		}()
		synctest.Wait()
		answer, took := d.say(d.dial(), text(request(anEvent, "Connection: close")))
		if status(answer) != http.StatusTooManyRequests || !strings.Contains(answer, "Retry-After: 1") || took != placeTimeout {
			t.Errorf("after %v: %s", took, answer)
		}
		if answer, _ := d.say(d.dial(), text("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")); status(answer) != http.StatusOK {
			t.Error(answer)
		}
		second := make(chan string)
		go func() {
			a, _ := d.say(d.dial(), text(request(anEvent, "Connection: close")))
			second <- a
		}()
		synctest.Wait()
		d.shelf.release(nil)
		for _, c := range []chan string{first, second} {
			if a := <-c; status(a) != http.StatusOK {
				t.Error(a)
			}
		}
	})
}

// TestMemory lets bodies take all the memory that they have, and wants the next one to be told, and all of it back.
func TestMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, func(s *Spec) { s.MaxBody, s.Memory = 1<<20, 4<<20 })
		defer d.end()
		d.shelf.hold = true
		body := "[" + strings.Repeat(anEvent+",", 20_000) + anEvent + "]"
		codes := map[int]int{}
		answers := make(chan string)
		for range 8 {
			go func() {
				a, _ := d.say(d.dial(), text(request(body, "Connection: close")))
				answers <- a
			}()
		}
		synctest.Wait()
		if n := d.server.Stats().Memory; n > 4<<20 {
			t.Errorf("%d bytes", n)
		}
		go func() {
			time.Sleep(time.Second)
			d.shelf.release(nil)
		}()
		for range 8 {
			codes[status(<-answers)]++
		}
		if codes[http.StatusOK] < 2 || codes[http.StatusServiceUnavailable] < 1 || codes[http.StatusOK]+codes[http.StatusServiceUnavailable] != 8 {
			t.Errorf("%v", codes)
		}
		if n := d.server.Stats().Memory; n != 0 {
			t.Errorf("%d bytes are not given back", n)
		}
	})
}

// TestLargeHeaders sends headers without end.
func TestLargeHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(t, nil)
		defer d.end()
		for name, head := range map[string]string{
			"one":  "X: " + strings.Repeat("x", 64<<10) + "\r\n",
			"many": strings.Repeat("X: y\r\n", 20_000),
			"line": "",
		} {
			line := "/healthz"
			if name == "line" {
				line += "?" + strings.Repeat("x", 64<<10)
			}
			answer, _ := d.say(d.dial(), text("GET "+line+" HTTP/1.1\r\nHost: localhost\r\n"+head+"\r\n"))
			if status(answer) != http.StatusRequestHeaderFieldsTooLarge {
				t.Errorf("%s: %.200s", name, answer)
			}
		}
	})
}

// TestSmuggling sends requests that two readers could understand in two ways, each with another one behind it: no such
// request is answered, and none behind it either.
func TestSmuggling(t *testing.T) {
	hidden := request(anEvent, "X: hidden")
	head := "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
	chunk := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(anEvent), anEvent)
	for name, text := range map[string]string{
		"two lengths":           head + fmt.Sprintf("Content-Length: %d\r\nContent-Length: 5\r\n\r\n%s", len(anEvent), anEvent),
		"a list of lengths":     head + fmt.Sprintf("Content-Length: %d, 5\r\n\r\n%s", len(anEvent), anEvent),
		"a signed length":       head + fmt.Sprintf("Content-Length: +%d\r\n\r\n%s", len(anEvent), anEvent),
		"a negative length":     head + "Content-Length: -1\r\n\r\n" + anEvent,
		"a hexadecimal length":  head + "Content-Length: 0x2a\r\n\r\n" + anEvent,
		"two encodings":         head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + chunk,
		"an unknown encoding":   head + "Transfer-Encoding: xchunked\r\n\r\n" + chunk,
		"a list of encodings":   head + "Transfer-Encoding: identity, chunked\r\n\r\n" + chunk,
		"a space in a name":     head + "Transfer-Encoding : chunked\r\n\r\n" + chunk,
		"two hosts":             head + "Host: other\r\n\r\n",
		"no host":               "GET /healthz HTTP/1.1\r\n\r\n",
		"another protocol":      "GET /healthz SMTP/1.1\r\nHost: localhost\r\n\r\n",
		"no name":               head + ": chunked\r\n\r\n",
		"a NUL":                 head + "X: a\x00b\r\n\r\n",
		"a chunk without size":  head + "Transfer-Encoding: chunked\r\n\r\n\r\n" + anEvent + "\r\n0\r\n\r\n",
		"a chunk that is large": head + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n" + anEvent + "\r\n0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(t, nil)
				defer d.end()
				answer, _ := d.say(d.dial(), func(w io.Writer) { _, _ = io.WriteString(w, text+hidden) })
				if code := status(answer); code < 400 {
					t.Errorf("answered %q", answer)
				}
				if n := strings.Count(answer, "HTTP/1.1 "); n != 1 || d.shelf.next != 0 {
					t.Errorf("%d answers, %d events: %q", n, d.shelf.next, answer)
				}
			})
		})
	}
	t.Run("length and encoding", func(t *testing.T) { // read by its encoding, and nothing behind it is (RFC 9112, 6.1)
		synctest.Test(t, func(t *testing.T) {
			d := newDesk(t, nil)
			defer d.end()
			answer, _ := d.say(d.dial(), func(w io.Writer) {
				_, _ = io.WriteString(w, head+fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n", len(chunk)+len(hidden))+chunk+hidden)
			})
			if status(answer) != http.StatusOK || strings.Count(answer, "HTTP/1.1 ") != 1 || d.shelf.next != 1 {
				t.Errorf("%d events: %q", d.shelf.next, answer)
			}
		})
	})
}
