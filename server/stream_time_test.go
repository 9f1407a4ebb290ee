package server

import (
	"bufio"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"kelpie/state"
)

// streaming serves streams of a store without messages, in the time of a bubble.
func streaming(t *testing.T, test func(d *desk)) {
	synctest.Test(t, func(t *testing.T) {
		s, err := state.Open("state", state.Options{FS: vfs.NewMem(), Cache: 1 << 20, MemTable: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		d := newDeskOf(t, func(o *Options) { o.Store = s })
		test(d)
		d.end()
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// listen asks for the stream and reads up to the end of what it begins with.
func (d *desk) listen() (net.Conn, *bufio.Reader) {
	d.t.Helper()
	c := d.dial()
	if _, err := io.WriteString(c, "GET /v1/stream HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		d.t.Fatal(err)
	}
	r := bufio.NewReader(c)
	for line := ""; line != "retry: 2000\n"; {
		var err error
		if line, err = r.ReadString('\n'); err != nil {
			d.t.Fatal(err)
		}
	}
	return c, r
}

// TestStreamBeats listens to a stream on which nothing happens: it says every 15 seconds that it is there.
func TestStreamBeats(t *testing.T) {
	streaming(t, func(d *desk) {
		began := time.Now()
		c, r := d.listen()
		for i := 1; i <= 3; i++ {
			for line := ""; line != ":\n"; {
				var err error
				if line, err = r.ReadString('\n'); err != nil {
					t.Fatal(err)
				}
			}
			if got, want := time.Since(began), time.Duration(i)*streamBeat; got != want {
				t.Errorf("beat %d comes after %v, not %v", i, got, want)
			}
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * streamBeat) // a listener that has gone is noticed by the next beat at the latest
		synctest.Wait()
		if n := d.server.streams.Load(); n != 0 {
			t.Errorf("%d streams are open after the listener has gone", n)
		}
	})
}

// TestStreamCutsOff listens and then reads nothing more: the first beat is not taken for ten seconds, and that is the end.
// Another listener is not disturbed.
func TestStreamCutsOff(t *testing.T) {
	streaming(t, func(d *desk) {
		c, _ := d.listen()
		other, r := d.listen()
		go func() { _, _ = io.Copy(io.Discard, r) }()
		open := func(after time.Duration, want int64) {
			t.Helper()
			time.Sleep(after)
			synctest.Wait()
			if n := d.server.streams.Load(); n != want {
				t.Errorf("%d streams are open, not %d", n, want)
			}
		}
		open(streamBeat+streamWrite-time.Second, 2)
		open(2*time.Second, 1)
		open(10*streamBeat, 1)
		for _, x := range []net.Conn{c, other} {
			if err := x.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}
