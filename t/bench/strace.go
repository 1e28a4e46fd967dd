//go:build linux

package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
)

var (
	reCall  = regexp.MustCompile(`^([a-z_0-9]+)\(`)
	reExec  = regexp.MustCompile(`^execve\("[^"]*?([^"/]+)",.*= 0$`)
	reChild = regexp.MustCompile(`^(?:clone3?|v?fork)\(.*= (\d+)$`)
)

var durable = []string{"fsync", "fdatasync", "sync_file_range", "syncfs", "link", "linkat", "rename", "renameat", "renameat2", "unlink", "unlinkat", "open", "openat", "creat", "execve"}

type counts map[string]map[string]float64 // process -> syscall -> n

// parseTraces reads strace -ff files prefix.PID.
func parseTraces(dir, prefix string) (counts, map[string]float64) {
	res, procs := counts{}, map[string]float64{}
	files, _ := filepath.Glob(filepath.Join(dir, prefix+".*"))
	parent := map[string]string{} // pid -> name of the parent when forked
	type seg struct {
		pid   string
		lines []string
	}
	var segs []seg
	for _, f := range files {
		pid := f[strings.LastIndexByte(f, '.')+1:]
		fh, err := os.Open(f)
		if err != nil {
			continue
		}
		sc := bufio.NewScanner(fh)
		sc.Buffer(make([]byte, 1<<20), 1<<20)
		s := seg{pid: pid}
		name := ""
		for sc.Scan() {
			l := sc.Text()
			s.lines = append(s.lines, l)
			if m := reExec.FindStringSubmatch(l); m != nil {
				name = m[1]
			}
			if m := reChild.FindStringSubmatch(l); m != nil && !strings.Contains(l, "CLONE_THREAD") {
				parent[m[1]] = name
			}
		}
		fh.Close()
		segs = append(segs, s)
	}
	for _, s := range segs {
		name := ""
		for _, l := range s.lines {
			if m := reExec.FindStringSubmatch(l); m != nil {
				name = m[1]
			}
		}
		if name == "" {
			if p := parent[s.pid]; p != "" {
				name = p + " (child)"
			} else {
				name = "thread/unknown"
			}
		}
		if name == "bench" {
			continue
		}
		procs[name]++
		if res[name] == nil {
			res[name] = map[string]float64{}
		}
		for _, l := range s.lines {
			if m := reCall.FindStringSubmatch(l); m != nil {
				res[name][m[1]]++
			}
		}
	}
	return res, procs
}

// syscallsReport: two runs of different length, the difference per message.
func syscallsReport(c Config) error {
	ns := []int{10, 60}
	per := float64(ns[1] - ns[0])
	type R struct {
		c counts
		p map[string]float64
	}
	var rs [2]map[string]R
	for i, n := range ns {
		dir, _ := os.MkdirTemp("/var/tmp", "goqmail-trace.")
		defer os.RemoveAll(dir)
		os.Setenv("BENCH_STRACE_N", fmt.Sprint(n))
		os.Setenv("BENCH_STRACE_DIR", dir)
		if _, err := runOne(c); err != nil {
			return err
		}
		rs[i] = map[string]R{}
		for _, p := range []string{"inj", "send", "smtpd"} {
			a, b := parseTraces(dir, p)
			rs[i][p] = R{a, b}
		}
	}
	fmt.Printf("per message (send: half of the messages came by qmail-queue, half by SMTP)\n")
	for _, p := range []string{"inj", "send", "smtpd"} {
		div := per
		if p == "send" {
			div *= 2
		}
		names := map[string]bool{}
		for n := range rs[1][p].c {
			names[n] = true
		}
		var ord []string
		for n := range names {
			ord = append(ord, n)
		}
		sort.Strings(ord)
		tot := map[string]float64{}
		for _, n := range ord {
			sum, det := 0.0, map[string]float64{}
			for sc, v := range rs[1][p].c[n] {
				d := (v - rs[0][p].c[n][sc]) / div
				sum += d
				tot[sc] += d
				det[sc] = d
			}
			np := (rs[1][p].p[n] - rs[0][p].p[n]) / div
			if sum < 0.05 {
				continue
			}
			fmt.Printf("%-6s %-22s procs %.2f syscalls %.1f |", p, n, np, sum)
			var ks []string
			for k := range det {
				if det[k] >= 0.5 {
					ks = append(ks, k)
				}
			}
			sort.Slice(ks, func(i, j int) bool { return det[ks[i]] > det[ks[j]] })
			for _, k := range ks {
				fmt.Printf(" %s %.4g", k, float64(int(det[k]*10+.5))/10)
			}
			fmt.Println()
		}
		fmt.Printf("%-6s %-22s", p, "TOTAL")
		for _, k := range durable {
			if tot[k] > 0.05 {
				fmt.Printf(" %s %.2f", k, tot[k])
			}
		}
		fmt.Println()
	}
	return nil
}
