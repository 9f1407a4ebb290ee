package kafkatest

import (
	"fmt"
	"os/exec"
)

// tools are Kafka's own scripts and what they start.
var tools = map[string]string{
	"kafka-console-consumer.sh": "org.apache.kafka.tools.consumer.ConsoleConsumer",
	"kafka-console-producer.sh": "org.apache.kafka.tools.ConsoleProducer",
	"kafka-consumer-groups.sh":  "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
	"kafka-topics.sh":           "org.apache.kafka.tools.TopicCommand",
}

// Tool returns what one of Kafka's own scripts would run, with its arguments.
func (c *Cluster) Tool(script string, args ...string) (*exec.Cmd, error) {
	class, known := tools[script]
	if !known {
		return nil, fmt.Errorf("kafkatest: there is no %s", script)
	}
	return c.nodes[0].java(append([]string{class}, args...)...), nil
}
