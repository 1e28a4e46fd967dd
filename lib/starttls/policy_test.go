package starttls

import (
	"os"
	"testing"

	"goqmail/lib/call"
)

func TestReadPolicy(t *testing.T) {
	for _, c := range []struct {
		env  call.Env
		want Policy
	}{
		{nil, Policy{}},
		{call.Env{"DISABLETLS=0", "DENY_TLS=0", "FORCETLS=0", "FORCE_TLS=0"}, Policy{}},
		{call.Env{"DISABLETLS="}, Policy{Denied: true}},
		{call.Env{"DENY_TLS=1"}, Policy{Denied: true}},
		{call.Env{"FORCETLS="}, Policy{ForLogIn: true}},
		{call.Env{"FORCE_TLS=1", "FORCETLS=0"}, Policy{Required: true, ForLogIn: true}},
	} {
		if got := ReadPolicy(c.env); got != c.want {
			t.Errorf("%q: got %+v", c.env, got)
		}
	}
}

func TestReadUCSPI(t *testing.T) {
	fds := map[int]*os.File{3: os.Stderr, 4: os.Stderr, 5: os.Stderr}
	numbers := call.Env{"SSLCTLFD=3", "SSLREADFD=4", "SSLWRITEFD=5"}
	for _, c := range []struct {
		env  call.Env
		want UCSPI // but for the files
	}{
		{numbers, UCSPI{}},
		{append(numbers, "UCSPITLS=-"), UCSPI{}},
		{append(numbers, "UCSPITLS="), UCSPI{On: true}},
		{append(numbers, "UCSPITLS=1"), UCSPI{On: true}},
		{append(numbers, "UCSPITLS=!"), UCSPI{On: true, Required: true}},
		{append(numbers, "UCSPITLS=?"), UCSPI{On: true, Required: true, Trusted: true}},
		{append(numbers, "UCSPITLS=@"), UCSPI{On: true, Required: true, Trusted: true, Named: true}},
		{call.Env{"UCSPITLS=!"}, UCSPI{Required: true}}, // a server that lacks it must not make it clear text
		{call.Env{"UCSPITLS=!", "SSLCTLFD=3", "SSLREADFD=4", "SSLWRITEFD=9"}, UCSPI{Required: true}},
		{call.Env{"UCSPITLS=", "SSLCTLFD=x", "SSLREADFD=4", "SSLWRITEFD=-5"}, UCSPI{}},
	} {
		got := ReadUCSPI(call.New([]string{"x"}, c.env, fds))
		got.In, got.Out, got.control = nil, nil, nil
		if got != c.want {
			t.Errorf("%q: got %+v", c.env, got)
		}
	}
}
