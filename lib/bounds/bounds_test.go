package bounds

import (
	"os"
	"slices"
	"testing"

	"goqmail/lib/confine"
	"goqmail/lib/imapconf"
	"goqmail/lib/service"
)

// What is named in a configuration, by an include or a symbolic link, too, can be read.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"conf", "more", "live", "archive"} {
		if err := os.Mkdir(dir+"/"+name, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{
		"conf/imapd.conf": "@include: ../more/settings\n", "more/settings": "tls_server_cert: " + dir + "/live/cert\ntls_client_ca_file: disabled\n", "archive/cert1": "",
	} {
		if err := os.WriteFile(dir+"/"+name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../archive/cert1", dir+"/live/cert"); err != nil {
		t.Fatal(err)
	}
	o := service.Options{Config: dir + "/conf/imapd.conf"}
	conf, err := imapconf.Read(o.Config)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		mechanisms string
		write      []string
	}{{"PLAIN", nil}, {"", []string{"/var/sasl"}}, {"PLAIN OTP", []string{"/var/sasl"}}} {
		conf["sasl_sasldb_path"], conf["sasl_mech_list"] = "/var/sasl/db", row.mechanisms
		r := files(o, conf)
		want := []string{"/etc", dir + "/conf", dir + "/more", dir + "/live", dir + "/archive"}
		if row.write == nil {
			want = append(want, "/var/sasl")
		}
		for _, dir := range want {
			if !slices.Contains(r.Read, dir) {
				t.Errorf("%q cannot be read of %q", dir, r.Read)
			}
		}
		if !slices.Equal(r.Write, row.write) {
			t.Errorf("mechanisms %q: may write %q, want %q", row.mechanisms, r.Write, row.write)
		}
	}
}

func TestWithin(t *testing.T) {
	dirs := []string{"/etc", "/var/spool/imap"}
	for _, dir := range []string{"/etc", "/etc/ssl/private", "/var/spool/imap/user"} {
		if !within(dir, dirs) {
			t.Errorf("%s is not", dir)
		}
	}
	for _, dir := range []string{"/", "/etcetera", "/var/spool", ""} {
		if within(dir, dirs) {
			t.Errorf("%s is", dir)
		}
	}
	if !within("/var", []string{"/"}) {
		t.Error("/var is not in /")
	}
}

func TestPrograms(t *testing.T) {
	if allow(confine.Rules{}, confine.Rules{}, true) == nil {
		t.Error("the right to run programs is there again")
	}
}
