package queue

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// In each golden directory exists what its state says, and only finished
// files need to be whole.
func TestGolden(t *testing.T) {
	dirs, err := filepath.Glob("testdata/S*")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no golden directories: %v", err)
	}
	for _, dir := range dirs {
		state, story, _ := strings.Cut(filepath.Base(dir), "-")
		has := func(kind string) bool {
			_, err := os.Stat(filepath.Join(dir, kind))
			return err == nil
		}
		legal := has("mess")
		switch state {
		case "S2":
			legal = legal && !has("intd") && !has("todo") && !has("info") && !has("local") && !has("remote") && !has("bounce")
		case "S3":
			legal = legal && has("intd") && !has("todo") && !has("info") && !has("local") && !has("remote") && !has("bounce")
		case "S4":
			legal = legal && has("todo") && !has("bounce")
		case "S5":
			legal = legal && !has("intd") && !has("todo") && has("info")
		default:
			legal = false
		}
		if !legal {
			t.Errorf("%s is not in state %s", dir, state)
		}
		for kind, types := range map[string]string{"intd": "upFT", "todo": "upFT", "info": "F", "local": "TD", "remote": "TD"} {
			unfinished := story == "partial" || story == "empty" || story == "half-done" && kind != "todo"
			if has(kind) && !unfinished {
				checkRecords(t, filepath.Join(dir, kind), types)
			}
		}
	}
}

func checkRecords(t *testing.T, file, types string) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var back []byte
	for _, rec := range readAll(t, string(data)) {
		if !strings.ContainsRune(types, rune(rec.Type)) {
			t.Errorf("%s: record of type %q", file, rec.Type)
		}
		back = AppendRecord(back, rec.Type, rec.Text)
	}
	if string(back) != string(data) || len(data) == 0 {
		t.Errorf("%s: got %q, want %q", file, back, data)
	}
}
