package main

import (
	"errors"
	"strconv"
	"syscall"

	"goqmail/lib/delivery"
)

// isRefusal tells whether an error is a decision and no trouble of ours.
func isRefusal(err error) bool {
	for _, known := range []error{
		delivery.ErrUnknown, delivery.ErrRight, delivery.ErrQuota,
		delivery.ErrNUL, delivery.ErrHeader, delivery.Err8Bit, delivery.ErrTooLarge,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// answer is the reply for a recipient.
func (c *conn) answer(err error) string {
	switch {
	case err == nil:
		return "250 2.1.5 Ok"
	case errors.Is(err, delivery.ErrUnknown):
		return "550-Mailbox unknown.  Either there is no mailbox associated with this\r\n" +
			"550-name or you do not have authorization to see it.\r\n" +
			"550 5.1.1 User unknown"
	case errors.Is(err, delivery.ErrRight):
		return "550-You do not have permission to post a message to this mailbox.\r\n" +
			"550-Please contact the owner of this mailbox in order to submit\r\n" +
			"550-your message, or " + c.agent.Conf.String("postmaster", "postmaster") + " if you believe you\r\n" +
			"550-received this message in error.\r\n" +
			"550 5.7.1 Permission denied"
	case errors.Is(err, delivery.ErrQuota) && c.agent.Conf.Bool("lmtp_over_quota_perm_failure", false):
		return "552 5.2.2 Over quota"
	case errors.Is(err, delivery.ErrQuota):
		return "452 4.2.2 Over quota"
	case errors.Is(err, delivery.ErrNUL):
		return "554 5.6.0 Message contains NUL characters"
	case errors.Is(err, delivery.ErrHeader):
		return "554 5.6.0 Message contains invalid header"
	case errors.Is(err, delivery.Err8Bit):
		return "554 5.6.0 Message contains non-ASCII characters in headers"
	case errors.Is(err, delivery.ErrTooLarge):
		return "552 5.2.3 Message size exceeds fixed maximum message size (" + strconv.FormatInt(c.maxSize(), 10) + ")"
	case isFull(err):
		return "451 4.3.1 cannot create file: out of space"
	}
	return "451 4.3.0 System I/O error"
}

// cannotCreate is the reply to DATA when there is no place for a message.
func cannotCreate(err error) string {
	digit := "2"
	if isFull(err) {
		digit = "1"
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		err = errno
	}
	return "451 4.3." + digit + " cannot create temporary file: " + err.Error()
}

func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }
