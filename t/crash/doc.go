//go:build linux && amd64

// Package crash stops programs in the middle of their work, and the power as
// well, and looks at what they leave behind.
//
// A Tracer runs programs and sees each system call that they make on a file
// below one directory, before it is made. There the test can kill the program
// or have the call fail. A Disk follows the same calls and knows what a power
// cut would leave at that moment: only what was synced, and of the other
// changes of names any selection, because file systems differ in what they
// write when.
//
// The threads of qmail-send take turns differently each time, so one of its
// calls is known by its number only; a test that stops it at each number in
// turn still stops it everywhere. Where the calls are too many, tests take one
// in so many, and log in how many.
//
// A program under test is built for a home of its own, so no root is needed.
// To add one, write a function that lays a home and describes a run (see the
// ones for qmail-queue, qmail-clean and qmail-send), and say what must hold afterwards.
// For one that serves a client of the mail store, it is enough to say what the client
// says, step by step (see serve).
package crash
