package kafkatest

import "errors"

// signal has no means here.
func (n *node) signal(bool) error { return errors.New("kafkatest: a process cannot be stopped here") }
