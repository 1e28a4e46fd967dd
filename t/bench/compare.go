//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"time"
)

func compare(c Config, onlyA bool, a, b string, wl []string, n int, raw string) int {
	homes := [2]string{a, b}
	mode := "ext4 image on disk"
	if c.Rootfs {
		mode = "disk"
	}
	if c.Tmpfs {
		mode = "tmpfs"
	}
	if c.Dirsync != "" {
		mode += " chattr+" + c.Dirsync
		if onlyA {
			mode += " for A"
		}
	}
	fmt.Printf("A=%s\nB=%s\nrounds=%d scale=%g queue=%s %s\n", a, b, n, c.Scale, mode, time.Now().UTC().Format(time.RFC3339))
	fmt.Printf("%-36s %10s %10s %7s %15s %7s\n", "figure", "median A", "median B", "A/B", "(min..max)", "B gain")
	rc := 0
	for _, w := range wl {
		var order []Fig
		var foreign []float64
		redo := 0
		vals := map[string]*[2][]float64{}
		for r := 0; r < n; r++ {
			seq := []int{0, 1}
			if r%2 == 1 {
				seq = []int{1, 0}
			}
			for _, h := range seq {
				cc := c
				cc.Home, cc.Workload = homes[h], w
				if onlyA && h == 1 {
					cc.Dirsync = ""
				}
				res, err := runOne(cc)
				for try := 0; try < 2 && err == nil && res.Foreign > c.MaxFor; try++ {
					redo++
					r2, err2 := runOne(cc)
					if err2 == nil && r2.Foreign < res.Foreign {
						res = r2
					}
				}
				foreign = append(foreign, 100*res.Foreign)
				if err != nil {
					fmt.Printf("%s: round %d %c: FAILED: %v\n", w, r, 'A'+h, err)
					rc = 1
				}
				for _, f := range res.Figs {
					if vals[f.Name] == nil {
						vals[f.Name] = &[2][]float64{}
						order = append(order, f)
					}
					vals[f.Name][h] = append(vals[f.Name][h], f.Value)
				}
				if raw != "" {
					if fh, e := os.OpenFile(raw, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0644); e == nil {
						json.NewEncoder(fh).Encode(map[string]any{"w": w, "round": r, "side": string(rune('A' + h)), "home": homes[h], "mode": mode, "foreign": res.Foreign, "figs": res.Figs})
						fh.Close()
					}
				}
			}
		}
		for _, f := range order {
			v := vals[f.Name]
			var rat []float64
			for i := 0; i < len(v[0]) && i < len(v[1]); i++ {
				if v[1][i] != 0 {
					rat = append(rat, v[0][i]/v[1][i])
				}
			}
			sort.Float64s(rat)
			rs, mm, gain := "-", "", ""
			if len(rat) > 0 {
				m := median(rat)
				rs = fmt.Sprintf("%.2f", m)
				mm = fmt.Sprintf("(%.2f..%.2f)", rat[0], rat[len(rat)-1])
				switch {
				case f.Better == "+" && m > 0:
					gain = fmt.Sprintf("%.2fx", 1/m)
				case f.Better == "-":
					gain = fmt.Sprintf("%.2fx", m)
				}
			}
			fmt.Printf("%-36s %10s %10s %7s %15s %7s\n", w+"/"+f.Name, figure(v[0]), figure(v[1]), rs, mm, gain)
		}
		sort.Float64s(foreign)
		fmt.Printf("  %s: CPU used by others: median %.0f%%, max %.0f%%; runs repeated: %d\n", w, median(foreign), foreign[len(foreign)-1], redo)
	}
	return rc
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	s := append([]float64(nil), v...)
	sort.Float64s(s)
	if n := len(s); n%2 == 1 {
		return s[n/2]
	} else {
		return (s[n/2-1] + s[n/2]) / 2
	}
}

// figure is the median, "-" for a home that has no such figure.
func figure(v []float64) string {
	if len(v) == 0 {
		return "-"
	}
	return num(median(v))
}

func num(x float64) string {
	switch {
	case x == 0:
		return "0"
	case x >= 100000:
		return fmt.Sprintf("%.0f", x)
	case x >= 100:
		return fmt.Sprintf("%.1f", x)
	case x >= 1:
		return fmt.Sprintf("%.2f", x)
	}
	return fmt.Sprintf("%.4f", x)
}
