//go:build unix

package event

import (
	"syscall"
	"testing"
)

// TestNoReadBeyondEnd decodes events, and what is left of them when they are cut, that end where readable memory
// ends: a read beyond would crash the test.
func TestNoReadBeyondEnd(t *testing.T) {
	page := syscall.Getpagesize()
	mem, err := syscall.Mmap(-1, 0, 3*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Munmap(mem)
	for _, guard := range [][]byte{mem[:page], mem[2*page:]} {
		if err := syscall.Mprotect(guard, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	d := newDecoder(t, benchPaths...)
	lines := append(shopEvents(10), []byte(`{"type":"a","time":1}`), []byte(`{"type":"x","time":"2026-01-05T10:00:00.5+01:00","amount":1.5e10,"s":"\ud83e\udd85","l":[true,null]}`))
	var r Record
	for range 2 {
		for _, line := range lines {
			for n := range len(line) + 1 {
				b := mem[2*page-n : 2*page : 2*page]
				copy(b, line)
				if ref := d.Decode(b, &r); (ref == nil) != (n == len(line)) {
					t.Fatalf("%s: %v", b, ref)
				}
				b = mem[page : page+n : page+n]
				copy(b, line)
				if ref := d.Decode(b, &r); (ref == nil) != (n == len(line)) {
					t.Fatalf("%s: %v", b, ref)
				}
			}
		}
	}
}
