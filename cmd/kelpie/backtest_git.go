package main

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"kelpie/rules"
)

// rulesOfGit loads rule files and folders as they were at a commit, a tag or a branch of the repository that holds them.
func rulesOfGit(ref string, names []string, o rules.Options) (*rules.Set, error) {
	if ref == "" || strings.HasPrefix(ref, "-") {
		return nil, fmt.Errorf("git:%s: name a commit, a tag or a branch", ref)
	}
	var files []rules.File
	for _, name := range names {
		more, err := filesOfGit(ref, name)
		if err != nil {
			return nil, fmt.Errorf("git:%s: %w", ref, err)
		}
		files = append(files, more...)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("git:%s: there are no rule files in %s", ref, strings.Join(names, ", "))
	}
	return rules.LoadFiles(files, o)
}

// filesOfGit reads the rule files of a file or folder. Git's own archive of a folder is of what lies in it.
func filesOfGit(ref, name string) ([]rules.File, error) {
	folder, args := name, []string{"archive", "--format=tar", ref}
	if info, err := os.Stat(name); err != nil {
		return nil, err
	} else if !info.IsDir() {
		folder, args = filepath.Dir(name), append(args, "--", filepath.Base(name))
	}
	c := exec.Command("git", append([]string{"-C", folder}, args...)...)
	var out, said bytes.Buffer
	c.Stdout, c.Stderr = &out, &said
	if err := c.Run(); err != nil {
		if text := strings.TrimSpace(said.String()); text != "" {
			err = errors.New(text)
		}
		return nil, err
	}
	return untar(&out, "git:"+ref+":"+folder)
}

// untar returns the rule files of an archive, each with its name below a folder.
func untar(r io.Reader, folder string) (files []rules.File, err error) {
	for t := tar.NewReader(r); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if h.Typeflag != tar.TypeReg || hidden(h.Name) || !rules.IsFile(filepath.Base(h.Name)) {
			continue
		}
		text, err := io.ReadAll(t)
		if err != nil {
			return nil, err
		}
		files = append(files, rules.File{Name: folder + "/" + h.Name, Text: string(text)})
	}
}

// hidden reports whether some folder of a path begins with a dot.
func hidden(path string) bool {
	for _, part := range strings.Split(filepath.ToSlash(filepath.Dir(path)), "/") {
		if len(part) > 1 && strings.HasPrefix(part, ".") {
			return true
		}
	}
	return false
}
