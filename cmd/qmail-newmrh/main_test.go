package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// testdata/morercpthosts.cdb is what qmail's own qmail-newmrh made of
// testdata/morercpthosts.
func TestGolden(t *testing.T) {
	hosts, err := os.Open("testdata/morercpthosts")
	if err != nil {
		t.Fatal(err)
	}
	defer hosts.Close()
	file, err := os.Create(filepath.Join(t.TempDir(), "cdb"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := compile(hosts, file); err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(file.Name())
	want, _ := os.ReadFile("testdata/morercpthosts.cdb")
	if !bytes.Equal(got, want) || len(want) == 0 {
		t.Errorf("%d bytes, not the %d of the golden file", len(got), len(want))
	}
}
