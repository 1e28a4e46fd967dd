package mailstore

import (
	"os"
	"slices"
	"strings"
	"testing"
)

func TestDirs(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{
		"conf/user/j", "big", "spool/stage.", "spool/user/mary/Sent", "spool/j/user", "far/john", "far/h/user", "far/list", "far/deep",
	} {
		if err := os.MkdirAll(dir+"/"+name, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(dir+"/far/list/db", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{
		"conf/mailboxes.db":         "far/list/db",
		"spool/user/john":           "far/john",
		"spool/h":                   "far/h",
		"spool/j/user/jane":         "big/jane", // which is not there
		"spool/j/user/jim":          "big",
		"spool/l":                   "spool", // round and round
		"spool/user/mary/Sent/deep": "far/deep",
	} {
		if err := os.Symlink(dir+"/"+to, dir+"/"+name); err != nil {
			t.Fatal(err)
		}
	}
	l := Layout{ConfigDir: dir + "/conf", Partitions: map[string]string{"default": dir + "/spool", "new": dir + "/new/spool"}, DefaultPartition: "default"}
	got := l.Dirs()
	for i, path := range got {
		got[i] = strings.TrimPrefix(path, dir+"/")
	}
	slices.Sort(got)
	got = slices.Compact(got)
	if want := []string{"big", "conf", "far/h", "far/john", "far/list", "new/spool", "spool"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if _, err := os.Stat(dir + "/new/spool"); err != nil {
		t.Error("a partition was not made:", err)
	}
}
