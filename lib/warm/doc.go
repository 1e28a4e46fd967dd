// Package warm lets one process serve many starts of a program.
//
// To start a process costs a hundred times what most programs then do in it. A
// program whose main calls Main can be started warm: it stays, and is called
// again and again with arguments, an environment and descriptors, as execve(2)
// would hand them to it, and each call ends with an exit code. Whoever would
// start it uses a Pool, which falls back to processes of their own, the classic
// way, for every program that does not know about this.
//
// # Handshake
//
// A program that was not made for this must never find out that it could have
// been: an administrator's own qmail-local is started once for each delivery,
// and else not at all. So the file of one that was made for it has a mark, which
// Mark gives it: the size of the file, divided by 65536, leaves 39441. Contents
// would not do: a setuid program's file cannot be read.
//
// A Pool starts a marked program with its name as the only argument, one end of
// a socket pair as descriptor 3, nothing on descriptors 0 and 1, and the
// variable QMAILWARM=3. The program greets on descriptor 3 with the packet
//
//	goqmail warm 1
//
// One that does not, since its size is an accident, finds no arguments and no
// input, and ends; its file is started the classic way from then on.
//
// # Calls
//
// Each packet to the program is a call: its number, and the lists of arguments,
// of variables and of descriptor numbers, which arrive beside it (SCM_RIGHTS).
// Each packet back is the end of one: its number and a wait status. With the
// number 4294967295 the program asks for no more calls. What does not fit into a
// packet is started the classic way.
//
// # Life and death
//
// A process has one identity for life, the one it was started with. Its Pool
// ends it, by closing the socket, after so many calls or when nothing has been
// asked of it for a while, or when the program's file is another one, or a file
// that the process cannot look at again; so no call can cross with the end. It ends as well when its caller is gone, after the
// calls under way. When the process dies, each call under way has crashed: it
// may have done its work, so only the caller can know whether to start it again.
//
// A Pool may tell programs, by the variable QMAILALONE, to give up rights before
// the first call; see package confine. What they cannot look at again it watches.
//
// Who starts a program the classic way can be spared most of it too: see Door.
//
// A caller that is to give up the right to start programs begins a process in
// advance, an Only, which lives as long as itself.
//
// Warm programs are for Linux; elsewhere all are classic. So is whatever is
// started with QMAILWARM in its environment: an administrator who wants a
// process for everything sets it to nothing.
package warm
