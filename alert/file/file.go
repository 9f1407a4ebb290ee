// Package file appends alerts to a file of JSON lines.
//
// A line is whole and on the disk before its message counts as delivered. A line that a crash has torn is cut off
// when the file is opened. A message that is sent again, because a crash came between the line and the note that it was
// delivered, is not written twice if it is among the newest ones of the file.
package file

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"kelpie/alert"
)

// tailSize is how much of the end of the file is looked at when it is opened, bytes.
const tailSize = 4 << 20

// Notifier appends to a file.
type Notifier struct {
	path string
	f    *os.File        // nil after a failure
	end  int64           // of the last line that is on the disk
	buf  []byte          // lines since the last flush
	seen map[string]bool // keys of the messages that the file's tail had when it was opened
}

// New returns a notifier that appends to the file at path, which is made where there is none.
func New(path string) (*Notifier, error) {
	n := &Notifier{path: path}
	if err := n.open(); err != nil {
		return nil, fmt.Errorf("file: %w", err)
	}
	return n, nil
}

// Notify implements alert.Notifier. The message is delivered by the next Flush.
func (n *Notifier) Notify(_ context.Context, m alert.Message) (retry bool, err error) {
	if n.seen[m.Key] {
		return false, nil
	}
	line, err := alert.EncodeMessage(m)
	if err != nil {
		return false, fmt.Errorf("file: %w", err)
	}
	n.buf = append(append(n.buf, line...), '\n')
	return false, nil
}

// Flush implements alert.Flusher: it writes the lines and syncs the file. After an error none of them counts, and what
// has been written of them is cut off.
func (n *Notifier) Flush(context.Context) error {
	err := n.write()
	n.buf = n.buf[:0]
	if err == nil {
		return nil
	}
	if n.f != nil {
		err = errors.Join(err, n.f.Truncate(n.end))
		n.close()
	}
	return fmt.Errorf("file: %w", err)
}

func (n *Notifier) write() error {
	if err := n.reopen(); err != nil {
		return err
	}
	if _, err := n.f.WriteAt(n.buf, n.end); err != nil {
		return err
	}
	if err := n.f.Sync(); err != nil {
		return err
	}
	n.end += int64(len(n.buf))
	return nil
}

// reopen opens the file again if it failed, or if it has been moved away (as log rotation does).
func (n *Notifier) reopen() error {
	if n.f != nil {
		now, err := os.Stat(n.path)
		if err == nil {
			if was, err := n.f.Stat(); err == nil && os.SameFile(was, now) {
				return nil
			}
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		n.close()
	}
	return n.open()
}

func (n *Notifier) open() error {
	f, err := os.OpenFile(n.path, os.O_RDWR|os.O_CREATE, 0o640)
	if err != nil {
		return err
	}
	n.f = f
	if err := n.repair(); err != nil {
		n.close()
		return fmt.Errorf("repair %q: %w", n.path, err)
	}
	return nil
}

// repair cuts a torn last line off and remembers the keys of the newest messages.
func (n *Notifier) repair() error {
	info, err := n.f.Stat()
	if err != nil {
		return err
	}
	from := max(0, info.Size()-tailSize)
	tail := make([]byte, info.Size()-from)
	if _, err := n.f.ReadAt(tail, from); err != nil && err != io.EOF {
		return err
	}
	whole := bytes.LastIndexByte(tail, '\n') + 1
	if whole == 0 && from > 0 {
		return fmt.Errorf("the last %d bytes are not JSON lines", tailSize)
	}
	n.end = from + int64(whole)
	if info.Size() == 0 {
		if err := syncFolder(filepath.Dir(n.path)); err != nil {
			return err
		}
	}
	if n.end < info.Size() {
		if err := errors.Join(n.f.Truncate(n.end), n.f.Sync()); err != nil {
			return err
		}
	}
	n.seen = keysOf(tail[:whole])
	return nil
}

// syncFolder makes a new file's name durable.
func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// keysOf returns the keys of the messages in lines. Lines that are no messages are somebody else's and left alone.
func keysOf(lines []byte) map[string]bool {
	seen := map[string]bool{}
	for line := range bytes.Lines(lines) {
		var m struct {
			Key string `json:"message_key"`
		}
		if json.Unmarshal(line, &m) == nil && m.Key != "" {
			seen[m.Key] = true
		}
	}
	return seen
}

func (n *Notifier) close() {
	if n.f != nil {
		n.f.Close() // nothing of it counts that is not synced
		n.f = nil
	}
}

// Close closes the file.
func (n *Notifier) Close() error {
	if n.f == nil {
		return nil
	}
	err := n.f.Close()
	n.f = nil
	return err
}
