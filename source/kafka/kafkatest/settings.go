package kafkatest

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
)

// settings returns what is in the node's server.properties.
func (n *node) settings(c *Cluster) map[string]string {
	var voters []string
	for _, v := range c.nodes {
		voters = append(voters, fmt.Sprintf("%d@%s", v.id, v.address(controller)))
	}
	names := []string{plain: "PLAIN", tlsOnly: "TLS", saslTLS: "SASL", saslOnly: "SASLPLAIN", controller: "CONTROLLER"}
	listeners := make([]string, len(names))
	for i, name := range names {
		listeners[i] = name + "://" + n.address(i)
	}
	s := map[string]string{
		"node.id":                        strconv.Itoa(n.id),
		"process.roles":                  "broker,controller",
		"controller.quorum.voters":       strings.Join(voters, ","),
		"controller.listener.names":      "CONTROLLER",
		"inter.broker.listener.name":     "PLAIN",
		"listeners":                      strings.Join(listeners, ","),
		"advertised.listeners":           strings.Join(listeners[:controller], ","),
		"listener.security.protocol.map": "PLAIN:PLAINTEXT,TLS:SSL,SASL:SASL_SSL,SASLPLAIN:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
		"log.dirs":                       filepath.Join(n.dir, "data"),
		"auto.create.topics.enable":      "false",

		"authorizer.class.name":                        "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
		"allow.everyone.if.no.acl.found":               "true",
		"super.users":                                  "User:ANONYMOUS",
		"ssl.principal.mapping.rules":                  "DEFAULT",
		"group.initial.rebalance.delay.ms":             "0",
		"group.min.session.timeout.ms":                 "500",
		"num.network.threads":                          "2",
		"num.io.threads":                               "4",
		"offsets.topic.num.partitions":                 "4",
		"transaction.state.log.num.partitions":         "4",
		"share.coordinator.state.topic.num.partitions": "4",
		"log.cleaner.dedupe.buffer.size":               "8388608",

		// What takes minutes in production takes a second here.
		"log.initial.task.delay.ms":                                   "500",
		"log.retention.check.interval.ms":                             "500",
		"log.cleaner.backoff.ms":                                      "500",
		"transaction.abort.timed.out.transaction.cleanup.interval.ms": "500",
		"broker.session.timeout.ms":                                   "3000",
		"broker.heartbeat.interval.ms":                                "500",
	}
	copies, inSync := "1", "1"
	if len(c.nodes) > 1 {
		copies, inSync = "3", "2"
	}
	for _, k := range []string{"default.replication.factor", "offsets.topic.replication.factor", "transaction.state.log.replication.factor", "share.coordinator.state.topic.replication.factor"} {
		s[k] = copies
	}
	for _, k := range []string{"min.insync.replicas", "transaction.state.log.min.isr", "share.coordinator.state.topic.min.isr"} {
		s[k] = inSync
	}
	for _, listener := range []string{"tls", "sasl"} {
		prefix := "listener.name." + listener + ".ssl."
		s[prefix+"keystore.type"], s[prefix+"keystore.location"] = "PEM", c.tls.keystore
		s[prefix+"truststore.type"], s[prefix+"truststore.location"] = "PEM", c.tls.ca
	}
	for _, listener := range []string{"sasl", "saslplain"} {
		prefix := "listener.name." + listener + "."
		s[prefix+"sasl.enabled.mechanisms"] = "SCRAM-SHA-512,SCRAM-SHA-256,PLAIN"
		for _, scram := range []string{"scram-sha-256", "scram-sha-512"} {
			s[prefix+scram+".sasl.jaas.config"] = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
		}
		s[prefix+"plain.sasl.jaas.config"] = fmt.Sprintf("org.apache.kafka.common.security.plain.PlainLoginModule required user_%s=%q;", User, Password)
	}
	return s
}
