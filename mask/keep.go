package mask

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// fileName is the file in the data folder that holds the key of the tokens, and the fields that are masked.
const fileName = "masks.json"

// kept is what the file holds.
type kept struct {
	Key    []byte  `json:"key"`
	Fields []Field `json:"fields"`
}

// keySize is the size of a key, bytes.
const keySize = 32

// Keep returns the masks of fields over a data folder, and notes them in it: so the tokens stay the same, and who has
// nothing but the folder knows what is masked. Whoever calls it has the folder.
func Keep(dir string, fields []Field) (*Fields, error) {
	k, err := read(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist) && len(fields) == 0:
		return nil, nil
	case errors.Is(err, fs.ErrNotExist):
		k.Key = make([]byte, keySize)
		rand.Read(k.Key) // never fails
	case err != nil:
		return nil, err
	case slices.Equal(k.Fields, fields):
		return New(fields, k.Key), nil
	}
	k.Fields = slices.Clone(fields)
	if err := write(dir, k); err != nil {
		return nil, fmt.Errorf("mask: %w", err)
	}
	return New(fields, k.Key), nil
}

// Read returns the masks for somebody who only looks into a data folder. fields are those of the configuration; nil if
// there is no configuration: then those count that the folder names. Where no service has been yet the tokens are of this
// one look only.
func Read(dir string, fields []Field) (*Fields, error) {
	k, err := read(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		k.Key = make([]byte, keySize)
		rand.Read(k.Key) // never fails
	case err != nil:
		return nil, err
	case fields == nil:
		fields = k.Fields
	}
	return New(fields, k.Key), nil
}

func read(dir string) (k kept, err error) {
	name := filepath.Join(dir, fileName)
	b, err := os.ReadFile(name)
	if err != nil {
		return k, fmt.Errorf("mask: %w", err)
	}
	if err := json.Unmarshal(b, &k); err != nil {
		return k, fmt.Errorf("mask: %s: %w", name, err)
	}
	if len(k.Key) != keySize {
		return k, fmt.Errorf("mask: %s: the key has %d bytes, not %d", name, len(k.Key), keySize)
	}
	return k, nil
}

// write puts the file in place, whole and durable, for its owner alone.
func write(dir string, k kept) (err error) {
	b, err := json.Marshal(k)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, fileName+".*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	_, err = f.Write(append(b, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(dir, fileName))
}
