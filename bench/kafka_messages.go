package main

import (
	"bytes"

	"kelpie/source/kafka"
)

// appendMessages appends a message for each line, under the key of its customer, or else of its service.
func appendMessages(ms []kafka.Message, lines []byte, now int64) []kafka.Message {
	for len(lines) > 0 {
		line, rest, _ := bytes.Cut(lines, []byte{'\n'})
		key := fieldOf(line, `"customer_id":"`)
		if key == nil {
			key = fieldOf(line, `"service":"`)
		}
		ms, lines = append(ms, kafka.Message{Key: key, Value: line, Time: now}), rest
	}
	return ms
}

// fieldOf returns the text behind the beginning of a member, nil if there is none.
func fieldOf(line []byte, begin string) []byte {
	_, rest, found := bytes.Cut(line, []byte(begin))
	if !found {
		return nil
	}
	value, _, _ := bytes.Cut(rest, []byte{'"'})
	return value
}
