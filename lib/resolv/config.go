package resolv

import (
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"goqmail/lib/descriptor"
	"goqmail/lib/ip"
)

// Config is whom to ask, and how patiently.
type Config struct {
	Servers  []ip.Addr
	Timeout  time.Duration // for each question to each server
	Attempts int           // rounds of questions to all servers
	Search   []Name        // domains in which names without a dot may be
}

// What resolv.conf may say at most, as in the C library.
const (
	maxServers  = 3
	maxTimeout  = 30
	maxAttempts = 5
	maxSearch   = 6
)

// Load reads /etc/resolv.conf. What is missing is as resolv.conf(5) says: the
// server on this machine, 5 seconds, 2 attempts, and to search this machine's
// domain.
func Load() *Config {
	var text string
	if f, err := descriptor.Open("/etc/resolv.conf", syscall.O_RDONLY, 0); err == nil {
		b, _ := io.ReadAll(io.LimitReader(f, 64<<10)) // what can be read counts
		f.Close()
		text = string(b)
	}
	c := parseConfig(text)
	if c.Search == nil {
		host, _ := os.Hostname()
		c.searchDomainOf(host)
	}
	return c
}

// searchDomainOf has the domain of a host searched, if that has one.
func (c *Config) searchDomainOf(host string) {
	if _, domain, _ := strings.Cut(host, "."); domain != "" {
		c.Search = []Name{ParseName(domain)}
	}
}

func parseConfig(text string) *Config {
	c := &Config{Timeout: 5 * time.Second, Attempts: 2}
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) < 2 {
			continue
		}
		switch words[0] {
		case "nameserver":
			if a, ok := ip.Parse(words[1]); ok && len(c.Servers) < maxServers {
				c.Servers = append(c.Servers, a)
			}
		case "domain":
			c.Search = []Name{ParseName(words[1])}
		case "search":
			c.Search = nil
			for _, domain := range words[1:min(len(words), 1+maxSearch)] {
				c.Search = append(c.Search, ParseName(domain))
			}
		case "options":
			c.options(words[1:])
		}
	}
	if c.Servers == nil {
		c.Servers = []ip.Addr{ip.V4(127, 0, 0, 1)}
	}
	return c
}

func (c *Config) options(words []string) {
	for _, word := range words {
		name, value, _ := strings.Cut(word, ":")
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 {
			continue
		}
		switch name {
		case "timeout":
			c.Timeout = time.Duration(min(n, maxTimeout)) * time.Second
		case "attempts":
			c.Attempts = min(n, maxAttempts)
		}
	}
}
