// Package imapconf reads imapd.conf(5), the configuration of everything around
// the mail store.
//
// Each line is a name, a colon and a value; the colon may be missing, as people
// write it. Empty lines and those that begin with # mean nothing. A line
// "@include: FILE" stands for the lines of that file.
package imapconf

import (
	"bufio"
	"errors"
	"os"
	"strconv"
	"strings"
)

// Default is where the file is unless a program's option -C says otherwise.
const Default = "/etc/imapd.conf"

// Conf is the settings by their names, which are in lower case.
type Conf map[string]string

// Read reads a file. The error names file and line.
func Read(path string) (Conf, error) {
	r := reader{conf: Conf{}}
	return r.conf, r.read(path, 0)
}

// Files are those that Read reads: the file, and those that it includes.
func Files(path string) []string {
	r := reader{conf: Conf{}}
	r.read(path, 0) // as far as it comes
	return r.files
}

type reader struct {
	conf  Conf
	files []string
}

// maxIncludes is how deep files may include others.
const maxIncludes = 10

func (r *reader) read(path string, depth int) error {
	r.files = append(r.files, path)
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		end := strings.IndexAny(line, ": \t")
		if end < 0 {
			return at(path, n, "no value for "+line)
		}
		name := strings.ToLower(line[:end])
		value := strings.TrimSpace(line[end:])
		value = strings.TrimSpace(strings.TrimPrefix(value, ":"))
		if name != "@include" {
			r.conf[name] = value
			continue
		}
		if depth == maxIncludes {
			return at(path, n, "too many files include each other")
		}
		if !strings.HasPrefix(value, "/") {
			value = path[:strings.LastIndexByte(path, '/')+1] + value
		}
		if err := r.read(value, depth+1); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return errors.New(path + ": " + err.Error())
	}
	return nil
}

// at is an error in a line of a file. Package fmt would not fit into deliver's 2 MB.
func at(path string, line int, what string) error {
	return errors.New(path + ":" + strconv.Itoa(line) + ": " + what)
}

// String returns a setting, or what holds without it.
func (c Conf) String(name, otherwise string) string {
	if value, ok := c[name]; ok {
		return value
	}
	return otherwise
}

// Bool returns a switch: yes, on, true, t and 1, or their opposites. Other words
// are as good as none.
func (c Conf) Bool(name string, otherwise bool) bool {
	if value, ok := c.boolean(name); ok {
		return value
	}
	return otherwise
}

func (c Conf) boolean(name string) (value, ok bool) {
	switch strings.ToLower(c[name]) {
	case "yes", "on", "true", "t", "y", "1":
		return true, true
	case "no", "off", "false", "f", "n", "0":
		return false, true
	}
	return false, false
}

// Int returns a number; what is none is as good as no setting.
func (c Conf) Int(name string, otherwise int) int {
	if n, err := strconv.Atoi(c[name]); err == nil {
		return n
	}
	return otherwise
}

// largest is the most bytes of any message: clients count in numbers of 32 bits, some
// with a sign.
const largest = 1<<31 - 1

// MaxMessage returns the most bytes of a message that may come in: maxmessagesize, which
// is no limit if it is 0, as by default.
func (c Conf) MaxMessage() int64 {
	if limit := int64(c.Int("maxmessagesize", 0)); limit > 0 {
		return min(limit, largest)
	}
	return largest
}

// Words returns the words of a setting, such as admins.
func (c Conf) Words(name string) []string { return strings.Fields(c[name]) }

// Service returns the settings as a service of that name sees them: those with its
// name and an underscore before theirs count before the others.
func (c Conf) Service(service string) Conf {
	seen := Conf{}
	for name, value := range c {
		seen[name] = value
	}
	for name, value := range c {
		if own, ok := strings.CutPrefix(name, strings.ToLower(service)+"_"); ok {
			seen[own] = value
		}
	}
	return seen
}

// Check returns an error if a setting without which nothing works is missing, or one
// would mean another thing than it says.
func (c Conf) Check() error {
	var errs []error
	for _, name := range []string{"configdirectory", "partition-" + c.String("defaultpartition", "default")} {
		if c[name] == "" {
			errs = append(errs, errors.New(name+" is not set"))
		}
	}
	if _, known := c.boolean("virtdomains"); !known && !c.Virtual() && c["virtdomains"] != "" {
		errs = append(errs, errors.New("virtdomains: "+c["virtdomains"]+" is not off, userid or on"))
	}
	for _, admin := range c.Words("admins") {
		if c.Virtual() && strings.Contains(admin, "@") {
			errs = append(errs, errors.New("admins: "+admin+": there are no administrators of one domain"))
		}
	}
	return errors.Join(errs...)
}

// Partitions returns the directories of the partitions by their names.
func (c Conf) Partitions() map[string]string {
	all := map[string]string{}
	for name, dir := range c {
		if partition, ok := strings.CutPrefix(name, "partition-"); ok {
			all[partition] = dir
		}
	}
	return all
}
