// Package bounds has imapd, pop3d and lmtpd give up, before a client says anything,
// the rights that they do not need; see package confine. They keep those to use the
// store, to read /etc and the directories of the files that imapd.conf(5) names,
// and to connect sockets of this host: the log's, saslauthd's, and those by which
// the processes of a store wake each other.
//
// One that is to run a checkpassword program gives up nothing: that program needs
// rights of its own, and would get none.
package bounds

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"goqmail/lib/confine"
	"goqmail/lib/imapconf"
	"goqmail/lib/imaptls"
	"goqmail/lib/mailstore"
	"goqmail/lib/sasl"
	"goqmail/lib/service"
)

// Confine confines the process to what conf, as o read it, makes it need. From then on
// o.Read refuses a configuration that would make it need more: that takes a restart.
func Confine(o *service.Options, conf imapconf.Conf) error {
	if !confine.Possible || sasl.Programs(conf) {
		return nil
	}
	_, _ = time.Now().Zone() // reads a file, once
	r := files(*o, conf)
	o.Allow = func(conf imapconf.Conf) error { return allow(r, files(*o, conf), sasl.Programs(conf)) }
	r.Write = append(r.Write, mailstore.LayoutOf(conf).Dirs()...)
	r.Local = true
	if err := confine.Process(r); err != nil {
		return fmt.Errorf("unable to give up rights: %w", err)
	}
	return nil
}

// files are the rules for all but the store, which stays where it is.
func files(o service.Options, conf imapconf.Conf) (r confine.Rules) {
	r.Read = []string{"/etc"} // users, groups and hosts
	cert, key, clients := imaptls.Files(conf)
	for _, file := range append(imapconf.Files(o.Config), cert, key, clients) {
		r.Read = append(r.Read, places(file)...)
	}
	db, changes := sasl.File(conf)
	if changes {
		r.Write = places(db)
	} else {
		r.Read = append(r.Read, places(db)...)
	}
	return r
}

// places are the directories where a file, "" for none, may be put anew: its own, and
// the one of the file to which it is a symbolic link.
func places(file string) []string {
	if file == "" {
		return nil
	}
	dirs := []string{filepath.Dir(file)}
	if to, err := filepath.EvalSymlinks(file); err == nil && to != file {
		dirs = append(dirs, filepath.Dir(to))
	}
	return dirs
}

// allow returns an error if what is wanted, and programs if so, needs more than was kept.
func allow(kept, wanted confine.Rules, programs bool) error {
	if programs {
		return errors.New("imapd.conf: the right to run sasl_checkpassword was given up: restart")
	}
	if f, err := os.Open("/"); err == nil { // the system could not take that
		f.Close()
		return nil
	}
	for _, dir := range wanted.Read {
		if !within(dir, kept.Read) && !within(dir, kept.Write) {
			return fmt.Errorf("imapd.conf: the right to read in %s was given up: restart", dir)
		}
	}
	for _, dir := range wanted.Write {
		if !within(dir, kept.Write) {
			return fmt.Errorf("imapd.conf: the right to write in %s was given up: restart", dir)
		}
	}
	return nil
}

// within tells whether dir is one of dirs, or below one.
func within(dir string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(above string) bool {
		return dir == above || strings.HasPrefix(dir, strings.TrimSuffix(above, "/")+"/")
	})
}
