// Package queue knows the queue directory, the place below the home directory
// where mail waits: the names and layout of its files, the records in them,
// the states a message passes through, and the trigger. The programs that move
// messages from state to state are qmail-queue, qmail-send and qmail-clean.
//
// # Files
//
// A message has a number N, the inode number of its mess file. S is N modulo
// the split, 23 unless built otherwise.
//
//	pid/*         a message file before its number is known
//	mess/S/N      the message, below a Received line of qmail-queue's
//	intd/N        its envelope while qmail-queue writes it
//	todo/N        its envelope, complete: u, p, F and T records
//	info/S/N      its sender: an F record; the file's mtime is the time of arrival
//	local/S/N     its local recipients: T, D once done, H held; the mtime is when to
//	              try next, as noted by a qmail-send that ended
//	remote/S/N    its remote recipients, likewise
//	bounce/N      text on recipients that failed for good
//	lock/         sendmutex (one qmail-send at a time), trigger (a FIFO that
//	              wakes qmail-send), tcpto, tcpto6 and notls (qmail-remote's notes
//	              on dead hosts, and on those with broken TLS), retry (what
//	              qmail-q asks qmail-send to try now)
//	fix/, stray/  messages on their way to other numbers, and what was no part of
//	              any: both made by qmail-q fix
//
// Where todo has subdirectories, as the big-todo patch makes them, todo and intd are
// split like mess: todo/S/N and intd/S/N. See Look.
//
// # States
//
// What exists of a message tells its state; + is there, - is not, ? either.
//
//	    mess intd todo info local remote bounce
//	S1   -    -    -    -    -     -      -     no such message
//	S2   +    -    -    -    -     -      -     being written, or being removed
//	S3   +    +    -    -    -     -      -     envelope being written
//	S4   +    ?    +    ?    ?     ?      ?     queued: acknowledged to the sender
//	S5   +    -    -    +    ?     ?      ?     preprocessed: deliveries under way
//
// S1 to S2: qmail-queue creates a file in pid, learns its inode number, links
// it to mess/S/N and removes the name in pid. Because a mess file sits on the
// inode it is named after, no living message can have that number. One that does
// the work of another gets a file without a name instead.
//
// S2 to S3: qmail-queue has written the message and creates intd/N.
//
// S3 to S4: qmail-queue has written the envelope too, synced both files and
// the directory of mess, and links intd/N to todo/N. It syncs the directory of
// todo, pulls the trigger, and only then exits 0. Before the link nobody looks
// at the message; after it, mess and todo are whole, also after a power cut.
//
// S4 to S5: qmail-send removes what there may be of info, local and remote
// from an earlier attempt, reads todo, writes info, local and remote, syncs
// them, and has qmail-clean remove intd/N and then todo/N. If anything fails
// before the last unlink the message is still in S4, and the work is done again
// from the start: todo alone decides.
//
// It may begin the deliveries before that, since most mail is delivered at once:
// if in a moment all of it has been, without a failure to tell of, todo is removed
// and info, local and remote need not have been written. A crash meanwhile repeats
// deliveries; it never skips one.
//
// S5: qmail-send turns the T of each recipient done for into D, in place, after
// adding to bounce/N if the recipient failed. A crash in between repeats a
// delivery; it never skips one. When all of local/S/N is D the file is
// removed, and so is remote/S/N.
//
// S5 to S2 to S1: when both are gone, qmail-send turns bounce/N into a message
// of its own, removes bounce/N, then info/S/N (S2), and has qmail-clean
// remove intd/N if any and mess/S/N (S1).
//
// # Cleaning up
//
// A crash can leave a message in S2 or S3, or a file in pid. Nobody can tell
// such remains from the work of a living qmail-queue but by age, so
// qmail-queue gives up after Death, and qmail-send (mess, intd) and
// qmail-clean (pid) remove only what has not been read for Ossified, which is
// longer.
package queue

import "time"

const (
	// Death is how long a qmail-queue may live. It must be below Ossified.
	Death = 24 * time.Hour

	// Ossified is the age, by atime, at which a file in pid or a message in S2
	// or S3 is debris: the qmail-queue that made it has been dead for at least
	// Ossified - Death. The 12 hours between absorb clocks that were set.
	Ossified = 36 * time.Hour
)
