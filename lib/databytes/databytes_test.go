package databytes

import (
	"os"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/call"
)

func TestLimit(t *testing.T) {
	auto.Home = t.TempDir()
	if err := os.Mkdir(auto.Home+"/control", 0o755); err != nil {
		t.Fatal(err)
	}
	check := func(env call.Env, want uint32) {
		t.Helper()
		if got, err := Limit(env); got != want || err != nil {
			t.Errorf("got %d, %v; want %d", got, err, want)
		}
	}
	check(nil, 0)
	check(call.Env{"DATABYTES=12"}, 12)
	for data, want := range map[string]uint32{
		"5000\n": 5000, "": 0, "-1": 0, "12k": 12, "4294967295": 1<<32 - 2, "4294967297": 1,
	} {
		if err := os.WriteFile(auto.Home+"/control/databytes", []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
		check(nil, want)
		check(call.Env{"DATABYTES=7x"}, 7)
		check(call.Env{"DATABYTES="}, 0)
		check(call.Env{"DATABYTES=4294967295"}, 1<<32-2)
	}
	os.Remove(auto.Home + "/control/databytes")
	if err := os.Mkdir(auto.Home+"/control/databytes", 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Limit(call.Env{"DATABYTES=1"}); err == nil {
		t.Error("no error for what is no file")
	}
}
