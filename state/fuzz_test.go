package state

import (
	"errors"
	"reflect"
	"testing"

	"kelpie/event"
)

// FuzzStoredValues reads any bytes as each kind of value: what can be read must be written back as it was, the rest
// is an error of the storage, never a panic.
func FuzzStoredValues(f *testing.F) {
	m := Message{Alert: "a1", Kind: "opened", Payload: []byte("{}")}
	r := Rejected{Position: event.Position{Stream: "log", Offset: -1}, Reason: event.NotJSON, Size: 3, Raw: []byte("abc")}
	f.Add(appendMessage(nil, &m))
	f.Add(appendRejected(nil, &r))
	f.Add([]byte(`{"version":1,"partitions":[{"stream":"log","next":3}],"watermark":-9223372036854775808}`))
	f.Add([]byte(`{"receiver":"file","attempts":1}`))
	f.Add([]byte{rejectedVersion, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	key := appendSeq(nil, kindOutbox, 7)
	f.Fuzz(func(t *testing.T, v []byte) {
		if m, err := decodeMessage(key, v); err == nil {
			again, err := decodeMessage(key, appendMessage(nil, &m))
			if err != nil || !reflect.DeepEqual(again, m) {
				t.Errorf("message %+v reads back as %+v, %v", m, again, err)
			}
		} else if !errors.Is(err, ErrFatal) {
			t.Error(err)
		}
		if r, err := decodeRejected(key, v); err == nil {
			again, err := decodeRejected(key, appendRejected(nil, &r))
			if err != nil || !reflect.DeepEqual(again, r) {
				t.Errorf("refused event %+v reads back as %+v, %v", r, again, err)
			}
		} else if !errors.Is(err, ErrFatal) {
			t.Error(err)
		}
		if _, err := decodeCheckpoint(v); err != nil && !errors.Is(err, ErrFatal) && !errors.Is(err, ErrNewer) {
			t.Error(err)
		}
		if _, err := decodeDelivery(key, v); err != nil && !errors.Is(err, ErrFatal) {
			t.Error(err)
		}
	})
}

// FuzzKeys reads any bytes as keys.
func FuzzKeys(f *testing.F) {
	f.Add(be.AppendUint64(appendChunks(nil, 1, 2, []byte("key")), 3))
	f.Add(appendTimed(nil, kindAlert, -1, "id"))
	f.Fuzz(func(t *testing.T, k []byte) {
		if dim, hash, key, chunk, ok := parseChunkKey(k); ok {
			if again := be.AppendUint64(appendChunks(nil, dim, hash, key), chunk); string(again) != string(k) {
				t.Errorf("key %x is written back as %x", k, again)
			}
		}
		if dim, hash, key, ok := parseRowKey(k); ok {
			again := make([]byte, len(k))
			if putRowKey(again, dim, hash, key); string(again) != string(k) {
				t.Errorf("key %x is written back as %x", k, again)
			}
		}
		if seq, ok := parseSeq(k); ok && string(appendSeq(nil, k[0], seq)) != string(k) {
			t.Errorf("key %x is written back as %x", k, appendSeq(nil, k[0], seq))
		}
		if ms, id, ok := parseTimed(k); ok && string(appendTimed(nil, k[0], ms, id)) != string(k) {
			t.Errorf("key %x is written back as %x", k, appendTimed(nil, k[0], ms, id))
		}
	})
}
