package window

import "github.com/zeebo/xxh3"

// Hash128 is the hash of a key text by which distinct and unseen compare values: two different texts of one window
// share it with a probability of about 2^-128 each, so that it stands for the text itself.
type Hash128 struct{ Lo, Hi uint64 }

// HashText returns the hash of a key text.
func HashText(key []byte) Hash128 {
	h := xxh3.Hash128(key)
	return Hash128{Lo: h.Lo, Hi: h.Hi}
}
