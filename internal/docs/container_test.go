package docs

import (
	"encoding/json"
	"net"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kelpie/config"
)

// instruction is a line of a container file, with those that go on behind a backslash.
type instruction struct{ word, args string }

func instructions(text string) (all []instruction) {
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		word, args, _ := strings.Cut(line, " ")
		all = append(all, instruction{strings.ToUpper(word), strings.TrimSpace(args)})
	}
	return all
}

// TestContainerfile reads deploy/Containerfile as a builder does: images have a tag, that of Go is the one of go.mod, what
// starts is what was built, as nobody in particular, in a folder that is its own, with the ports that the configuration has.
func TestContainerfile(t *testing.T) {
	all := instructions(read(t, "deploy/Containerfile"))
	last := lastStage(t, all)
	one := func(word string) string {
		t.Helper()
		var found []string
		for _, x := range last {
			if x.word == word {
				found = append(found, x.args)
			}
		}
		if len(found) != 1 {
			t.Fatalf("the last stage says %s as %q", word, found)
		}
		return found[0]
	}
	run := list(t, one("ENTRYPOINT"))
	if built := builds(t, all); len(run) != 1 || !slices.Contains(copied(last), built+" "+run[0]) {
		t.Errorf("%s is built, and %q starts", built, run)
	}
	if args := list(t, one("CMD")); len(args) != 3 || args[0] != "run" || args[1] != "-c" || !path.IsAbs(args[2]) {
		t.Errorf("it is called with %q", args)
	}
	user, group, _ := strings.Cut(one("USER"), ":")
	for _, id := range []string{user, group} {
		if n, err := strconv.Atoi(id); err != nil || n == 0 {
			t.Errorf("it runs as %s: a number other than 0 is needed, since there is no list of users", one("USER"))
		}
	}
	data := one("VOLUME")
	if one("WORKDIR") != data || !slices.Contains(last, instruction{"COPY", "--from=build --chown=" + one("USER") + " " + data + " " + data}) {
		t.Errorf("the data are in %s, which is not its own", data)
	}
	if got, want := strings.Fields(one("EXPOSE")), defaultPorts(t); !slices.Equal(got, want) {
		t.Errorf("the ports are %q, and those of the configuration %q", got, want)
	}
	if one("STOPSIGNAL") != "SIGTERM" {
		t.Error("it stops cleanly at SIGTERM, and is sent something else")
	}
}

// lastStage returns what the image is made of, and checks where the stages begin.
func lastStage(t *testing.T, all []instruction) (last []instruction) {
	t.Helper()
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "go.mod"))[1]
	for i, x := range all {
		if x.word == "ADD" {
			t.Errorf("ADD %s: COPY says what it does", x.args)
		}
		if x.word != "FROM" {
			continue
		}
		last = all[i+1:]
		image := strings.Fields(x.args)[0]
		name, tag, _ := strings.Cut(path.Base(image), ":")
		if image != "scratch" && (tag == "" || strings.HasPrefix(tag, "latest")) {
			t.Errorf("FROM %s: a tag or a digest is needed", image)
		}
		if name == "golang" && tag != version && !strings.HasPrefix(tag, version+"-") && !strings.HasPrefix(tag, version+".") {
			t.Errorf("FROM %s: go.mod is for %s", image, version)
		}
	}
	return last
}

// builds returns the file that the build writes.
func builds(t *testing.T, all []instruction) string {
	t.Helper()
	for _, x := range all {
		m := regexp.MustCompile(`\bgo build\b.* -o (\S+) \./(\S+)`).FindStringSubmatch(x.args)
		if x.word != "RUN" || m == nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(root, m[2], "main.go")); err != nil {
			t.Errorf("what is built is not there: %v", err)
		}
		if !strings.Contains(x.args, "CGO_ENABLED=0") {
			t.Error("without CGO_ENABLED=0 it needs libraries that the image does not have")
		}
		return m[1]
	}
	t.Fatal("nothing is built")
	return ""
}

// copied returns what is copied from the build: source and destination.
func copied(stage []instruction) (all []string) {
	for _, x := range stage {
		if rest, ok := strings.CutPrefix(x.args, "--from=build "); ok && x.word == "COPY" {
			all = append(all, rest)
		}
	}
	return all
}

// list reads the form of a command that needs no shell.
func list(t *testing.T, text string) (words []string) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &words); err != nil {
		t.Fatalf("%s needs a shell, and the image has none: %v", text, err)
	}
	return words
}

// defaultPorts returns the ports that hold where the configuration says nothing.
func defaultPorts(t *testing.T) (ports []string) {
	t.Helper()
	c := config.Default(".")
	for _, address := range []string{c.HTTP.Listen, c.Metrics.Listen} {
		_, port, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, port)
	}
	return ports
}
