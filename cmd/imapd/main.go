// Imapd lets clients read and keep mail by IMAP. See imapd(8).
package main

import (
	"fmt"
	"net"
	"os"

	"goqmail/lib/entry"
	"goqmail/lib/imapconf"
)

func main() {
	entry.Setup()
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "imapd: fatal:", err)
		os.Exit(1)
	}
}

func run() error {
	conf, err := imapconf.Read(imapconf.Default)
	if err != nil {
		return err
	}
	s, err := open(conf)
	if err != nil {
		return err
	}
	n, err := net.FileConn(os.Stdin)
	if err != nil {
		return err
	}
	s.serve(n)
	return nil
}
