package main

import (
	"fmt"
	"strconv"
	"strings"

	"goqmail/lib/imapclient"
)

// showQuotas shows the resources of QUOTA responses.
func (s *shell) showQuotas(all []imapclient.Response) {
	for _, r := range all {
		if r.Name != "QUOTA" || len(r.Values) < 2 {
			continue
		}
		list, _ := r.Values[1].([]any)
		for i := 0; i+2 < len(list); i += 3 {
			used, _ := strconv.ParseFloat(fmt.Sprint(list[i+1]), 64)
			limit, _ := strconv.ParseFloat(fmt.Sprint(list[i+2]), 64)
			fmt.Fprintf(s.out, " %v %v/%v", list[i], list[i+1], list[i+2])
			if limit > 0 {
				fmt.Fprintf(s.out, " (%s%%)", strconv.FormatFloat(used*100/limit, 'g', 15, 64))
			}
		}
	}
	fmt.Fprintln(s.out)
}

// listQuota is lq.
func (s *shell) listQuota(a arguments) error {
	all, err := s.client.Do("GETQUOTA", a.words[0])
	if err == nil {
		s.showQuotas(all)
	}
	return err
}

// listQuotaRoot is lqr.
func (s *shell) listQuotaRoot(a arguments) error {
	all, err := s.client.Do("GETQUOTAROOT", a.words[0])
	if err != nil {
		return err
	}
	for _, r := range all {
		if r.Name == "QUOTAROOT" && len(r.Values) > 1 {
			fmt.Fprint(s.out, r.Values[1])
		}
	}
	s.showQuotas(all)
	return nil
}

// setQuota is sq: a number is kB of STORAGE, none takes the limits away.
func (s *shell) setQuota(a arguments) error {
	limits := a.words[1:]
	if len(limits) == 1 && limits[0] == "none" {
		fmt.Fprintln(s.out, "remove quota")
		limits = nil
	} else if len(limits) == 1 {
		fmt.Fprintln(s.out, "quota:"+limits[0])
		limits = []string{"STORAGE", limits[0]}
	}
	if len(limits)%2 != 0 {
		return fmt.Errorf("%s has no number", limits[len(limits)-1])
	}
	for i := 1; i < len(limits); i += 2 {
		if _, err := strconv.ParseUint(limits[i], 10, 63); err != nil {
			return fmt.Errorf("%s is no number", limits[i])
		}
	}
	return s.do("SETQUOTA", a.words[0], imapclient.Raw("("+strings.Join(limits, " ")+")"))
}
