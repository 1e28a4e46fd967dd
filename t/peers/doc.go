// Package peers has qmail work with the programs of others that its users have
// beside it: those in .qmail files, mail systems and clients on both ends of
// the network, checkers of passwords, and what starts and logs all of it. They
// are Debian's, on a host of the lab; scripts/test-peers gets them.
package peers
