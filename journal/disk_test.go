package journal

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// holdEnv names a log that the test binary opens and holds, instead of testing.
const holdEnv = "JOURNAL_TEST_HOLD"

// TestSecondProcessOnDisk opens a log that another process has open.
func TestSecondProcessOnDisk(t *testing.T) {
	if dir := os.Getenv(holdEnv); dir != "" {
		hold(t, dir)
		return
	}
	dir := filepath.Join(t.TempDir(), "log")
	cmd := exec.Command(os.Args[0], "-test.run=^TestSecondProcessOnDisk$")
	cmd.Env = append(os.Environ(), holdEnv+"="+dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "held\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	_, err = Open(dir, Options{})
	if want := fmt.Sprintf("process %d", cmd.Process.Pid); !errors.Is(err, ErrInUse) || !strings.Contains(err.Error(), want) {
		t.Errorf("Open says %v, want %q", err, want)
	}
	if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
		t.Error(err)
	}
	l, err := Open(dir, Options{})
	if err != nil {
		t.Fatalf("after the other process has ended: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// hold is the other process: it holds the log until its standard input ends.
func hold(t *testing.T, dir string) {
	l, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("held")
	_, _ = os.Stdin.Read(make([]byte, 1))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestOnDisk writes, tears and goes on on the real file system, where what is torn is given back to the disk.
func TestOnDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	o := Options{BlockSize: 1000, SegmentSize: 9000}
	reopen := func() *Log {
		l, err := Open(dir, o)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	end := func(l *Log) {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	l := reopen()
	for i := 0; i < 60; i += 6 {
		appendBatch(t, l, batch(i, i+6, "f", -1))
	}
	name := filepath.Join(dir, l.newest().name)
	end(l)
	before, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(make([]byte, 5000)); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	l = reopen()
	if got := l.Stats().Cut; got != 5000 {
		t.Errorf("%d bytes were cut, want 5000", got)
	}
	if after, err := os.Stat(name); err != nil || after.Size() != before.Size() {
		t.Errorf("the segment has %d bytes after the cut, and had %d", after.Size(), before.Size())
	}
	appendBatch(t, l, batch(60, 66, "f", -1))
	end(l)
	l = reopen()
	defer end(l)
	expectRecords(t, readAll(t, l.NewReader(0)), 0, 66)
	if r, err := Verify(dir, nil); err != nil || !r.OK() || r.Next != 66 {
		t.Errorf("Verify = %+v, %v", r, err)
	}
}
