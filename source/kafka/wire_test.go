package kafka

import "testing"

// FuzzAnswers reads any answers to the requests that the library does not have.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 't', 0, 0, 0, 1, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{0, 0, 0, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1, 2, 'h', 0, 0, 0x23, 0x84, 0, 0, 2, 'c', 0, 0, 0, 1, 1, 0})
	f.Fuzz(func(t *testing.T, answer []byte) {
		if all, err := parseFetch(answer); err == nil {
			for _, p := range all {
				if len(p.records) > len(answer) || len(p.aborted) > len(answer) {
					t.Error("more than there is")
				}
			}
		}
		if found, err := parseMetadata(answer); err == nil && len(found.topics) > len(answer) {
			t.Error("more topics than bytes")
		}
	})
}
