package imapconf

import (
	"slices"
	"strings"
)

// known are the settings that programs here hear, but for the partitions.
var known = [...]string{
	"admins", "allowanonymouslogin", "allowapop", "allowplaintext", "allowusermoves", "altnamespace",
	"autocreate_inbox_folders", "autocreate_post", "autocreate_quota", "autocreate_subscribe_folders", "autocreatequota",
	"configdirectory", "defaultacl", "defaultdomain", "defaultpartition", "deliver_unavailable_code", "duplicatesuppression",
	"failedloginpause", "fulldirhash", "hashimapspool", "imapidresponse", "literalminus",
	"lmtp_admins", "lmtp_downcase_rcpt", "lmtp_over_quota_perm_failure", "lmtpsocket", "loginrealms",
	"maxconnections_per_host", "maxhalfopen", "maxlogins_per_host", "maxlogins_per_user", "maxmessagesize", "munge8bit",
	"plaintextloginpause", "popminpoll", "poptimeout", "postmaster", "postuser", "proxyservers", "quotawarn", "quotawarnkb", "reject8bit",
	"sasl_checkpassword", "sasl_mech_list", "sasl_minimum_layer", "sasl_pwcheck_method", "sasl_saslauthd_path", "sasl_sasldb_path",
	"servername", "sharedprefix", "syslog_facility", "syslog_prefix", "timeout",
	"tls_ca_file", "tls_cert_file", "tls_cipher_list", "tls_ciphers", "tls_client_ca_file", "tls_client_certs", "tls_key_file",
	"tls_require_cert", "tls_server_cert", "tls_server_key", "tls_session_timeout", "tls_versions",
	"unix_group_enable", "unixhierarchysep", "username_tolower", "userprefix", "virtdomains",
}

// Unknown returns the settings that mean nothing here, in their order: whoever wrote them
// meant something by them.
func (c Conf) Unknown() (names []string) {
	for name := range c {
		if !isKnown(name) && !c.ofService(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// ofService tells whether a setting may be there because of Service: another one has an
// underscore and its name at its end.
func (c Conf) ofService(name string) bool {
	for other := range c {
		if strings.HasSuffix(other, "_"+name) {
			return true
		}
	}
	return false
}

// isKnown tells whether a setting is heard, maybe by one service only; see Service.
func isKnown(name string) bool {
	for {
		if slices.Contains(known[:], name) || strings.HasPrefix(name, "partition-") {
			return true
		}
		_, rest, ok := strings.Cut(name, "_")
		if !ok {
			return false
		}
		name = rest
	}
}
