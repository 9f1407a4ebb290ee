package engine

// SetBig sets from how many entries on windows have companions, and how many bytes those of each shard may take; 0 bytes
// turn them off.
func (e *Engine) SetBig(from int, limit int64) {
	for _, sh := range e.shards {
		sh.big.from, sh.big.limit = from, limit
	}
}

// Bigs returns how many logs have companions.
func (e *Engine) Bigs() (n int) {
	for _, sh := range e.shards {
		n += len(sh.big.logs)
	}
	return n
}
