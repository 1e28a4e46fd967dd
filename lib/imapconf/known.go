package imapconf

import (
	"maps"
	"slices"
	"strconv"
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

// switches and numbers are those of them that are one.
var (
	switches = [...]string{
		"allowanonymouslogin", "allowapop", "allowplaintext", "allowusermoves", "altnamespace", "autocreate_post",
		"duplicatesuppression", "fulldirhash", "hashimapspool", "imapidresponse", "literalminus", "lmtp_downcase_rcpt",
		"lmtp_over_quota_perm_failure", "munge8bit", "reject8bit", "tls_require_cert", "unix_group_enable",
		"unixhierarchysep", "username_tolower",
	}
	numbers = [...]string{
		"autocreate_quota", "autocreatequota", "deliver_unavailable_code", "failedloginpause", "maxconnections_per_host",
		"maxhalfopen", "maxlogins_per_host", "maxlogins_per_user", "maxmessagesize", "plaintextloginpause", "popminpoll",
		"poptimeout", "quotawarn", "quotawarnkb", "sasl_minimum_layer", "timeout",
	}
)

// Mistakes returns what is wrong with values, in the order of the settings' names: such
// a setting is as good as none.
func (c Conf) Mistakes() (what []string) {
	for _, name := range slices.Sorted(maps.Keys(c)) {
		value := c[name]
		if _, ok := c.boolean(name); !ok && isOne(switches[:], name) {
			what = append(what, name+" is neither yes nor no: "+value)
		}
		if _, err := strconv.Atoi(value); err != nil && isOne(numbers[:], name) {
			what = append(what, name+" is no number: "+value)
		}
	}
	return what
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

// isKnown tells whether a setting is heard.
func isKnown(name string) bool {
	return is(name, func(name string) bool {
		return slices.Contains(known[:], name) || strings.HasPrefix(name, "partition-")
	})
}

// isOne tells whether a setting is one of these.
func isOne(these []string, name string) bool {
	return is(name, func(name string) bool { return slices.Contains(these, name) })
}

// is tells whether something holds for the name of a setting, maybe of one for one service
// only; see Service.
func is(name string, holds func(name string) bool) bool {
	for {
		if holds(name) {
			return true
		}
		_, rest, ok := strings.Cut(name, "_")
		if !ok {
			return false
		}
		name = rest
	}
}
