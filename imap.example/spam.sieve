# The recipe of procmail with SpamAssassin as a Sieve script (RFC 5228): spam, and what
# lacks a usual header field, is put into the mailbox SPAM.
#
# deliver and lmtpd know no Sieve. This is for a store that does, such as Dovecot's, behind
# the same qmail: make it ~/.dovecot.sieve, and, as no script can filter the message, let
# .qmail do that before. One line; mail waits in the queue while a part of it fails:
#
#	|t=$(mktemp) && preline spamassassin >"$t" && /usr/lib/dovecot/dovecot-lda -d "$USER" <"$t"; e=$?; rm -f "$t"; exit $e
#
# sieve-test spam.sieve MESSAGE tells what it does with a message. INBOX.SPAM is SPAM where
# mailboxes of a user are not below INBOX.

require ["fileinto", "body"];

if anyof (
	header :matches "X-Spam-Status" "Yes*",

	# Empty To: From: Subject:
	not exists "To", not exists "From", not exists "Subject",

	# What SpamAssassin should have found.
	header :contains "Subject" ["pornography", "[ADV]"],
	header :matches "Subject" "ADV*",
	body :raw :contains "pornography",
	header :contains "From" ["advertising", "sales", "offers", "promotion", "reply", "request", "theuseful"])
{
	fileinto "INBOX.SPAM";
	stop;
}
# Else it stays in INBOX.
