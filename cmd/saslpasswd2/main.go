// Saslpasswd2 sets the password of a user for imapd(8) and its like.
//
//	saslpasswd2 [ -p ] [ -c ] [ -d ] [ -n ] [ -u realm ] [ -f file ] [ -a name ] user
//
// It exits 0 if it has, 1 if it cannot and 7 for a password that is none or was not
// typed the same twice. See saslpasswd2(8).
package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"slices"
	"strings"

	"golang.org/x/term"

	"goqmail/lib/askpass"
	"goqmail/lib/entry"
	"goqmail/lib/getopt"
	"goqmail/lib/otp"
	"goqmail/lib/sasldb"
)

func main() {
	entry.Setup()
	os.Exit(run(os.Args, os.Stdin, os.Stderr))
}

// Exit codes.
const (
	exitFail     = 1
	exitBadParam = 7
)

// errBad is for a password that cannot be one.
var errBad = errors.New("invalid parameter supplied")

// errTwice is for two that are not one.
var errTwice = errors.New("passwords don't match; aborting")

// options are what saslpasswd2 is called with.
type options struct {
	piped     bool // nobody is asked
	disable   bool
	noPlain   bool // no userPassword
	realm     string
	file      string
	user      string
	isVersion bool
}

const usage = `saslpasswd2: usage: saslpasswd2 [-v] [-c [-p] [-n]] [-d] [-a appname] [-f sasldb] [-u DOM] userid
`

func parse(args []string) (o options, ok bool) {
	o.file = sasldb.Default
	create := false
	opts := getopt.New(args, "vpcdnf:u:a:")
	for {
		option, more := opts.Next()
		if !more {
			break
		}
		switch option {
		case 'p':
			o.piped = true
		case 'c': // a user who is not there is made anyway
			create = true
		case 'd':
			o.disable = true
		case 'n':
			o.noPlain = true
		case 'u':
			o.realm = opts.Arg
		case 'f':
			o.file = opts.Arg
		case 'a': // there is one file for all programs
		case 'v':
			return options{isVersion: true}, true
		default:
			return o, false
		}
	}
	if rest := opts.Rest(); len(rest) == 1 && !(create && o.disable) {
		o.user = rest[0]
		return o, true
	}
	return o, false
}

func run(args []string, in *os.File, report io.Writer) int {
	o, ok := parse(args)
	switch {
	case !ok:
		io.WriteString(report, usage)
		return exitFail
	case o.isVersion:
		fmt.Fprintln(report, "saslpasswd2 of goqmail")
		return 0
	}
	err := o.set(in)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errBad), errors.Is(err, errTwice):
		fmt.Fprintf(report, "saslpasswd2: %v\n", err)
		return exitBadParam
	}
	fmt.Fprintf(report, "saslpasswd2: unable to set the password: %v\n", err)
	return exitFail
}

// set does what is asked for.
func (o options) set(in *os.File) error {
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	user, realm := o.user, o.realm
	if i := strings.LastIndexByte(user, '@'); i >= 0 {
		user, realm = user[:i], user[i+1:]
	}
	if realm == "" {
		realm = host
	}
	if user == "" || strings.ContainsAny(user+realm, "\x00\n") {
		return errBad
	}
	fresh := map[string]string{sasldb.Password: "", sasldb.OTP: ""}
	if !o.disable {
		password, err := o.ask(in)
		if err != nil {
			return err
		}
		if fresh[sasldb.OTP], err = chain(host, password); err != nil {
			return err
		}
		fresh[sasldb.Password] = password
		if o.noPlain {
			delete(fresh, sasldb.Password)
		}
	}
	return sasldb.Update(o.file, func(old []sasldb.Record) []sasldb.Record {
		// The old ones go, in all their properties that are known here.
		all := slices.DeleteFunc(old, func(r sasldb.Record) bool {
			_, ours := fresh[r.Property]
			return ours && r.User == user && r.Realm == realm
		})
		for _, property := range []string{sasldb.Password, sasldb.OTP} {
			if value := fresh[property]; value != "" {
				all = append(all, sasldb.Record{Key: sasldb.Key{User: user, Realm: realm, Property: property}, Value: value})
			}
		}
		return all
	})
}

// ask gets the password: twice from somebody at a terminal, else what is on a line.
func (o options) ask(in *os.File) (password string, err error) {
	if o.piped || !term.IsTerminal(int(in.Fd())) {
		password, err = askpass.Ask("", in)
		if errors.Is(err, askpass.ErrNone) {
			err = errBad
		}
	} else if password, err = askpass.Ask("Password: ", in); err == nil {
		var again string
		if again, err = askpass.Ask("Again (for verification): ", in); err == nil && again != password {
			err = errTwice
		}
	}
	if err == nil && (password == "" || strings.ContainsRune(password, 0)) {
		err = errBad
	}
	return password, err
}

// chainLength is how many one-time passwords there are before the password must be set
// again.
const chainLength = 499

// chain begins a chain of one-time passwords. Its seed is of two characters of the host's
// name and a number, so that the same password has another chain elsewhere and each time.
func chain(host, password string) (string, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(9999))
	if err != nil {
		return "", err
	}
	seed := "qm"
	if len(host) >= 2 && strings.Trim(strings.ToLower(host[:2]), "abcdefghijklmnopqrstuvwxyz0123456789") == "" {
		seed = host[:2]
	}
	return otp.New("md5", chainLength, fmt.Sprintf("%s%04d", seed, n.Int64()+1), password).String(), nil
}
