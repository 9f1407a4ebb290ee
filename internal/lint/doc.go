// Package lint holds what is checked of the source files themselves: who may import whom, and what must stand in no
// file. It has tests only. They read the files, so that a change is seen whatever the test cache knows.
package lint
