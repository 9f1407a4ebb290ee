package kafkatest

import (
	"fmt"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// The request that removes the beginning of a log, which the library does not have.
type deleteRecords struct {
	Topics    []deleteRecordsTopic `kafka:"min=v0,max=v1"`
	TimeoutMs int32                `kafka:"min=v0,max=v1"`
}

type deleteRecordsTopic struct {
	Name       string                   `kafka:"min=v0,max=v1"`
	Partitions []deleteRecordsPartition `kafka:"min=v0,max=v1"`
}

type deleteRecordsPartition struct {
	Partition int32 `kafka:"min=v0,max=v1"`
	Offset    int64 `kafka:"min=v0,max=v1"`
}

// ApiKey says which request it is.
func (*deleteRecords) ApiKey() protocol.ApiKey { return protocol.DeleteRecords }

// Broker is the leader of the partition.
func (d *deleteRecords) Broker(c protocol.Cluster) (protocol.Broker, error) {
	topic := d.Topics[0]
	return c.Brokers[c.Topics[topic.Name].Partitions[topic.Partitions[0].Partition].Leader], nil
}

type deleteRecordsAnswer struct {
	ThrottleTimeMs int32                      `kafka:"min=v0,max=v1"`
	Topics         []deleteRecordsAnswerTopic `kafka:"min=v0,max=v1"`
}

type deleteRecordsAnswerTopic struct {
	Name       string                         `kafka:"min=v0,max=v1"`
	Partitions []deleteRecordsAnswerPartition `kafka:"min=v0,max=v1"`
}

type deleteRecordsAnswerPartition struct {
	Partition    int32 `kafka:"min=v0,max=v1"`
	LowWatermark int64 `kafka:"min=v0,max=v1"`
	ErrorCode    int16 `kafka:"min=v0,max=v1"`
}

// ApiKey says to which request it is the answer.
func (*deleteRecordsAnswer) ApiKey() protocol.ApiKey { return protocol.DeleteRecords }

func init() { protocol.Register(&deleteRecords{}, &deleteRecordsAnswer{}) }

// DeleteBefore removes the records of a partition before an offset, as retention does.
func (a *Admin) DeleteBefore(topic string, partition int, offset int64) {
	a.t.Helper()
	a.retry(fmt.Sprintf("removing records of %s/%d", topic, partition), func() error {
		m, err := a.client.Transport.RoundTrip(a.ctx, a.client.Addr, &deleteRecords{
			Topics:    []deleteRecordsTopic{{Name: topic, Partitions: []deleteRecordsPartition{{Partition: int32(partition), Offset: offset}}}},
			TimeoutMs: 10_000,
		})
		if err != nil {
			return err
		}
		if code := m.(*deleteRecordsAnswer).Topics[0].Partitions[0].ErrorCode; code != 0 {
			return kafkago.Error(code)
		}
		return nil
	})
}
