package main

import "strings"

// perRecipient is the sender for one recipient of a message: list-@host-@[]
// stands for list-box=domain@host with the box and domain of the recipient, so
// that a bounce tells whose address failed.
func perRecipient(sender, recipient string) string {
	list, ok := strings.CutSuffix(sender, "-@[]")
	if !ok {
		return sender
	}
	at, rcptAt := strings.LastIndexByte(list, '@'), strings.LastIndexByte(recipient, '@')
	if at < 0 || rcptAt < 0 {
		return sender
	}
	return list[:at] + recipient[:rcptAt] + "=" + recipient[rcptAt+1:] + list[at:]
}

// bounceTo is the sender as bounces are addressed to: list-@host for
// list-@host-@[].
func bounceTo(sender string) string { return strings.TrimSuffix(sender, "-@[]") }
