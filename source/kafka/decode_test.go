package kafka

import (
	"fmt"
	"testing"

	"github.com/segmentio/kafka-go/compress"

	"kelpie/source/kafka/kafkatest"
)

func TestDecodeX(t *testing.T) {
	var data []byte
	n := int64(0)
	for _, how := range []compress.Compression{0, 1, 2, 3, 4, 0, 1, 2, 3, 4} {
		b := kafkatest.Batch{Base: n, Compression: how}
		for i := range 100 {
			b.Records = append(b.Records, kafkatest.Record{Value: fmt.Appendf(nil, "v%d", n+int64(i))})
		}
		n += 100
		data = append(data, b.Encode()...)
	}
	d := decoder{m: &memory{limit: 1 << 30}, unpack: unpacker{most: 1 << 20}}
	out, err := d.decode(&fetched{records: data}, &page{held: 1}, Mark{}, 0)
	t.Log(err)
	for _, b := range out {
		t.Log(b.Len(), b.Next)
	}
}
