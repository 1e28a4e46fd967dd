// Package auto holds the facts that are fixed when the programs are built,
// qmail's conf-* files. The Makefile sets them through the linker
// (-X goqmail/lib/auto.Home=/opt/qmail); no environment variable moves them,
// because programs that run setuid or as root trust them.
package auto

import "strconv"

// Home is the qmail home directory, conf-qmail. It must be a local directory
// and an absolute path. Change it to run a second system beside the first.
var Home = "/var/qmail"

// split is conf-split: the number of directories under mess, info, local and
// remote. It is part of the queue's format: change it only with an empty queue,
// and keep it prime.
var split = "23"

// spawn is conf-spawn: how many deliveries qmail-lspawn and qmail-rspawn can
// have under way at once, whatever concurrencylocal and concurrencyremote ask
// for. Above 255, qmail-send and the spawns talk in the way of the big-concurrency
// patch, with numbers of two bytes, so 65535 is the most, and all three must come
// from one build.
var spawn = "120"

// Break is conf-break, the character between a user name and its extension.
var Break = "-"

// The accounts of conf-users. Each program runs as one of them, or as the
// user it delivers to; see qmail(7) for who owns what.
var (
	UserAlias = "alias"  // owns the addresses that belong to nobody else
	UserD     = "qmaild" // network daemons
	UserL     = "qmaill" // loggers
	UserO     = "root"   // owns the programs and the configuration
	UserP     = "qmailp" // password look-ups: qmail-getpw
	UserQ     = "qmailq" // the queue: qmail-queue, qmail-clean
	UserR     = "qmailr" // remote deliveries
	UserS     = "qmails" // qmail-send
)

// The groups of conf-groups.
var (
	GroupQmail   = "qmail"   // those who share the queue
	GroupNofiles = "nofiles" // those who share nothing
)

// Cyrus is where the programs around the mail store are: imapd, lmtpd and the others
// that serve what master or deliver starts.
var Cyrus = "/usr/cyrus/bin"

// UserCyrus owns the mail store.
var UserCyrus = "cyrus"

// Patrn is conf-patrn, the permission bits that make qmail-local refuse a
// home directory or .qmail file: others must not be able to write it.
const Patrn = 0o002

// Split is the number of split directories in the queue, at least 1.
func Split() uint64 {
	n, err := strconv.ParseUint(split, 10, 32)
	if err != nil || n == 0 {
		panic("auto: built with a bad split: " + split)
	}
	return n
}

// Spawn is the silent limit on simultaneous deliveries per channel, 1 to 65535.
func Spawn() int {
	n, err := strconv.Atoi(spawn)
	if err != nil || n < 1 || n > 65535 {
		panic("auto: built with a bad spawn limit: " + spawn)
	}
	return n
}
