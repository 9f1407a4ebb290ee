package kafkatest

import (
	"errors"

	kafkago "github.com/segmentio/kafka-go"
)

// Transaction is a transactional producer with one transaction, which stays open until End.
type Transaction struct {
	a        *Admin
	id       string
	producer *kafkago.ProducerSession
	next     map[place]int32 // sequence numbers
}

type place struct {
	Topic     string
	Partition int
}

// Begin makes a producer of a transactional id. What an earlier one of that id left open is aborted.
func (a *Admin) Begin(id string) *Transaction {
	a.t.Helper()
	return &Transaction{a: a, id: id, next: map[place]int32{}, producer: a.newProducer(id)}
}

// Write appends records to a partition in the transaction, and returns the offset of the first one.
func (x *Transaction) Write(topic string, partition int, records ...Record) (base int64) {
	x.a.t.Helper()
	at := place{Topic: topic, Partition: partition}
	if _, begun := x.next[at]; !begun {
		x.a.retry("transaction "+x.id, func() error {
			answer, err := x.a.client.AddPartitionsToTxn(x.a.ctx, &kafkago.AddPartitionsToTxnRequest{
				TransactionalID: x.id, ProducerID: x.producer.ProducerID, ProducerEpoch: x.producer.ProducerEpoch,
				Topics: map[string][]kafkago.AddPartitionToTxn{topic: {{Partition: partition}}},
			})
			if err != nil {
				return err
			}
			for _, p := range answer.Topics[topic] {
				err = errors.Join(err, p.Error)
			}
			return err
		})
	}
	base = x.a.write(topic, partition, Batch{
		Attributes: transactional, Producer: int64(x.producer.ProducerID), Generation: int16(x.producer.ProducerEpoch),
		Sequence: x.next[at], Records: records,
	}, x.id)
	x.next[at] += int32(len(records))
	return base
}

// End commits the transaction or aborts it.
func (x *Transaction) End(commit bool) {
	x.a.t.Helper()
	x.a.retry("end of transaction "+x.id, func() error {
		answer, err := x.a.client.EndTxn(x.a.ctx, &kafkago.EndTxnRequest{
			TransactionalID: x.id, ProducerID: x.producer.ProducerID, ProducerEpoch: x.producer.ProducerEpoch, Committed: commit,
		})
		if err == nil {
			err = answer.Error
		}
		return err
	})
}
