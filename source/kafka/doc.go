// Package kafka reads topics of Apache Kafka and writes to them.
//
// A [Reader] returns the records of many partitions, each in order of offsets, each once: what was read is a [Mark],
// which is kept with what the records did and not with the brokers. What cannot be read any more is a [Gap], never
// silence. Broken brokers are no errors but a [Status]: the Reader goes on by itself when they do. A [Producer] writes
// with the acknowledgement of all replicas. [Check] says in words what is wrong with a connection.
//
// Messages of the protocol, group membership and codecs are those of segmentio/kafka-go. What comes back from a fetch is
// read here: its values stay where the connection has put them, every batch's checksum is compared, aborted
// transactions are left out, and holes in compacted topics are passed by what the batches say of themselves.
package kafka
