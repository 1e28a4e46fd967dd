//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Config says what to run and where.
type Config struct {
	Home     string
	Workload string
	Work     string // scratch directory (real disk)
	CgSut    string
	CgLoad   string
	Tmpfs    bool
	Rootfs   bool   // scratch directly on the file system of BENCH_DIR
	Img      string // otherwise: loop-mounted image with a fresh journaled ext4
	Dirsync  string // "", "D", "S"
	DirsyncM bool   // Maildirs too
	Scale    float64
	Keep     bool
	Verbose  bool
	Perf     string // perf record output, if any
	Quiet    float64
	MaxFor   float64 // repeat a run when others used more CPU than this
}

type Fig struct {
	Name   string
	Value  float64
	Better string // "+" higher is better, "-" lower is better, "" neutral
}

type Result struct {
	Figs []Fig
	Err  string
	// Foreign is the share of the machine's CPU used by others meanwhile.
	Foreign float64
}

// busy is the CPU time of the whole machine in seconds.
func busy() float64 {
	b, _ := os.ReadFile("/proc/stat")
	f := strings.Fields(splitLines(b)[0])
	sum := 0.0
	for i, x := range f[1:] {
		if i != 3 && i != 4 && i < 8 { // not idle, iowait, guest
			v, _ := strconv.ParseFloat(x, 64)
			sum += v
		}
	}
	return sum / 100
}

// waitQuiet waits up to max seconds for others to use little CPU.
func waitQuiet(max float64) {
	t0 := time.Now()
	for time.Since(t0).Seconds() < max {
		b, t := busy(), time.Now()
		time.Sleep(400 * time.Millisecond)
		if (busy()-b)/time.Since(t).Seconds()/float64(runtime.NumCPU()) < 0.06 {
			return
		}
	}
}

const cgRoot = "/sys/fs/cgroup/unified"

func cgBase() string {
	if _, err := os.Stat(cgRoot + "/cgroup.procs"); err == nil {
		return cgRoot
	}
	return "/sys/fs/cgroup"
}

func runOne(c Config) (Result, error) {
	var res Result
	base := benchDir()
	work, err := os.MkdirTemp(base, "goqmail-bench.")
	if err != nil {
		return res, err
	}
	os.Chmod(work, 0755)
	c.Work = work
	// one run at a time on this machine
	lk, err := os.OpenFile(base+"/goqmail-bench.lock", os.O_CREATE|os.O_RDWR|syscall.O_CLOEXEC, 0600)
	if err != nil {
		return res, err
	}
	defer lk.Close()
	if err := syscall.Flock(int(lk.Fd()), syscall.LOCK_EX); err != nil {
		return res, err
	}
	if !c.Tmpfs && !c.Rootfs {
		c.Img = base + "/goqmail-bench.img"
		if err := makeImage(c.Img); err != nil {
			return res, err
		}
	}
	cg := filepath.Join(cgBase(), fmt.Sprintf("goqmail-bench-%d-%d", os.Getpid(), time.Now().UnixNano()%1e9))
	c.CgSut, c.CgLoad = cg+"/sut", cg+"/load"
	for _, d := range []string{cg, c.CgSut, c.CgLoad} {
		if err := os.Mkdir(d, 0755); err != nil {
			return res, err
		}
	}
	var child *os.Process
	sig := make(chan os.Signal, 1)
	signal.Notify(sig, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(sig)
	cleanup := func() {
		for i := 0; i < 50; i++ {
			os.Remove(c.CgSut)
			os.Remove(c.CgLoad)
			if os.Remove(cg) == nil {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		if !c.Keep {
			os.RemoveAll(work)
		}
	}
	defer cleanup()
	fin := make(chan bool)
	defer close(fin)
	go func() {
		select {
		case <-fin:
		case <-sig:
			if child != nil {
				child.Kill() // pid 1 of its namespace: all in it end
				child.Wait()
			}
			cleanup()
			os.Exit(130)
		}
	}()
	js, _ := json.Marshal(c)
	cgf, err := os.Open(c.CgLoad)
	if err != nil {
		return res, err
	}
	defer cgf.Close()
	pr, pw, _ := os.Pipe()
	cmd := exec.Command("/proc/self/exe", "inner", string(js))
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = []*os.File{pw}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWUTS | syscall.CLONE_NEWIPC,
		UseCgroupFD: true, CgroupFD: int(cgf.Fd()),
		Pdeathsig: syscall.SIGKILL,
	}
	if c.Quiet > 0 {
		waitQuiet(c.Quiet)
	}
	b0, u0, t0 := busy(), cpu(cg), time.Now()
	if err := cmd.Start(); err != nil {
		return res, err
	}
	child = cmd.Process
	pw.Close()
	err = json.NewDecoder(pr).Decode(&res)
	pr.Close()
	werr := cmd.Wait()
	res.Foreign = ((busy() - b0) - (cpu(cg) - u0)) / time.Since(t0).Seconds() / float64(runtime.NumCPU())
	if err != nil {
		return res, fmt.Errorf("inner: %v / %v", err, werr)
	}
	if res.Err != "" {
		return res, fmt.Errorf("%s", res.Err)
	}
	return res, nil
}

// makeImage writes the whole image once, so that later runs only overwrite
// blocks, and makes a fresh ext4 with a journal in it.
func makeImage(img string) error {
	const mb = 3072
	if fi, err := os.Stat(img); err != nil || fi.Size() != mb<<20 {
		if b, err := exec.Command("dd", "if=/dev/zero", "of="+img, "bs=1M", fmt.Sprintf("count=%d", mb), "conv=fsync").CombinedOutput(); err != nil {
			return fmt.Errorf("dd: %s", b)
		}
	}
	b, err := exec.Command("mkfs.ext4", "-q", "-F", "-N", "300000", "-J", "size=128", "-E", "nodiscard,lazy_itable_init=1,lazy_journal_init=1", img).CombinedOutput()
	if err != nil {
		return fmt.Errorf("mkfs.ext4: %s", b)
	}
	return nil
}
