package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/emersion/go-imap/v2"

	"goqmail/lib/acl"
	"goqmail/lib/mailstore"
)

// stat is STAT.
func (c *session) stat() {
	count, size := 0, int64(0)
	for seq, m := range c.view.All() {
		if !c.gone[seq] {
			count++
			size += int64(m.Size)
		}
	}
	fmt.Fprintf(c.out, "+OK %d %d\r\n", count, size)
}

func (c *session) size(m *mailstore.Message) string { return strconv.FormatUint(uint64(m.Size), 10) }

func (c *session) uid(m *mailstore.Message) string {
	return fmt.Sprintf("%d.%d", c.view.UIDValidity, m.UID)
}

// listing is LIST and UIDL: a line about one message, or about each.
func (c *session) listing(argument, follows string, about func(*mailstore.Message) string) {
	if argument = strings.TrimSpace(argument); argument != "" {
		if seq, ok := c.message(argument); ok {
			fmt.Fprintf(c.out, "+OK %d %s\r\n", seq, about(c.view.At(seq)))
		}
		return
	}
	c.reply("+OK " + follows)
	for seq, m := range c.view.All() {
		if !c.gone[seq] {
			fmt.Fprintf(c.out, "%d %s\r\n", seq, about(m))
		}
	}
	c.reply(".")
}

// message reads the number of a message that is there. If it is none the client is told.
func (c *session) message(text string) (seq int, ok bool) {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || n == 0 || n > uint64(c.view.Len()) || c.gone[int(n)] {
		c.reply("-ERR No such message")
		return 0, false
	}
	return int(n), true
}

// dele is DELE.
func (c *session) dele(argument string) {
	if argument == "" {
		c.reply("-ERR Missing argument")
		return
	}
	if seq, ok := c.message(strings.TrimSpace(argument)); ok {
		c.gone[seq] = true
		c.reply("+OK message deleted")
	}
}

// retr is RETR.
func (c *session) retr(argument string) error {
	if argument == "" {
		c.reply("-ERR Missing argument")
		return nil
	}
	return c.send(strings.TrimSpace(argument), -1)
}

// top is TOP: the header and some lines.
func (c *session) top(argument string) error {
	number, count, ok := strings.Cut(strings.TrimSpace(argument), " ")
	lines, err := strconv.ParseUint(strings.TrimSpace(count), 10, 31)
	if !ok || err != nil {
		c.reply("-ERR Missing argument")
		return nil
	}
	return c.send(number, int(lines))
}

// send sends a message: all of it if lines is negative, else that many lines after the
// header.
func (c *session) send(number string, lines int) error {
	seq, ok := c.message(number)
	if !ok {
		return nil
	}
	uid := c.view.At(seq).UID
	f, err := c.box.Open(uid)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.reply("-ERR [SYS/PERM] message has been deleted meanwhile")
		return nil
	case err != nil:
		c.srv.log("message %d of %s: %v", uid, c.box.Name(), err)
		c.reply("-ERR [SYS/TEMP] could not read message")
		return nil
	}
	defer f.Close()
	c.reply("+OK Message follows")
	if err := c.copy(f, lines); err != nil {
		return err // half a message must not look like a whole one
	}
	c.reply(".")
	return nil
}

// copy sends a message's lines, which end in CR LF, with dots before dots.
func (c *session) copy(f *os.File, lines int) error {
	in := bufio.NewReader(f)
	header, begins, last := true, true, byte('\n')
	for {
		piece, err := in.ReadSlice('\n')
		if err != nil && err != bufio.ErrBufferFull && err != io.EOF {
			c.srv.log("%s: %v", f.Name(), err)
			return err
		}
		if !header && begins && lines == 0 {
			return nil
		}
		if begins && len(piece) > 0 && piece[0] == '.' {
			c.out.WriteByte('.')
		}
		if _, err := c.out.Write(piece); err != nil {
			return err
		}
		ends := err == nil
		switch {
		case header:
			header = !(begins && ends && len(strings.TrimRight(string(piece), "\r\n")) == 0)
		case ends && lines > 0:
			lines--
		}
		begins = ends
		if len(piece) > 0 {
			last = piece[len(piece)-1]
		}
		if err == io.EOF {
			break
		}
	}
	if last != '\n' {
		c.reply("")
	}
	return nil
}

// quit is QUIT, and with it the messages go that DELE has marked.
func (c *session) quit() {
	if len(c.gone) > 0 {
		switch err := c.expunge(); {
		case errors.Is(err, errDenied):
			c.reply("-ERR [SYS/PERM] Permission denied")
			return
		case err != nil:
			c.srv.log("deleting from %s: %v", c.box.Name(), err)
			c.reply("-ERR [SYS/TEMP] some deleted messages not removed")
			return
		}
	}
	c.reply("+OK")
}

func (c *session) expunge() error {
	e, err := c.srv.store.Lookup(c.box.Name())
	if err != nil {
		return err
	}
	if !c.rights(c.user, e).Has(acl.DeleteMessages | acl.Expunge) {
		return errDenied
	}
	var uids imap.UIDSet
	for seq := range c.gone {
		uids.AddNum(imap.UID(c.view.At(seq).UID))
	}
	return c.box.Remove(uids)
}
