package backtest

import (
	"encoding/json"
	"strings"

	"kelpie/engine"
)

// Key is a key's parts. In JSON one part is a string, several are a list, as everywhere.
type Key []string

// String is the key for people.
func (k Key) String() string { return strings.Join(k, ", ") }

// MarshalJSON writes the key.
func (k Key) MarshalJSON() ([]byte, error) { return engine.AppendKeyJSON(nil, k), nil }

// UnmarshalJSON reads what MarshalJSON writes.
func (k *Key) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*k = Key{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(k))
}
