package account

import (
	"bytes"

	"goqmail/lib/descriptor"
)

// Name returns the name of the user with a number.
func Name(uid int) (string, error) {
	data, err := descriptor.ReadAll("/etc/passwd")
	if err != nil {
		return "", err
	}
	return name(data, uid)
}

// name finds the first account with a uid in lines "name:password:uid:...".
func name(data []byte, uid int) (string, error) {
	for line := range bytes.Lines(data) {
		field := bytes.SplitN(line, []byte(":"), 4)
		if len(field) == 4 && len(field[0]) > 0 && uid >= 0 && number(string(field[2])) == uid {
			return string(field[0]), nil
		}
	}
	return "", ErrUnknown
}
