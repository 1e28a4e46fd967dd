package account

import (
	"errors"
	"slices"
	"testing"
)

const passwd = `root:x:0:0:root:/root:/bin/bash
alias:*:7790:2108::/var/qmail/alias:/bin/true
short:x:1
bad:x:number:1::/:
bad:x:77:1::/:
nogid:x:5:y::/:
big:x:4294967294:4294967295::/:
huge:x:4294967296:0::/:
aliasx:x:1:1::/:
last:x:9:10::/:`

func TestFind(t *testing.T) {
	for name, want := range map[string][2]int{
		"root": {0, 0}, "alias": {7790, 2108}, "bad": {77, 1}, "nogid": {5, -1},
		"big": {4294967294, 4294967295}, "aliasx": {1, 1}, "last": {9, 10},
	} {
		if got, err := find([]byte(passwd), name); got != want || err != nil {
			t.Errorf("%q: got %v, %v", name, got, err)
		}
	}
	for _, name := range []string{"", "ali", "short", "huge", "Root", "x", "root:x", "last:x:9:10::/:"} {
		if got, err := find([]byte(passwd), name); !errors.Is(err, ErrUnknown) || got != [2]int{-1, -1} {
			t.Errorf("%q: got %v, %v", name, got, err)
		}
	}
}

func TestSystem(t *testing.T) {
	if uid, err := Uid("root"); uid != 0 || err != nil {
		t.Errorf("Uid(root): %d, %v", uid, err)
	}
	if uid, gid, err := User("root"); uid != 0 || gid != 0 || err != nil {
		t.Errorf("User(root): %d, %d, %v", uid, gid, err)
	}
	if ids, err := Uids("root", "no-such-user", "root"); len(ids) != 1 || !errors.Is(err, ErrUnknown) {
		t.Errorf("Uids: %v, %v", ids, err)
	}
	if gid, err := Gid("no-such-group"); gid != -1 || !errors.Is(err, ErrUnknown) {
		t.Errorf("Gid: %d, %v", gid, err)
	}
}

func TestGroups(t *testing.T) {
	const group = "john:x:5001:\nmisc:x:5010:mary,john\nstaff:x:50:john,mary\nother:x:51:johnny\nbad:x:y:john\nown:x:5001:john\n"
	if got := groups([]byte(group), "john", 5001); !slices.Equal(got, []int{5001, 5010, 50}) {
		t.Errorf("got %v", got)
	}
	if got := groups(nil, "john", 5001); !slices.Equal(got, []int{5001}) {
		t.Errorf("got %v", got)
	}
}

func FuzzFind(f *testing.F) {
	f.Add([]byte(passwd), "alias")
	f.Fuzz(func(t *testing.T, data []byte, name string) {
		ids, err := find(data, name)
		if (err == nil) != (ids[0] >= 0) {
			t.Errorf("half a result: %v, %v", ids, err)
		}
	})
}

func TestName(t *testing.T) {
	for uid, want := range map[int]string{0: "root", 7790: "alias", 77: "bad", 9: "last", 1: "aliasx", -1: "", 5: "nogid", 4: ""} {
		got, err := name([]byte(passwd), uid)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%d: %q, %v", uid, got, err)
		}
	}
}

func TestMembers(t *testing.T) {
	const group = "staff:x:50:john,mary\nalias:x:2108:\nodd:x:51:john:\nbad:x:y:alias\nnone:x::\nshort:x:52\nhuge:x:4294967295:bob"
	for user, want := range map[string][]string{
		"john": {"staff"}, "mary": {"staff"}, "alias": {"alias", "bad"}, "bob": {"huge"}, // only alias has a line in passwd
		"joh": nil, "john,mary": nil, "": nil, "nogid": nil, "nosuch": nil,
	} {
		if got := memberOf([]byte(passwd), []byte(group), user); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", user, got, want)
		}
	}
	root, none := Members{User: "root"}, Members{User: "root", None: true}
	if len(root.Names()) == 0 || !root.In(root.Names()[0]) || root.In("no-such-group") || root.Err != nil {
		t.Errorf("got %+v", root)
	}
	if none.In(root.Names()[0]) {
		t.Error("in one, although in none")
	}
}
