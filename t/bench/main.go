//go:build linux

// Bench measures two qmail homes side by side in one run and prints ratios.
//
//	bench compare [flags] HOME_A HOME_B [workload...]
//	bench one [flags] HOME workload
//	bench syscalls [flags] HOME...
//	bench imap [-n messages] [-rounds n] [-idle n] [NAME=HOST:PORT,USER,PASSWORD[,LMTP]...] [work...]
//
// Machines drift and are shared, so A and B take turns (A B, B A, A B, ...) and
// the figure to quote is the median of the ratios of the rounds, with the
// smallest and the largest; "B gain" is above 1 where B is better. Believe a
// difference only where min..max excludes 1.
//
// Each run happens in namespaces of its own: mount, pid, net (loopback only),
// uts and ipc. The home's directories are mounted below a fresh /var/qmail
// whose queue is empty; /etc/passwd gets 50 more users with Maildirs. Queue and
// Maildirs lie on a fresh journaled ext4 in an image file, written once below
// BENCH_DIR (/var/tmp). Bench sits in another cgroup than what it measures, so
// that CPU figures are those of the programs alone.
//
// The workloads:
//
//	local       2,000 messages of 2 KB, 10 qmail-queue at a time, to 50 Maildirs
//	inject      the same with qmail-send off
//	deliver     the same messages, all in todo when qmail-send starts
//	smtp1       1,000 messages over 20 connections at a time, 1 each
//	smtp20      the same, 20 on a connection
//	smtptls1, smtptls20  the same after STARTTLS, and what that costs beside plain
//	remote      1 message to 1,000 domains, through smtproutes to a sink
//	remote20ms  the same, each reply of the sink 20 ms late
//	held100, held1000  that many remote deliveries at a time, which all wait; for more
//	            than 255 the home must be built with a SPAWN to match
//	list        1 message to 1,000 local recipients
//	backlog     20,000 deferred messages; then 1, 500 and 5,000 new ones
//	latency     200 messages one by one on an idle system
//	big         one message of 50 MB
//	idle        200 SMTP sessions that wait after EHLO
//	fanout      one SMTP message to 1,000 recipients of their own
//	smtp1live, smtp20live  smtp1 and smtp20 with qmail-send delivering
//
// In place of a home, "postfix" stands for Debian's Postfix, which
// scripts/test-peers installs; it has figures for fanout, smtp1live and smtp20live.
//
// Imap measures imapd and lmtpd, which it starts itself, beside other servers that run
// already and call their mailboxes INBOX.x. All have the same client and do each work in
// turn: load (always), login, select, fetch, search, sort, store, append, copy, lmtp and
// idle. Each round begins with an empty mailbox; less is better in every figure.
//
// A home may hold bench.control/ (more control files), bench.start (instead of
// qmail-start ./Maildir/) and bench.smtpd (instead of tcpserver and
// qmail-smtpd; it must listen on 127.0.0.1:2525).
//
// It needs root, Linux with cgroup v2 mounted at /sys/fs/cgroup or at
// /sys/fs/cgroup/unified, tcpserver and mkfs.ext4; strace for syscalls, perf
// for -perf. Imap needs none of them, and root only to see others' memory.
package main

import (
	"flag"
	"fmt"
	"os"
)

var all = []string{"local", "inject", "deliver", "smtp1", "smtp20", "smtptls1", "smtptls20", "remote", "remote20ms", "held100", "list", "backlog", "latency", "big", "idle"}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: bench compare|one|syscalls|imap [flags] HOME...; workloads:", all)
		os.Exit(2)
	}
	switch os.Args[1] {
	case "inner":
		inner()
		return
	case "injworker":
		injworker()
		return
	case "imap":
		os.Exit(benchIMAP(os.Args[2:]))
	}
	var c Config
	n := 3
	raw := ""
	fs := flag.NewFlagSet("bench", flag.ExitOnError)
	fs.IntVar(&n, "n", 3, "rounds")
	fs.BoolVar(&c.Tmpfs, "tmpfs", false, "queue and Maildirs on tmpfs")
	dirsync := fs.Bool("dirsync", false, "chattr +D on the queue directories")
	syncS := fs.Bool("sync", false, "chattr +S on the queue directories (LFS hint)")
	fs.BoolVar(&c.DirsyncM, "dirsync-all", false, "with -dirsync/-sync: the Maildirs too")
	onlyA := fs.Bool("only-a", false, "compare: -dirsync, -sync and -dirsync-all for HOME_A alone, whose programs sync no directories")
	fs.BoolVar(&c.Rootfs, "rootfs", false, "queue directly on the file system of BENCH_DIR, not on a fresh journaled ext4 image there")
	fs.Float64Var(&c.Scale, "scale", 1, "size of the workloads")
	fs.BoolVar(&c.Keep, "keep", false, "keep scratch directories")
	fs.BoolVar(&c.Verbose, "v", false, "verbose")
	fs.StringVar(&c.Perf, "perf", "", "one: perf record -a -g into this file")
	fs.Float64Var(&c.Quiet, "quiet", 20, "wait up to so many seconds for a quiet machine before a run")
	fs.Float64Var(&c.MaxFor, "foreign", 0.10, "repeat a run (twice at most) when others used more than this share of the CPUs")
	fs.StringVar(&raw, "o", "", "append raw results (JSON lines) to this file")
	pos := parse(fs, os.Args[2:])
	if *syncS {
		c.Dirsync = "S"
	} else if *dirsync || c.DirsyncM {
		c.Dirsync = "D"
	}
	os.MkdirAll("/var/qmail", 0755) // mount point only
	switch os.Args[1] {
	case "one":
		c.Home, c.Workload = pos[0], pos[1]
		r, err := runOne(c)
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
		for _, f := range r.Figs {
			fmt.Printf("%-34s %s\n", f.Name, num(f.Value))
		}
	case "syscalls":
		for _, h := range pos {
			c.Home, c.Workload = h, "syscalls"
			fmt.Println("== " + h)
			if err := syscallsReport(c); err != nil {
				fmt.Fprintln(os.Stderr, "bench:", err)
				os.Exit(1)
			}
		}
	case "compare":
		if len(pos) < 2 {
			fmt.Fprintln(os.Stderr, "need HOME_A HOME_B")
			os.Exit(2)
		}
		wl := pos[2:]
		if len(wl) == 0 || wl[0] == "all" {
			wl = all
		}
		os.Exit(compare(c, *onlyA, pos[0], pos[1], wl, n, raw))
	default:
		fmt.Fprintln(os.Stderr, "unknown command")
		os.Exit(2)
	}
}

// parse takes flags before or after the names, which it returns.
func parse(fs *flag.FlagSet, args []string) (names []string) {
	for len(args) > 0 {
		fs.Parse(args)
		args = fs.Args()
		if len(args) > 0 {
			names = append(names, args[0])
			args = args[1:]
		}
	}
	return names
}
