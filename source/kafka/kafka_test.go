package kafka_test

import (
	"fmt"
	"os"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"kelpie/source/kafka/kafkatest"
)

// one is the broker that all tests of this package share; each has topics of its own.
var one struct {
	sync.Once
	c   *kafkatest.Cluster
	err error
	dir string
}

func TestMain(m *testing.M) {
	code := m.Run()
	if one.c != nil {
		one.c.Close()
	}
	if one.dir != "" {
		_ = os.RemoveAll(one.dir)
	}
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Println(err)
			code = 1
		}
	}
	os.Exit(code)
}

// real runs a test against the real Kafka, where there is one.
func real(t *testing.T, f func(t *testing.T, c *kafkatest.Cluster)) {
	if os.Getenv(kafkatest.Jars) == "" {
		return
	}
	t.Run("real", func(t *testing.T) {
		one.Do(func() {
			if one.dir, one.err = os.MkdirTemp("", "kafka"); one.err == nil {
				one.c, one.err = kafkatest.New(one.dir, kafkatest.Options{})
			}
		})
		if one.err != nil {
			t.Fatal(one.err)
		}
		f(t, one.c)
	})
}
