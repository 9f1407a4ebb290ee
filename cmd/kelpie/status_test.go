package main

import (
	"bytes"
	"testing"

	"kelpie/server"
)

// TestStatusText wants people to see what of topics is behind, who does not answer, and what is lost.
func TestStatusText(t *testing.T) {
	s := &server.Status{
		Version: "v1", Started: "2026-01-05T10:00:00.000Z", Phase: "running", Ready: true,
		Sources: []server.SourceStatus{
			{Source: "http", Folded: 7},
			{Source: "shop", Folded: 1234567, Refused: 3, Bytes: 555_000_000, Gaps: 2, Dedupe: &server.SourceDedupe{IDs: 1000, Span: 1800, Wanted: 3600, Repeated: 2, Unnamed: 1, Last: "orders/1@7", LastOf: "orders/0@5"}, Topics: &server.TopicsStatus{
				Cluster: true, Lag: 12_047, Brokers: []server.BrokerStatus{{Broker: "k1:9092", Answers: true}, {Broker: "k2:9092"}},
				Topics: []server.TopicStatus{
					{Topic: "orders", Partitions: 3, Lag: 12_047, Most: 12_000, Newest: "2026-01-05T10:00:00.000Z", Behind: []server.PartitionStatus{{Partition: "orders/1"}, {Partition: "orders/0"}}},
					{Topic: "", Partitions: 1},
				},
			}},
			{Source: "lost", Dedupe: &server.SourceDedupe{Span: 60, Wanted: 60}, Topics: &server.TopicsStatus{}},
		},
		Copies: []server.CopiesStatus{{Setting: "rejected.kafka", Topic: "refused", Waiting: 4, Copied: 5, Failures: 6, GivenUp: 7, Missed: 8}},
	}
	var out bytes.Buffer
	if err := writeStatus(&out, s); err != nil {
		t.Fatal(err)
	}
	const want = `service     running, version v1, since 2026-01-05T10:00:00.000Z
events      0.0 a second, 0 folded since the start, 0 refused ever
from http   7 folded, 0 refused, 0 bytes
from shop   1,234,567 folded, 3 refused, 555.0 MB, records lost in 2 gaps: kelpie events rejected --reason lost
  dedupe    2 came again and were not folded, 1,000 ids known, 30m0s back in place of 1h0m0s: dedupe_ids is too small, 1 had no id; last orders/1@7, which is orders/0@5 again
  brokers   1 of 2: no answer from k2:9092
  orders    3 partitions, 12,047 behind, most in orders/1: 12,000, newest record 2026-01-05T10:00:00.000Z
  (others)  1 partition, 0 behind
from lost   0 folded, 0 refused, 0 bytes
  dedupe    0 came again and were not folded, 0 ids known, 1m0s back
  brokers   do not tell of topics and leaders
rules       0 ok, 0 warming, 0 with errors; version 
alerts      0 open, 0 silences active
to refused  rejected.kafka: 4 waiting, 5 copied, 6 failed, 7 given up, 8 missed
log         0 bytes in 0 files
state       0 bytes, 0 rows
`
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
