package owner

import (
	"os"
	"testing"

	"goqmail/lib/users"
)

func TestRecent(t *testing.T) {
	asked := now()
	joe := users.User{Name: "joe", Uid: uint32(os.Getuid()), Home: t.TempDir()}
	for _, row := range []struct {
		name  string
		user  users.User
		asked moment
		want  bool
	}{
		{"an answer of this moment", joe, asked, true},
		{"one of a second ago", joe, moment{second: asked.second - 1}, false},
		{"a home of somebody else's", users.User{Name: "joe", Uid: joe.Uid + 1, Home: joe.Home}, asked, false},
		{"a home that is gone", users.User{Name: "joe", Uid: joe.Uid, Home: joe.Home + "/gone"}, asked, false},
	} {
		r := recent{of: row.asked, users: map[string]users.User{"joe": row.user}}
		if user, ok := r.findAt("joe", asked); ok != row.want || ok && user != row.user {
			t.Errorf("%s: got %v, %v", row.name, user, ok)
		}
	}
}

// TestRecentAdd: what was asked before a second ended, or before somebody wrote
// to /etc/passwd, is not remembered for what comes then.
func TestRecentAdd(t *testing.T) {
	var r recent
	r.add("joe", users.User{Name: "joe"}, moment{second: now().second - 1})
	if len(r.users) > 0 {
		t.Errorf("remembered: %v", r.users)
	}
}
