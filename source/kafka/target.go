package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go/compress"
)

// Target is where a Producer writes to: the part `kafka:` of a receiver.
type Target struct {
	Connection  `yaml:",inline"`
	Topic       string `yaml:"topic"`
	Compression string `yaml:"compression"` // none (default), gzip, snappy, lz4 or zstd
}

var compressions = map[string]compress.Compression{
	"": compress.None, "none": compress.None, "gzip": compress.Gzip, "snappy": compress.Snappy, "lz4": compress.Lz4, "zstd": compress.Zstd,
}

// Validate says what is wrong, each as an error that begins with the setting's name.
func (t Target) Validate() error {
	errs := []error{t.Connection.Validate()}
	if !topicName.MatchString(t.Topic) || t.Topic == "." || t.Topic == ".." {
		errs = append(errs, fmt.Errorf("topic: %q is no name of a topic: letters, digits, dots, - and _, at most 249", t.Topic))
	}
	if _, ok := compressions[t.Compression]; !ok {
		errs = append(errs, errors.New("compression: must be none, gzip, snappy, lz4 or zstd"))
	}
	return errors.Join(errs...)
}

// CheckTarget tries everything that writing needs but writing: the brokers, the topic, its leaders, and, where brokers say
// so, the permission to write. The error is all that is wrong, one sentence each.
func CheckTarget(ctx context.Context, t Target) (Report, error) {
	c := &checking{spec: Spec{Connection: t.Connection}.WithDefaults(), topics: topics{names: []string{t.Topic}}}
	var err error
	if c.client, err = newClient(c.spec.Connection); err != nil {
		return Report{}, err
	}
	defer c.client.close()
	if c.brokers(ctx); c.found == nil {
		return c.report, errors.Join(c.errs...)
	}
	for _, there := range c.existing() {
		if there.known && !there.may(mayWrite) {
			c.wrong("topic %s: no permission to write", there.name)
		}
		for _, p := range there.partitions {
			if err := c.reach(ctx, p); err != nil {
				c.errs = append(c.errs, fmt.Errorf("partition %s/%d: %w", there.name, p.id, err))
			}
		}
	}
	return c.report, errors.Join(c.errs...)
}

// reach connects to a partition's leader.
func (c *checking) reach(ctx context.Context, p leadership) error {
	addr, known := c.found.brokers[p.leader]
	if !known {
		return errors.New("has no leader at the moment")
	}
	return c.client.on(ctx, addr, func(conn *conn) error {
		_, err := conn.metadata(ctx, c.topics.names)
		return err
	})
}
