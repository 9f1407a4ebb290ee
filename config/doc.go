// Package config reads kelpie.yml.
//
// The file is decoded strictly: a setting that is not known, a value of the wrong kind, a size without a unit are
// errors, each with file, line, column, the line and a caret, and all of them at once. It is read by the YAML of the
// rules, so the same traps are named in the same words.
//
// Settings belong to the packages that they are for: such a package has a Spec with its settings, what holds where nothing is
// said, and a Validate. This package puts them together into one file and resolves paths, which are relative to it.
package config
