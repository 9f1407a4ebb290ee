package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fence is one fenced block.
type fence struct {
	file string // from the root
	line int    // of its first line of text
	kind string // the first two words of its info: "yaml rules"
	args []string
	text string
}

// root is the project's folder, seen from this package's.
const root = "../.."

// fences returns the fenced blocks of a file.
func fences(t *testing.T, file string) (all []fence) {
	t.Helper()
	var f *fence
	for i, line := range strings.Split(read(t, file), "\n") {
		info, isFence := strings.CutPrefix(line, "```")
		switch {
		case isFence && f == nil:
			words := strings.Fields(info)
			f = &fence{file: file, line: i + 2, kind: strings.Join(words[:min(2, len(words))], " ")}
			f.args = words[min(2, len(words)):]
		case isFence:
			all = append(all, *f)
			f = nil
		case f != nil:
			f.text += line + "\n"
		}
	}
	if f != nil {
		t.Errorf("%s:%d: this block has no end", file, f.line)
	}
	return all
}

// read returns a file of the project.
func read(t *testing.T, file string) string {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(src)
}

// pages returns all Markdown files of the project, from the root.
func pages(t *testing.T) (files []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "data" || d.Name() == "testdata"):
			return filepath.SkipDir
		case strings.HasSuffix(path, ".md"):
			rel, err := filepath.Rel(root, path)
			files = append(files, filepath.ToSlash(rel))
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
