package main

import (
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"goqmail/lib/descriptor"
	"goqmail/lib/queue"
	"goqmail/lib/route"
	"goqmail/lib/syncdir"
)

// preprocessor takes a message as far from S4 towards S5 as can be done
// without qmail-clean: it sorts the recipients in todo into local and remote.
// It runs in a goroutine of its own. What it found out can be made durable later.
type preprocessor struct {
	layout queue.Layout
	routes *route.Table
	num    queue.Num
	lazy   bool // lists become files when that has to be

	uid, pid uint64
	size     int64        // of the message
	birth    int64        // time of arrival
	info     *list        // nil until made
	lists    [2]*list     // local and remote, nil without such recipients
	changed  []queue.Name // directories to sync
	log      []string
}

// list is a file of records, or what is to be one.
type list struct {
	name queue.Name
	f    descriptor.File // 0: there is no file yet
	text []byte          // what is not in it yet
}

// listMax is up to how many bytes a list needs no file, until it is to be durable.
const listMax = 1024

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
		if l.f != 0 {
			if err := p.store(l); err != nil {
				return err
			}
		}
	}
	return nil
}

// startOver removes what an attempt that was interrupted may have left, for good:
// there may never be other files of these names. It is also what gives the message
// its time of arrival.
func (p *preprocessor) startOver() error {
	info := p.layout.Info(p.num)
	for _, name := range []queue.Name{p.layout.Local(p.num), p.layout.Remote(p.num), info} {
		switch unix.Unlink(string(name)) {
		case nil:
			if syncdir.Sync(string(name.Dir())) != nil {
				return &refusal{"trouble fsyncing", name.Dir()}
			}
		case unix.ENOENT:
		default:
			return &refusal{"unable to unlink", name}
		}
	}
	p.birth = time.Now().Unix()
	p.info = &list{name: info}
	return p.start(p.info)
}

// start makes the file of a new list, unless there is no need for one yet.
func (p *preprocessor) start(l *list) error {
	if p.lazy {
		return nil
	}
	return p.create(l)
}

func (p *preprocessor) create(l *list) error {
	f, err := descriptor.Open(string(l.name), unix.O_WRONLY|unix.O_NONBLOCK|unix.O_CREAT|unix.O_EXCL, 0o600)
	if err != nil {
		return &refusal{"unable to create", l.name}
	}
	l.f = f
	if dir := l.name.Dir(); !slices.Contains(p.changed, dir) {
		p.changed = append(p.changed, dir)
	}
	return nil
}

// store writes what is not in a list's file yet.
func (p *preprocessor) store(l *list) error {
	if l.f == 0 {
		if err := p.create(l); err != nil {
			return err
		}
	}
	if _, err := l.f.Write(l.text); err != nil {
		return &refusal{"trouble writing to", l.name}
	}
	l.text = l.text[:0]
	return nil
}

// storeAll does that for all lists. One that cannot be written has no file.
func (p *preprocessor) storeAll() error {
	for _, l := range p.made() {
		if l.f != 0 {
			continue
		}
		if err := p.store(l); err != nil {
			if l.f != 0 {
				unix.Unlink(string(l.name))
				l.f.Close()
				l.f = 0
			}
			return err
		}
	}
	return nil
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
	if err := p.append(p.info, queue.Sender, sender); err != nil {
		return err
	}
	if p.info.f != 0 {
		if err := p.store(p.info); err != nil {
			return err
		}
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
		p.lists[i] = &list{name: name}
		if err := p.start(p.lists[i]); err != nil {
			return err
		}
	}
	return p.append(p.lists[i], queue.ToDo, address)
}

func (p *preprocessor) append(l *list, kind byte, text string) error {
	l.text = queue.AppendRecord(l.text, kind, text)
	if len(l.text) <= listMax {
		return nil
	}
	return p.store(l)
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
		if l.f != 0 {
			l.f.Close()
		}
	}
}

// made is the lists that there are so far.
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
