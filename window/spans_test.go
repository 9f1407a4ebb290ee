package window

import "testing"

// TestSpansFind counts the spans before a time, wherever it lies.
func TestSpansFind(t *testing.T) {
	for n := range 6 {
		s := Spans{Block: make([]byte, SpansSize(n, SpanHeader)), Width: SpanHeader}
		for i := range n {
			s.Insert(i, int64(10*i), int64(10*i+10))
		}
		for at := int64(-1); at < int64(10*n+2); at++ {
			want := 0
			for want < n && s.Start(want) < at {
				want++
			}
			if got := s.Find(at); got != want {
				t.Errorf("%d spans, %d: %d before it, want %d", n, at, got, want)
			}
		}
	}
}
