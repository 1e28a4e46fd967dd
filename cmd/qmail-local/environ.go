package main

import (
	"strings"
	"time"

	"goqmail/lib/mbox"
	"goqmail/lib/quote"
)

// variables is how many of them there may be.
const variables = 20

// set puts a variable into the environment of programs; see qmail-command(8).
func (d *delivery) set(name, value string) { d.env.Set(name, value) }

func (d *delivery) recipientVariables() {
	d.set("HOST", d.host)
	d.set("HOME", d.home)
	d.set("USER", d.user)
	d.set("LOCAL", d.local)
	recipient := d.local + "@" + d.host
	d.set("RECIPIENT", recipient)
	d.deliveredTo = oneLine("Delivered-To: "+recipient) + "\n"
	d.set("DTLINE", d.deliveredTo)
}

func (d *delivery) senderVariables() {
	d.set("SENDER", d.sender)
	d.returnPath = oneLine("Return-Path: <"+quote.Address(d.sender)) + ">\n"
	d.set("RPLINE", d.returnPath)
	sender := d.sender
	if sender == "" {
		sender = "MAILER-DAEMON"
	}
	d.from = mbox.From(sender, time.Now())
	d.set("UFLINE", d.from)
}

// addressVariables sets what makes it easy for a shell to take the recipient
// address apart.
func (d *delivery) addressVariables() {
	ext := d.ext
	for _, name := range []string{"EXT", "EXT2", "EXT3", "EXT4"} {
		d.set(name, ext)
		_, ext, _ = strings.Cut(ext, "-")
	}
	host := d.host
	for _, name := range []string{"HOST2", "HOST3", "HOST4"} {
		if dot := strings.LastIndexByte(host, '.'); dot >= 0 {
			host = host[:dot]
		}
		d.set(name, host)
	}
}

// oneLine keeps an odd address from adding lines to a header.
func oneLine(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c == '\n' {
			b[i] = '_'
		}
	}
	return string(b)
}
