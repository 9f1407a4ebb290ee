package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"kelpie/rules"
)

// TestRulesOfGit reads rules as they were at a commit, from a folder and from a file of the repository.
func TestRulesOfGit(t *testing.T) {
	dir := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		c := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=n", "-c", "user.email=e", "-c", "commit.gpgsign=false"}, args...)...)
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	put := func(name, text string) {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	git("init", "-q")
	put("rules/a.yml", "rules: {a: {event: A, when: x > 1}}\n")
	put("rules/.hidden/b.yml", "no rules\n")
	put("rules/notes.txt", "no rules\n")
	git("add", "-A")
	git("commit", "-qm", "one")
	put("rules/a.yml", "rules: {a: {event: A, when: x > 2}}\n")
	for _, name := range []string{"rules", "rules/a.yml"} {
		set, err := rulesOfGit("HEAD", []string{filepath.Join(dir, name)}, rules.Options{})
		if err != nil || len(set.Rules) != 1 || set.Rule("a").When.Src != "x > 1" || !strings.HasPrefix(set.Rule("a").At.File, "git:HEAD:") {
			t.Errorf("%s at HEAD is %+v, %v", name, set, err)
		}
	}
	for _, ref := range []string{"", "-x", "nothing"} {
		if _, err := rulesOfGit(ref, []string{filepath.Join(dir, "rules")}, rules.Options{}); err == nil {
			t.Errorf("git:%s gives rules", ref)
		}
	}
}
