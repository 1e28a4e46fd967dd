package starttls

import "goqmail/lib/call"

// Policy is what the environment says of TLS, in the variables of several
// patches: each counts if it is set, and not to 0.
type Policy struct {
	Denied   bool // DISABLETLS, DENY_TLS: STARTTLS is not known
	Required bool // FORCE_TLS: nothing without TLS
	ForLogIn bool // FORCETLS, and the above: no password without
}

// ReadPolicy reads them.
func ReadPolicy(env call.Env) Policy {
	p := Policy{Denied: IsSet(env, "DISABLETLS") || IsSet(env, "DENY_TLS"), Required: IsSet(env, "FORCE_TLS")}
	p.ForLogIn = p.Required || IsSet(env, "FORCETLS")
	return p
}

// IsSet tells whether a variable is set, and not to 0.
func IsSet(env call.Env, name string) bool {
	value, ok := env.Lookup(name)
	return ok && value != "0"
}
