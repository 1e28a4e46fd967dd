package dotqmail

import (
	"strings"

	"goqmail/lib/ascii"
)

// File is a file that may hold the instructions for an address.
type File struct {
	Name string // relative to the home directory
	// Default is what the word default in the name stands for, the value of
	// the variable DEFAULT, if IsDefault.
	Default   string
	IsDefault bool
}

// Name is the name of the file for exactly one extension. Dash is what stands
// between user and extension: "-" or what users/assign says, and "" for the
// user's own address. Capitals count as small letters. A dot becomes a colon,
// so that no extension leads to another directory.
func Name(dash, ext string) string { return ".qmail" + dash + safe(ext) }

func safe(ext string) string {
	b := []byte(ascii.Lower(ext))
	for i, c := range b {
		if c == '.' {
			b[i] = ':'
		}
	}
	return string(b)
}

// Search lists the files to look for, the first one that exists being the one
// that counts: for list-x-y they are .qmail-list-x-y, .qmail-list-x-default,
// .qmail-list-default and .qmail-default.
func Search(dash, ext string) []File {
	exact := File{Name: Name(dash, ext)}
	if strings.HasSuffix(safe(ext), "default") {
		exact.Default, exact.IsDefault = ext[len(ext)-len("default"):], true
	}
	files := []File{exact}
	for i := len(ext); i >= 0; i-- {
		if i == 0 || ext[i-1] == '-' {
			files = append(files, File{Name(dash, ext[:i]) + "default", ext[i:], true})
		}
	}
	return files
}
