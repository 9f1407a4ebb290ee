package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// TestMake: a folder that has been made is there after a crash that takes away all that was not synced.
func TestMake(t *testing.T) {
	mem := vfs.NewCrashableMem()
	for range 2 { // once more changes nothing
		if err := Make(mem, "a/b/c"); err != nil {
			t.Fatal(err)
		}
	}
	left := mem.CrashClone(vfs.CrashCloneCfg{})
	if st, err := left.Stat("a/b/c"); err != nil || !st.IsDir() {
		t.Errorf("after a crash: %v", err)
	}
	f, err := mem.Create("a/file", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Make(mem, "a/file/d"); err == nil {
		t.Error("a folder was made below a file")
	}
}

func TestSync(t *testing.T) {
	mem := vfs.NewCrashableMem()
	if err := Make(mem, "a"); err != nil {
		t.Fatal(err)
	}
	if err := NoteOwner(mem, "a"); err != nil {
		t.Fatal(err)
	}
	there := func() bool {
		_, err := mem.CrashClone(vfs.CrashCloneCfg{}).Stat("a/OWNER")
		return err == nil
	}
	if there() {
		t.Error("a file survives a crash that nobody synced")
	}
	if err := Sync(mem, "a"); err != nil || !there() {
		t.Errorf("after a sync: %v, %v", there(), err)
	}
	if err := Sync(mem, "missing"); err == nil {
		t.Error("a folder that is not there was synced")
	}
}

func TestOwner(t *testing.T) {
	mem := vfs.NewMem()
	if got := Owner(mem, "."); got != "another process" {
		t.Errorf("nobody noted: %s", got)
	}
	if err := NoteOwner(mem, "."); err != nil {
		t.Fatal(err)
	}
	if got, want := Owner(mem, "."), fmt.Sprintf("process %d", os.Getpid()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	f, err := mem.Create("OWNER", vfs.WriteCategoryUnspecified)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("me")); err != nil {
		t.Fatal(err)
	}
	if got := Owner(mem, "."); got != "another process" {
		t.Errorf("of something that is no number: %s", got)
	}
	if err := NoteOwner(mem, "missing"); err == nil {
		t.Error("noted in a folder that is not there")
	}
}

// TestIsTaken asks the file systems themselves what they say of a lock that somebody has.
func TestIsTaken(t *testing.T) {
	for name, fsys := range map[string]vfs.FS{"memory": vfs.NewMem(), "disk": vfs.Default} {
		path := "LOCK"
		if name == "disk" {
			path = filepath.Join(t.TempDir(), path)
		}
		lock, err := fsys.Lock(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fsys.Lock(path); !IsTaken(err) {
			t.Errorf("%s: %v is no lock that is taken", name, err)
		}
		if err := lock.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, err := range []error{nil, errors.New("disk on fire"), &fs.PathError{Op: "open", Path: "LOCK", Err: syscall.EACCES}} {
		if IsTaken(err) {
			t.Errorf("%v is taken for a lock that somebody has", err)
		}
	}
	if !IsTaken(syscall.EAGAIN) {
		t.Error("another process's lock is not known as such")
	}
}
