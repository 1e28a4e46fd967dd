//go:build linux

package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/smtp"
	"os"
	"path/filepath"
	"strings"
	"time"

	"goqmail/t/lab"
	"goqmail/t/site"
)

// system is a running mail system, private or plain.
type system struct {
	smtp    string       // address of its SMTP port, host:port
	imap    string       // and of its IMAP port; "" if there is no mail store
	filters filters      // what looks at mail
	home    string       // its qmail home, as seen from inside
	homes   string       // where the users' home directories are, likewise
	logs    []string     // log files, likewise
	do      func(func()) // calls a function inside
	notes   []string     // what else there is to know, a line each
	tidy    []func()     // undoes what was done, last first
}

func (s *system) stop() {
	for i := len(s.tidy) - 1; i >= 0; i-- {
		s.tidy[i]()
	}
}

// trial is a message and where it should arrive. Its body begins with more of the header.
type trial struct{ to, subject, user, body string }

// show sends messages through the system and shows them arriving.
func (s *system) show() error {
	fmt.Printf("\nSMTP        %s\n", s.smtp)
	if s.imap != "" {
		fmt.Printf("IMAP        %s, user %s, password %s\n", s.imap, site.Admin, password)
	}
	fmt.Printf("home        %s\n", s.home)
	for _, d := range site.Domains() {
		for _, p := range d.People {
			fmt.Printf("%-11s %s@%s, mail in %s/%s/Maildir/\n", p.Name, p.Name, d.Name, s.homes, p.Name)
		}
	}
	for _, log := range s.logs {
		fmt.Printf("log         %s\n", log)
	}
	for _, note := range s.notes {
		fmt.Println(note)
	}
	for _, try := range []trial{
		{to: "john@linuxfromsource.org", subject: "for a user of a virtual domain", user: "john"},
		{to: "nobody-of-that-name@linuxfrombinary.org", subject: "for an unknown user, who has the domain's default", user: site.Admin},
	} {
		mark := fmt.Sprintf("%d.%d", time.Now().UnixNano(), os.Getpid())
		fmt.Printf("\n-> %s by SMTP, %s\n", try.to, try.subject)
		if err := s.send(try, mark); err != nil {
			return fmt.Errorf("SMTP: %w", err)
		}
		path, mess, err := s.arrival(try.user, mark)
		if err != nil {
			return err
		}
		fmt.Printf("<- %s\n", path)
		for line := range strings.Lines(mess) {
			fmt.Print("   | ", line)
		}
	}
	if s.imap == "" {
		return nil
	}
	spam := trial{to: site.Admin + "@linuxfromsource.org", subject: "for the SPAM folder", body: "\r\n" + gtube + "\r\n"}
	if !s.filters.spamassassin {
		spam.body = "X-Spam-Status: Yes\r\n\r\nHello.\r\n" // as it would say
	}
	fmt.Printf("\n-> %s by SMTP, %s\n", spam.to, spam.subject)
	if err := s.send(spam, "spam"); err != nil {
		return fmt.Errorf("SMTP: %w", err)
	}
	if err := s.showFilters(); err != nil {
		return err
	}
	return s.showStore()
}

func (s *system) send(try trial, mark string) error {
	const sender = "visitor@elsewhere.example"
	if try.body == "" {
		try.body = "\r\nHello.\r\n"
	}
	mess := "From: " + sender + "\r\nTo: " + try.to + "\r\nSubject: " + try.subject + "\r\nMessage-ID: <" + mark + "@elsewhere.example>\r\n" + try.body
	return smtp.SendMail(s.smtp, nil, sender, []string{try.to}, []byte(mess))
}

// arrival waits for the message with the given mark in a user's Maildir.
func (s *system) arrival(user, mark string) (path, mess string, err error) {
	err = await("the message for "+user, func() bool {
		s.do(func() {
			files, _ := filepath.Glob(filepath.Join(s.homes, user, "Maildir/new/*"))
			for _, file := range files {
				if data, _ := os.ReadFile(file); strings.Contains(string(data), mark) {
					path, mess = file, string(data)
				}
			}
		})
		return path != ""
	})
	return path, mess, err
}

// listening waits until something answers at an address with a greeting of its
// protocol, called from inside.
func listening(addr, greeting string) error {
	return await("an answer at "+addr, func() bool {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			return false
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(lab.Patience))
		got := make([]byte, len(greeting))
		_, err = io.ReadFull(conn, got)
		return err == nil && string(got) == greeting
	})
}

// await waits for cond to hold, but not forever.
func await(what string, cond func() bool) error {
	for end := time.Now().Add(lab.Patience); !cond(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			return errors.New("waited in vain for " + what + "; the log may tell why")
		}
	}
	return nil
}
