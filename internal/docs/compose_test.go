package docs

import (
	"net"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"kelpie/config"
)

// TestCompose wants the containers of examples/kafka to be the Kafka that tests run against, at the address that the
// example's configuration has, for this machine alone.
func TestCompose(t *testing.T) {
	var compose struct {
		Services map[string]struct {
			Image       string
			Ports       []string
			Environment map[string]string
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "examples/kafka/compose.yml")), &compose); err != nil {
		t.Fatal(err)
	}
	kafka, found := compose.Services["kafka"]
	if !found || len(compose.Services) != 1 {
		t.Fatalf("services %v", compose.Services)
	}
	version := regexp.MustCompile(`version=(\S+)`).FindStringSubmatch(read(t, ".ci/kafka"))[1]
	if want := "docker.io/apache/kafka:" + version; kafka.Image != want {
		t.Errorf("the image is %s, want %s", kafka.Image, want)
	}
	if !strings.Contains(read(t, "examples/kafka/README.md"), "Kafka "+version+" from") {
		t.Errorf("the README does not name Kafka %s", version)
	}
	c, err := config.Load(root + "/examples/kafka/kelpie.yml")
	if err != nil {
		t.Fatal(err)
	}
	address := "127.0.0.1:9092"
	for _, brokers := range [][]string{c.Sources[0].Kafka.Brokers, c.Rejected.Kafka.Brokers, c.Alerts.Receivers[0].Kafka.Brokers} {
		if !slices.Equal(brokers, []string{address}) {
			t.Errorf("brokers %v", brokers)
		}
	}
	_, port, _ := net.SplitHostPort(address)
	if !slices.Equal(kafka.Ports, []string{address + ":" + port}) || kafka.Environment["KAFKA_ADVERTISED_LISTENERS"] != "PLAINTEXT://"+address ||
		!strings.HasPrefix(kafka.Environment["KAFKA_LISTENERS"], "PLAINTEXT://0.0.0.0:"+port+",") {
		t.Errorf("ports %v, listeners %v", kafka.Ports, kafka.Environment)
	}
}
