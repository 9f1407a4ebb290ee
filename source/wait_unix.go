//go:build unix

package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// waiter reads from a pipe or a terminal, and stops waiting for it when its context ends: a read could not be stopped.
type waiter struct {
	ctx  context.Context
	file *os.File
	wake *os.File // readable when the context has ended; nil if there is none
}

// newWaiter returns a reader of file. What it needs is closed with in.
func newWaiter(ctx context.Context, file *os.File, in *input) io.Reader {
	w := &waiter{ctx: ctx, file: file}
	wake, ring, err := os.Pipe()
	if err != nil {
		return file // then Close waits for the read that is under way
	}
	w.wake = wake
	stop := context.AfterFunc(ctx, func() { _ = ring.Close() })
	in.closes = append(in.closes, func() error {
		err := wake.Close()
		if stop() {
			err = errors.Join(err, ring.Close())
		}
		return err
	})
	return w
}

// Read implements io.Reader.
func (w *waiter) Read(p []byte) (int, error) {
	if err := w.wait(); err != nil {
		return 0, err
	}
	return w.file.Read(p)
}

// wait waits until there is something to read, or the context ends.
func (w *waiter) wait() error {
	fds := make([]unix.PollFd, 2)
	for i, f := range []*os.File{w.file, w.wake} {
		c, err := f.SyscallConn()
		if err == nil {
			err = c.Control(func(fd uintptr) { fds[i] = unix.PollFd{Fd: int32(fd), Events: unix.POLLIN} })
		}
		if err != nil {
			return fmt.Errorf("wait: %w", err)
		}
	}
	for {
		_, err := unix.Poll(fds, -1)
		if errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) {
			continue
		}
		if err != nil {
			return fmt.Errorf("wait: %w", err)
		}
		return w.ctx.Err()
	}
}
