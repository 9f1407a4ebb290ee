package kafka

import "sync/atomic"

// ProducerStats count what a Producer has done since it was opened.
type ProducerStats struct {
	Requests int64 // that were acknowledged
	Failures int64 // attempts that failed, and are made again if that may help
	Records  int64 // that were acknowledged
	Bytes    int64 // of those records, unpacked
}

// written counts for ProducerStats.
type written struct{ requests, failures, records, bytes atomic.Int64 }

// Stats returns what has been written. Any goroutine may ask.
func (p *Producer) Stats() ProducerStats {
	w := &p.written
	return ProducerStats{Requests: w.requests.Load(), Failures: w.failures.Load(), Records: w.records.Load(), Bytes: w.bytes.Load()}
}

// acknowledged counts a chunk that was taken.
func (s *sending) acknowledged(chunk []int) {
	bytes := 0
	for _, i := range chunk {
		s.state[i].Reason = nil
		bytes += s.ms[i].size()
	}
	w := &s.p.written
	w.requests.Add(1)
	w.records.Add(int64(len(chunk)))
	w.bytes.Add(int64(bytes))
}
