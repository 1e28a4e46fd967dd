package queue

import (
	"os"
	"slices"
	"syscall"
	"testing"
)

func TestRetries(t *testing.T) {
	path := t.TempDir() + "/retry"
	if err := AskRetries(path, []Num{1}); err == nil {
		t.Error("asked for without the file")
	}
	if got := TakeRetries(path); got != nil {
		t.Errorf("got %v from no file", got)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, nums := range [][]Num{{457, 8}, {9}} {
		if err := AskRetries(path, nums); err != nil {
			t.Fatal(err)
		}
	}
	if got := TakeRetries(path); !slices.Equal(got, []Num{457, 8, 9}) {
		t.Errorf("got %v", got)
	}
	if got := TakeRetries(path); got != nil {
		t.Errorf("got %v a second time", got)
	}
	if err := os.WriteFile(path, []byte("7\nx\n\n12"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := TakeRetries(path); !slices.Equal(got, []Num{7, 12}) {
		t.Errorf("with lines that are no numbers: got %v", got)
	}
	// Whoever has it locked will pull the trigger; nobody waits for him.
	f, err := openRetry(path, os.O_RDWR, syscall.LOCK_EX)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("5\n")
	if got := TakeRetries(path); got != nil {
		t.Errorf("got %v of a locked file", got)
	}
	f.Close()
	if got := TakeRetries(path); !slices.Equal(got, []Num{5}) {
		t.Errorf("got %v", got)
	}
}
