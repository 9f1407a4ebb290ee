//go:build !linux

package kafkatest

import "syscall"

// dieWithParent has no means here: a test that is killed leaves its broker behind.
func dieWithParent() *syscall.SysProcAttr { return nil }
