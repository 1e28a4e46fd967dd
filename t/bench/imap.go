//go:build linux

package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// imapServer is a server under test.
type imapServer struct {
	name, address, user, password string
	lmtp                          string // host:port, or empty
}

// parseServer reads NAME=HOST:PORT,USER,PASSWORD[,LMTP].
func parseServer(arg string) (s imapServer, err error) {
	name, rest, _ := strings.Cut(arg, "=")
	parts := strings.Split(rest, ",")
	if len(parts) < 3 || len(parts) > 4 {
		return s, fmt.Errorf("%s: not NAME=HOST:PORT,USER,PASSWORD[,LMTP]", arg)
	}
	s = imapServer{name: name, address: parts[0], user: parts[1], password: parts[2]}
	if len(parts) == 4 {
		s.lmtp = parts[3]
	}
	return s, nil
}

// benchIMAP measures imapd and lmtpd, and the servers that are named, with one client.
func benchIMAP(args []string) int {
	fs := flag.NewFlagSet("bench imap", flag.ExitOnError)
	n := fs.Int("n", 20000, "messages in the mailbox")
	rounds := fs.Int("rounds", 3, "rounds")
	idle := fs.Int("idle", 500, "connections that wait at a time")
	bin := fs.String("bin", "bin", "where imapd, lmtpd and saslpasswd2 are")
	var servers []imapServer
	var names []string
	for _, arg := range parse(fs, args) {
		if !strings.Contains(arg, "=") {
			names = append(names, arg)
			continue
		}
		s, err := parseServer(arg)
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			return 2
		}
		servers = append(servers, s)
	}
	works, err := imapWorks(names)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 2
	}

	// An interrupt ends our servers, and the rest at the next work.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if !slices.ContainsFunc(servers, func(s imapServer) bool { return s.name == "ours" }) {
		ours, end, err := startOurs(ctx, *bin)
		defer end()
		if err != nil {
			fmt.Fprintln(os.Stderr, "bench: unable to start our servers:", err)
			return 1
		}
		servers = slices.Insert(servers, 0, ours)
	}
	if len(servers) == 1 {
		fmt.Println("no peer: name one as NAME=HOST:PORT,USER,PASSWORD[,LMTP]")
	}
	fmt.Printf("%d messages, %d rounds, load average %s\n", *n, *rounds, loadAverage())
	t := imapTable{servers: servers, values: map[string][][]float64{}}
	defer t.print() // of what there is, after an interrupt
	for round := range *rounds {
		for _, work := range works {
			for i := range servers {
				who := (i + round) % len(servers)
				r := imapRun{imapServer: servers[who], n: *n, wait: *idle}
				if err := r.do(work); err != nil {
					fmt.Printf("%s: round %d: %s: FAILED: %v\n", r.name, round+1, work.name, err)
					t.failed = true
				}
				t.add(who, r.figs)
				if ctx.Err() != nil {
					return 1
				}
			}
		}
		fmt.Printf("round %d done, load average %s\n", round+1, loadAverage())
	}
	if t.failed {
		return 1
	}
	return 0
}

func loadAverage() string {
	b, _ := os.ReadFile("/proc/loadavg")
	return strings.Join(strings.Fields(string(b))[:3], " ")
}

// imapTable collects the figures of all servers and rounds. Less is better in all.
type imapTable struct {
	servers []imapServer
	order   []string
	values  map[string][][]float64 // by figure, server and round
	failed  bool
}

func (t *imapTable) add(who int, figs []Fig) {
	for _, f := range figs {
		if t.values[f.Name] == nil {
			t.values[f.Name] = make([][]float64, len(t.servers))
			t.order = append(t.order, f.Name)
		}
		t.values[f.Name][who] = append(t.values[f.Name][who], f.Value)
	}
}

// print shows the medians and, for each server behind the first, how many times the
// first's figure its own is: the median of the rounds, and each of them.
func (t *imapTable) print() {
	fmt.Printf("\n%-48s %10s", "figure (median)", t.servers[0].name)
	for _, s := range t.servers[1:] {
		fmt.Printf(" %10s %9s", s.name, "/"+t.servers[0].name)
	}
	fmt.Println()
	for _, name := range t.order {
		values := t.values[name]
		fmt.Printf("%-48s %10s", name, figure(values[0]))
		for _, peer := range values[1:] {
			var ratios []float64
			for i := range min(len(values[0]), len(peer)) {
				ratios = append(ratios, peer[i]/values[0][i])
			}
			fmt.Printf(" %10s %9s", figure(peer), figure(ratios))
			if len(ratios) > 1 {
				fmt.Printf(" %.2f", ratios)
			}
		}
		fmt.Println()
	}
}

// benchDir is where things lie that are measured.
func benchDir() string {
	if dir := os.Getenv("BENCH_DIR"); dir != "" {
		return filepath.Clean(dir)
	}
	return "/var/tmp"
}
