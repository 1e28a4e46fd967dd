package sasl

import (
	"context"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"

	"goqmail/lib/imapconf"
	"goqmail/lib/sasldb"
)

// check tells whether a password is right, by the methods of sasl_pwcheck_method, of
// which one has to say so.
func (s *Server) check(name, password string) error {
	if name == "" || password == "" || strings.ContainsRune(name+password, 0) {
		return wrong("no user or no password")
	}
	methods := s.conf.Words("sasl_pwcheck_method")
	if len(methods) == 0 {
		methods = []string{"auxprop"}
	}
	var answer error
	for _, method := range methods {
		err := s.ask(method, name, password)
		if err == nil {
			return nil
		}
		// What one could not find out counts more than what another denies.
		var e *Error
		if answer == nil || errors.As(err, &e) && e.Temporary() {
			answer = err
		}
	}
	return answer
}

// Programs tells whether conf has passwords checked by a program.
func Programs(conf imapconf.Conf) bool {
	return slices.Contains(conf.Words("sasl_pwcheck_method"), "checkpassword")
}

func (s *Server) ask(method, name, password string) error {
	switch method {
	case "auxprop", "sasldb":
		return s.askDB(name, password)
	case "saslauthd":
		err := s.askDaemon(name, password)
		// There are set-ups with this method, users made by saslpasswd2(8), and no
		// saslauthd anywhere.
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
			return s.askDB(name, password)
		}
		return err
	case "checkpassword":
		return s.askProgram(name, password)
	}
	return unable(fmt.Errorf("sasl_pwcheck_method: %s is not known here", method))
}

// secret returns a property of a user from sasldb, and in which realm it is.
func (s *Server) secret(name, property string) (value, realm string, err error) {
	user, realms := s.split(name)
	for _, realm := range realms {
		value, ok, err := sasldb.Get(s.db, sasldb.Key{User: user, Realm: realm, Property: property})
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return "", "", unable(err)
		}
		if ok {
			return value, realm, nil
		}
	}
	return "", "", wrong("user not found: no secret in database")
}

func (s *Server) askDB(name, password string) error {
	secret, _, err := s.secret(name, sasldb.Password)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(secret), []byte(password)) != 1 {
		return wrong("checkpass failed")
	}
	return nil
}

// askTime is how long others have to answer.
const askTime = time.Minute

// askDaemon asks saslauthd(8): user, password, service and realm go to it as strings
// with their lengths, and it answers with one that starts with OK or NO.
func (s *Server) askDaemon(name, password string) error {
	conn, err := net.DialTimeout("unix", s.conf.String("sasl_saslauthd_path", "/run/saslauthd/mux"), askTime)
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(askTime))
	user, realm, _ := cutLast(name, "@")
	if s.own(realm) {
		realm = ""
	}
	const most = 256 // it takes no more
	var request []byte
	for _, text := range []string{user, password, s.service, realm} {
		if len(text) > most {
			return wrong("name or password too long")
		}
		request = binary.BigEndian.AppendUint16(request, uint16(len(text)))
		request = append(request, text...)
	}
	if _, err := conn.Write(request); err != nil {
		return unable(err)
	}
	var size [2]byte
	if _, err := io.ReadFull(conn, size[:]); err != nil {
		return unable(fmt.Errorf("saslauthd: %w", err))
	}
	answer := make([]byte, min(binary.BigEndian.Uint16(size[:]), 1024))
	if _, err := io.ReadFull(conn, answer); err != nil {
		return unable(fmt.Errorf("saslauthd: %w", err))
	}
	switch {
	case strings.HasPrefix(string(answer), "OK"):
		return nil
	case strings.HasPrefix(string(answer), "NO"):
		return wrong("checkpass failed")
	}
	return unable(errors.New("saslauthd: no answer"))
}

// askProgram asks a checkpassword program (http://cr.yp.to/checkpwd/interface.html),
// which reads name and password from descriptor 3 and runs true if they are right.
func (s *Server) askProgram(name, password string) error {
	args := s.conf.Words("sasl_checkpassword")
	if len(args) == 0 {
		return unable(errors.New("sasl_checkpassword is not set"))
	}
	const most = 512 // bytes that such programs read
	said := name + "\x00" + password + "\x00Y" + fmt.Sprint(time.Now().Unix()) + "\x00"
	if len(said) > most {
		return wrong("name or password too long")
	}
	r, w, err := os.Pipe()
	if err != nil {
		return unable(err)
	}
	defer r.Close()
	io.WriteString(w, said) // fits into the pipe
	w.Close()
	ctx, cancel := context.WithTimeout(context.Background(), askTime)
	defer cancel()
	program := exec.CommandContext(ctx, args[0], append(args[1:], "true")...)
	program.ExtraFiles = []*os.File{r}
	err = program.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &exit) && exit.ExitCode() == 1:
		return wrong("checkpass failed")
	}
	return unable(fmt.Errorf("%s: %w", args[0], err))
}
