package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"goqmail/lib/account"
	"goqmail/lib/auto"
	"goqmail/lib/imapconf"
	"goqmail/lib/mailstore"
)

const imapdConf = imapconf.Default

// store checks what is around deliver and imapd, if they are installed.
func (c *checker) store() {
	deliver := auto.Cyrus + "/deliver"
	var st syscall.Stat_t
	if err := syscall.Stat(deliver, &st); err != nil {
		return // there is no store, or it is another's
	}
	uid, err := account.Uid(auto.UserCyrus)
	if err != nil {
		c.missing("user "+auto.UserCyrus, err, "make setup-pair")
		return
	}
	if int(st.Uid) != uid || st.Mode&syscall.S_ISUID == 0 {
		c.wrong(deliver, "is not setuid to "+auto.UserCyrus, fmt.Sprintf("chown %s %s && chmod 4755 %s", auto.UserCyrus, deliver, deliver))
	}
	conf, err := imapconf.Read(c.imapdConf)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.wrong(c.imapdConf, "does not exist", "cp "+auto.Cyrus+"/../imap.example/imapd.conf "+c.imapdConf)
		return
	case err != nil:
		c.wrong(c.imapdConf, "cannot be read: "+text(err), "")
		return
	}
	for _, what := range conf.Mistakes() {
		c.wrong(c.imapdConf, what, "")
	}
	layout := mailstore.LayoutOf(conf)
	c.cyrusDir("configdirectory", layout.ConfigDir, uid)
	for _, name := range slices.Sorted(maps.Keys(layout.Partitions)) {
		c.cyrusDir("partition-"+name, layout.Partitions[name], uid)
	}
	if _, ok := layout.Partitions[layout.DefaultPartition]; !ok {
		c.wrong(c.imapdConf, "defaultpartition is "+layout.DefaultPartition+", and there is no partition-"+layout.DefaultPartition, "")
	}
	c.listens(conf.String("lmtpsocket", layout.ConfigDir+"/socket/lmtp"))
	c.imapCertificate(conf)
}

// cyrusDir checks a directory of the store.
func (c *checker) cyrusDir(setting, dir string, uid int) {
	where := c.imapdConf
	if dir == "" {
		c.wrong(where, "has no "+setting, "")
		return
	}
	var st syscall.Stat_t
	switch err := syscall.Stat(dir, &st); {
	case errors.Is(err, fs.ErrNotExist):
		c.wrong(dir, "does not exist, though it is "+setting+" of "+where, "mkdir -p "+quoted(dir)+" && chown "+auto.UserCyrus+":mail "+quoted(dir)+" && su - "+auto.UserCyrus+" -c tools/mkimap")
	case err != nil:
		c.hidden(dir, err)
	case int(st.Uid) != uid:
		c.wrong(dir, "does not belong to "+auto.UserCyrus, "chown -R "+auto.UserCyrus+":mail "+quoted(dir))
	case st.Mode&0o007 != 0 && st.Mode&0o002 != 0:
		c.wrong(dir, "everybody may write it", "chmod o-w "+quoted(dir))
	}
}

// listens checks that lmtpd does.
func (c *checker) listens(socket string) {
	conn, err := net.DialTimeout("unix", socket, 10*time.Second)
	switch {
	case err == nil:
		conn.Close()
	case errors.Is(err, fs.ErrPermission):
		c.hidden(socket, err)
	default:
		c.doubt(socket, "nobody listens: "+text(err)+"; deliver writes the store itself, and nobody can log in", auto.Cyrus+"/master &")
	}
}

// imapCertificate checks what imapd shows its clients.
func (c *checker) imapCertificate(conf imapconf.Conf) {
	chain := conf.String("tls_server_cert", conf.String("tls_cert_file", ""))
	key := conf.String("tls_server_key", conf.String("tls_key_file", chain))
	if chain == "" || strings.EqualFold(chain, "disabled") {
		return
	}
	chainData, err := os.ReadFile(chain)
	if err != nil {
		c.hidden(chain, err)
		return
	}
	keyData, err := os.ReadFile(key)
	if err != nil {
		c.hidden(key, err)
		return
	}
	c.pair(chain, chainData, keyData, "")
}
