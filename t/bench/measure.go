//go:build linux

package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// What the kernel says about the processes under test.

func cpu(cg string) float64 { // seconds
	b, _ := os.ReadFile(cg + "/cpu.stat")
	for _, l := range strings.Split(string(b), "\n") {
		if f := strings.Fields(l); len(f) == 2 && f[0] == "usage_usec" {
			v, _ := strconv.ParseFloat(f[1], 64)
			return v / 1e6
		}
	}
	return 0
}

func (e *Env) procs() []int {
	b, _ := os.ReadFile(e.c.CgSut + "/cgroup.procs")
	var r []int
	for _, f := range strings.Fields(string(b)) {
		if p, _ := strconv.Atoi(f); p > 0 {
			r = append(r, p)
		}
	}
	return r
}

func comm(pid int) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	return strings.TrimSpace(string(b))
}

func field(path, key string) float64 { // KiB
	b, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	for _, l := range strings.Split(string(b), "\n") {
		if strings.HasPrefix(l, key) {
			if f := strings.Fields(l); len(f) > 1 {
				v, _ := strconv.ParseFloat(f[1], 64)
				return v
			}
		}
	}
	return 0
}

func (e *Env) pss() (total float64, by map[string]float64, n map[string]int) {
	by, n = map[string]float64{}, map[string]int{}
	for _, p := range e.procs() {
		v := field(fmt.Sprintf("/proc/%d/smaps_rollup", p), "Pss:")
		c := comm(p)
		total += v
		by[c] += v
		n[c]++
	}
	return
}

type Sampler struct {
	stop              chan bool
	done              chan bool
	Procs             int
	Pss               float64
	PeakProcsByCounts map[string]int
	Hwm               map[string]float64
}

// sampler watches process count (every step), PSS (every pssEvery) and VmHWM.
func (e *Env) sampler(step, pssEvery time.Duration, hwm bool) *Sampler {
	s := &Sampler{stop: make(chan bool), done: make(chan bool), Hwm: map[string]float64{}}
	go func() {
		defer close(s.done)
		var last time.Time
		for {
			select {
			case <-s.stop:
				return
			case <-time.After(step):
			}
			ps := e.procs()
			if len(ps) > s.Procs {
				s.Procs = len(ps)
			}
			if hwm {
				for _, p := range ps {
					c := comm(p)
					if v := field(fmt.Sprintf("/proc/%d/status", p), "VmHWM:"); v > s.Hwm[c] {
						s.Hwm[c] = v
					}
				}
			}
			if pssEvery > 0 && time.Since(last) > pssEvery {
				if t, _, _ := e.pss(); t > s.Pss {
					s.Pss = t
				}
				last = time.Now()
			}
		}
	}()
	return s
}

func (s *Sampler) end() { close(s.stop); <-s.done }
