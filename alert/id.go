package alert

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// ID derives an alert's id from the rule, the key, the time of opening and what opened it: the event's id, its
// position where it has none, or the window. Two alerts never share one: 128 bits of a SHA-256, so that nobody can
// hide an alert behind another's id by choosing keys.
func ID(rule string, key []string, opened int64, o Opener) string {
	var room [256]byte
	b := appendText(room[:0], rule)
	b = binary.AppendUvarint(b, uint64(len(key)))
	for _, k := range key {
		b = appendText(b, k)
	}
	b = binary.AppendVarint(b, opened)
	switch {
	case o.Window != nil:
		b = append(b, 'w')
		b = binary.AppendVarint(b, o.Window.Start)
		b = binary.AppendVarint(b, o.Window.End)
	case o.Event != "":
		b = appendText(append(b, 'e'), o.Event)
	default:
		b = appendText(append(b, 'p'), o.Position)
	}
	sum := sha256.Sum256(b)
	var text [32]byte
	hex.Encode(text[:], sum[:16])
	return string(text[:])
}

// appendText appends s with its length before it, so that no two lists of texts give the same bytes.
func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}
