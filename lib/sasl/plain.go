package sasl

import "strings"

// plain is PLAIN (RFC 4616): as whom, who, and the password, with NULs between.
type plain struct{ *Exchange }

func startPlain(x *Exchange) mechanism { return plain{x} }

func (m plain) next(response []byte) ([]byte, *claim, error) {
	if response == nil {
		return []byte{}, nil, nil
	}
	parts := strings.Split(string(response), "\x00")
	if len(parts) != 3 {
		return nil, nil, malformed("no PLAIN message")
	}
	m.who = parts[1]
	if err := m.server.check(parts[1], parts[2]); err != nil {
		return nil, nil, err
	}
	return nil, &claim{parts[1], parts[0]}, nil
}

// login is LOGIN, which nobody has written down but Murchison and Crispin
// (draft-murchison-sasl-login): it asks for both.
type login struct {
	*Exchange
	asked int
}

func startLogin(x *Exchange) mechanism { return &login{Exchange: x} }

func (m *login) next(response []byte) ([]byte, *claim, error) {
	if response == nil {
		return []byte("Username:"), nil, nil
	}
	if m.asked++; m.asked == 1 {
		m.who = string(response)
		return []byte("Password:"), nil, nil
	}
	if err := m.server.check(m.who, string(response)); err != nil {
		return nil, nil, err
	}
	return nil, &claim{name: m.who}, nil
}

// external is EXTERNAL (RFC 4422 appendix A): who the client is is known, and it says
// as whom it wants to act.
type external struct{ *Exchange }

func startExternal(x *Exchange) mechanism { return external{x} }

func (m external) next(response []byte) ([]byte, *claim, error) {
	if response == nil {
		return []byte{}, nil, nil
	}
	return nil, &claim{m.peer.Identity, string(response)}, nil
}

// anonymous is ANONYMOUS (RFC 4505): the client may say a word about itself.
type anonymous struct{ *Exchange }

func startAnonymous(x *Exchange) mechanism { return anonymous{x} }

func (m anonymous) next(response []byte) ([]byte, *claim, error) {
	if response == nil {
		return []byte{}, nil, nil
	}
	return nil, &claim{name: "anonymous"}, nil
}
