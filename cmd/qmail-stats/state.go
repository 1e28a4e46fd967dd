package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"
)

// load reads what an earlier run has saved. A file that makes no sense is put aside,
// and counting starts anew, which those who ask can cope with: problem tells of it.
func load(path string) (c *counters, problem error, err error) {
	c = newCounters()
	data, err := os.ReadFile(path)
	if path == "" || errors.Is(err, fs.ErrNotExist) {
		return c, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if problem := json.Unmarshal(data, c); problem != nil {
		return newCounters(), problem, os.Rename(path, path+".bad")
	}
	c.complete()
	return c, nil, nil
}

// complete sets what a state file may lack, and what is this version's to say.
func (c *counters) complete() {
	fresh := newCounters()
	for _, m := range []struct{ have, fresh *map[string]uint64 }{
		{&c.Discarded, &fresh.Discarded}, {&c.Reasons, &fresh.Reasons}, {&c.Events, &fresh.Events},
	} {
		if *m.have == nil {
			*m.have = *m.fresh
		}
	}
	if c.Last == nil {
		c.Last = fresh.Last
	}
	if c.Messages == nil {
		c.Messages = fresh.Messages
	}
	if c.Deliveries == nil {
		c.Deliveries = fresh.Deliveries
	}
	for _, s := range []struct{ have, fresh *slots }{{&c.Minutes, &fresh.Minutes}, {&c.Hours, &fresh.Hours}} {
		s.have.Length, s.have.Most = s.fresh.Length, s.fresh.Most
		s.have.Slots = slices.DeleteFunc(s.have.Slots, func(one *slot) bool { return one == nil })
	}
}

// save is what load reads.
func (c *counters) save() []byte {
	data, err := json.Marshal(c)
	if err != nil {
		panic(err) // there is nothing in it that JSON lacks
	}
	return append(data, '\n')
}

// replace puts a whole new file in the place of one, at once.
func replace(path string, data []byte) error {
	f, err := os.OpenFile(path+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync() // a power cut must not leave an empty one
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}
