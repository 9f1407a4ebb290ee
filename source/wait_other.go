//go:build !unix

package source

import (
	"context"
	"io"
	"os"
)

// newWaiter returns a reader of file. A read that waits cannot be stopped here.
func newWaiter(_ context.Context, file *os.File, _ *input) io.Reader { return file }
