package kafka

import (
	"fmt"
	"strconv"

	"kelpie/alert"
	"kelpie/alert/words"
	"kelpie/source/kafka"
)

// The headers of a record.
const (
	headerID       = "kelpie-id"       // the same whenever this notification is sent again, and of no other
	headerKind     = "kelpie-kind"     // opened, updated, resolved, …
	headerRule     = "kelpie-rule"     // of the worst alert, which the title names; none of a digest
	headerSeverity = "kelpie-severity" // of that alert
	headerVersion  = "kelpie-version"  // of the document
	headerType     = "content-type"
)

// longestText bounds what of an alert is in a header or in the key, bytes.
const longestText = 1 << 10

// message makes the record of a notification. All of it but its time is made of the notification alone.
func message(n *alert.Notification, max int, now int64) (kafka.Message, error) {
	value, err := words.Document(n, max)
	if err != nil {
		return kafka.Message{}, err
	}
	key, err := keyOf(n)
	if err != nil {
		return kafka.Message{}, err
	}
	m := kafka.Message{Key: key, Value: value, Time: now}
	header := func(name, value string) {
		m.Headers = append(m.Headers, kafka.Header{Name: name, Value: []byte(value)})
	}
	header(headerID, words.DocumentID(n.Key))
	header(headerKind, string(n.Kind))
	if a := words.Worst(n); a != nil {
		header(headerRule, words.Bytes(a.Rule, longestText))
		header(headerSeverity, words.Bytes(a.Severity, longestText))
	}
	header(headerVersion, strconv.Itoa(words.DocumentVersion))
	header(headerType, "application/json")
	return m, nil
}

// keyOf returns the key of a notification's record: the labels that its group has in common, as JSON in the order of their
// names. All notifications about one alert, and all lives of a group, have the same, so that they are in one partition and
// in order.
func keyOf(n *alert.Notification) ([]byte, error) {
	labels := map[string]string{}
	for name, value := range n.Labels {
		labels[words.Bytes(name, longestText)] = words.Bytes(value, longestText)
	}
	key, err := words.JSON(labels)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	return key, nil
}
