// Package mailstore keeps mailboxes: message files in a spool laid out as Cyrus
// lays it out, and beside them an index that knows everything but the messages.
//
//	CONFIG/mailboxes.db           which mailboxes there are, their ACLs, quota
//	                              limits, subscriptions and annotations
//	CONFIG/socket/notify.PID      where a process hears of changes by others
//	PARTITION/user/john/          a tree: user.john and all mailboxes below it
//	PARTITION/user/john/index.db  the index of the tree
//	PARTITION/user/john/1.        a message of user.john, with CR LF line ends
//	PARTITION/user/john/SPAM/7.   one of user.john.SPAM
//	PARTITION/stage./             messages on their way in
//
// The databases are SQLite's, in WAL mode, synced at each commit. A tree has one
// of its own so that a copy of its directory carries UIDs and flags with the
// messages. Everything that changes in a mailbox takes the next number of its
// modification sequence (RFC 7162), and that is also how one process sees what
// another has done: it asks for what has a higher number than what it knows.
//
// # Crashes
//
// A message is written to stage., synced, linked to its place, its directory
// synced, and only then committed to the index; a file without a row is a
// delivery that was never acknowledged. When a message is expunged the row goes
// first, its file soon after that, and one that is left is known by its row in
// the table of expunged messages. So every row has its file at every moment, and
// Reconstruct can tell a message that is to be added from one that is to be
// removed.
package mailstore
