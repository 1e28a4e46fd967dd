package extensions

import (
	"errors"
	"os"
	"slices"
	"testing"

	"goqmail/lib/auto"
	"goqmail/lib/control"
)

func TestRead(t *testing.T) {
	for _, c := range []struct {
		name, file string
		want       Set
		wrong      string
	}{
		{"empty", "", nil, ""},
		{"some", "# what we had\nsmtp-auth\n\nrfc2821 \n", Set{SMTPAuth, RFC2821}, ""},
		{"misspelt", "smtp-tsl\nsmtp-auth\n", Set{SMTPAuth}, "unknown name in control/extensions: smtp-tsl"},
		{"two misspelt", "x\nSMTP-AUTH\n", nil, "unknown name in control/extensions: x\nunknown name in control/extensions: SMTP-AUTH"},
	} {
		t.Run(c.name, func(t *testing.T) {
			home(t)
			if err := os.WriteFile(control.Path("extensions"), []byte(c.file), 0o644); err != nil {
				t.Fatal(err)
			}
			got, err := Read()
			wrong := ""
			if err != nil {
				wrong = err.Error()
			}
			var unknown Unknown
			if !slices.Equal(got, c.want) || wrong != c.wrong || err != nil && !errors.As(err, &unknown) {
				t.Errorf("got %v, %q; want %v, %q", got, wrong, c.want, c.wrong)
			}
		})
	}
}

func TestAbsent(t *testing.T) {
	home(t)
	if got, err := Read(); got != nil || err != nil || got.Has(SMTPAuth) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestUnreadable(t *testing.T) {
	home(t)
	if err := os.Mkdir(control.Path("extensions"), 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(); got != nil || err == nil {
		t.Errorf("got %v, %v", got, err)
	}
}

func home(t *testing.T) {
	old := auto.Home
	t.Cleanup(func() { auto.Home = old })
	auto.Home = t.TempDir()
	if err := os.Mkdir(auto.Home+"/control", 0o755); err != nil {
		t.Fatal(err)
	}
}
