package account

import (
	"bytes"
	"os"
	"strings"
)

// Groups returns the groups of user name as initgroups(3) would set them: gid,
// and then each group that lists name as a member.
func Groups(name string, gid int) ([]int, error) {
	data, err := os.ReadFile("/etc/group")
	if err != nil {
		return nil, err
	}
	return groups(data, name, gid), nil
}

func groups(data []byte, name string, gid int) []int {
	gids := []int{gid}
	for line := range bytes.Lines(data) {
		field := strings.Split(strings.TrimSuffix(string(line), "\n"), ":")
		if len(field) != 4 {
			continue
		}
		group := number(field[2])
		for member := range strings.SplitSeq(field[3], ",") {
			if member == name && group >= 0 && group != gid {
				gids = append(gids, group)
				break
			}
		}
	}
	return gids
}
