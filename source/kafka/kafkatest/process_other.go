//go:build !linux

package kafkatest

import (
	"syscall"
	"time"
)

// dieWithParent has no means here: a test that is killed leaves its broker behind.
func dieWithParent() *syscall.SysProcAttr { return nil }

// cpu is not known here.
func cpu(int) time.Duration { return 0 }
