package main

import (
	"bufio"
	"io"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"goqmail/lib/descriptor"
	"goqmail/lib/queue"
	"goqmail/lib/route"
	"goqmail/lib/syncdir"
)

// preprocessor takes a message as far from S4 towards S5 as can be done
// without qmail-clean: it sorts the recipients in todo into local and remote,
// and can make that durable. It runs in a goroutine of its own.
type preprocessor struct {
	layout queue.Layout
	routes *route.Table
	num    queue.Num

	uid, pid uint64
	size     int64        // of the message
	info     *list        // nil until made
	lists    [2]*list     // local and remote, nil until there are such recipients
	changed  []queue.Name // directories to sync
	log      []string
}

// list is a file of records being written.
type list struct {
	name queue.Name
	f    descriptor.File
	w    *bufio.Writer
}

// preprocessed is what came of it.
type preprocessed struct {
	*preprocessor
	ok     bool    // todo can go once all is on disk, or delivered
	listed [2]bool // there are local and remote recipients
}

// refusal is what the system did not do, with a file of the queue. The message
// stays in S4.
type refusal struct {
	what string // ends in a verb
	file queue.Name
}

func (r *refusal) Error() string { return r.what + " " + string(r.file) }

func (p *preprocessor) run() *preprocessed {
	err := p.process()
	if err != nil {
		p.print("warning: ", err.Error())
	}
	return &preprocessed{p, err == nil, [2]bool{p.lists[0] != nil, p.lists[1] != nil}}
}

func (p *preprocessor) print(parts ...string) { p.log = append(p.log, strings.Join(parts, "")) }

func (p *preprocessor) process() error {
	todo := p.layout.Todo(p.num)
	f, err := openRead(todo)
	if err != nil {
		return &refusal{"unable to open", todo}
	}
	defer f.Close()
	var st unix.Stat_t
	if stat(p.layout.Mess(p.num), &st) != nil {
		return &refusal{"unable to stat", p.layout.Mess(p.num)}
	}
	p.size = st.Size
	if err := p.startOver(); err != nil {
		return err
	}
	p.print("new msg ", p.num.String())
	records := queue.NewReader(f)
	for {
		record, err := records.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return &refusal{"trouble reading", todo}
		}
		if err := p.add(record); err != nil {
			return err
		}
	}
	for _, l := range p.made() {
		if err := l.flush(); err != nil {
			return err
		}
	}
	return nil
}

// startOver removes what an attempt that was interrupted may have left and
// makes a new info. It is also what gives the message its time of arrival.
func (p *preprocessor) startOver() error {
	info := p.layout.Info(p.num)
	for _, name := range []queue.Name{p.layout.Local(p.num), p.layout.Remote(p.num), info} {
		switch unix.Unlink(string(name)) {
		case nil:
			p.change(name)
		case unix.ENOENT:
		default:
			return &refusal{"unable to unlink", name}
		}
	}
	var err error
	p.info, err = p.create(info)
	return err
}

func (p *preprocessor) create(name queue.Name) (*list, error) {
	f, err := descriptor.Open(string(name), unix.O_WRONLY|unix.O_NONBLOCK|unix.O_CREAT|unix.O_EXCL, 0o600)
	if err != nil {
		return nil, &refusal{"unable to create", name}
	}
	p.change(name)
	return &list{name, f, bufio.NewWriterSize(f, 1024)}, nil
}

func (p *preprocessor) change(name queue.Name) {
	if dir := name.Dir(); !slices.Contains(p.changed, dir) {
		p.changed = append(p.changed, dir)
	}
}

// add works on one record of todo.
func (p *preprocessor) add(record queue.Record) error {
	switch record.Type {
	case queue.Uid:
		p.uid = leadingNumber(record.Text)
	case queue.Pid:
		p.pid = leadingNumber(record.Text)
	case queue.Sender:
		return p.addSender(record.Text)
	case queue.ToDo:
		return p.addRecipient(record.Text)
	default:
		return &refusal{"unknown record type in", p.layout.Todo(p.num)}
	}
	return nil
}

func (p *preprocessor) addSender(sender string) error {
	if err := p.info.add(queue.Sender, sender); err != nil {
		return err
	}
	if err := p.info.flush(); err != nil {
		return err
	}
	p.print("info msg ", p.num.String(), ": bytes ", strconv.FormatInt(p.size, 10),
		" from <", safe(sender), "> qp ", strconv.FormatUint(p.pid, 10), " uid ", strconv.FormatUint(p.uid, 10))
	return nil
}

func (p *preprocessor) addRecipient(recipient string) error {
	address, local := p.routes.Route(recipient)
	i, name := 1, p.layout.Remote(p.num)
	if local {
		i, name = 0, p.layout.Local(p.num)
	}
	if p.lists[i] == nil {
		var err error
		if p.lists[i], err = p.create(name); err != nil {
			return err
		}
	}
	return p.lists[i].add(queue.ToDo, address)
}

func (l *list) add(kind byte, text string) error {
	if _, err := l.w.Write(queue.AppendRecord(nil, kind, text)); err != nil {
		return &refusal{"trouble writing to", l.name}
	}
	return nil
}

func (l *list) flush() error {
	if l.w.Flush() != nil {
		return &refusal{"trouble writing to", l.name}
	}
	return nil
}

// sync makes all files durable, and then their names, so that nothing is
// missing when todo is gone.
func (p *preprocessor) sync() error {
	for _, l := range p.made() {
		l.f.StartSync()
	}
	for _, l := range p.made() {
		if l.f.Sync() != nil {
			return &refusal{"trouble fsyncing", l.name}
		}
	}
	for _, dir := range p.changed {
		if syncdir.Sync(string(dir)) != nil {
			return &refusal{"trouble fsyncing", dir}
		}
	}
	return nil
}

func (p *preprocessor) close() {
	for _, l := range p.made() {
		l.f.Close()
	}
}

// made is the files that there are so far.
func (p *preprocessor) made() []*list {
	return slices.DeleteFunc([]*list{p.info, p.lists[0], p.lists[1]}, func(l *list) bool { return l == nil })
}

// leadingNumber is the number at the start of text, 0 if there is none. What
// is too large wraps around.
func leadingNumber(text string) (n uint64) {
	for i := 0; i < len(text) && '0' <= text[i] && text[i] <= '9'; i++ {
		n = n*10 + uint64(text[i]-'0')
	}
	return n
}
