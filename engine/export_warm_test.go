package engine

// NearTheEnd returns options with which the loop folds at most so many records of a fill itself.
func (o WarmOptions) NearTheEnd(n int64) *WarmOptions {
	o.near = n
	return &o
}
