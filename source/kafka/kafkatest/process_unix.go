//go:build unix

package kafkatest

import "syscall"

// signal stops the process of a node, or lets it go on.
func (n *node) signal(on bool) error {
	s := syscall.SIGSTOP
	if on {
		s = syscall.SIGCONT
	}
	return n.process.cmd.Process.Signal(s)
}
