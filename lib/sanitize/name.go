package sanitize

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxName is the longest name of a file, in bytes, that old readers have room for.
const maxName = 120

// plainName is a name without what misleads: directories, controls, characters that
// nobody sees or that turn the direction of the text, and what systems ignore at its end.
func plainName(name string) string {
	name = strings.ToValidUTF8(name, "_")
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, name)
	return strings.TrimSpace(strings.TrimRightFunc(name, func(r rune) bool { return r == '.' || unicode.IsSpace(r) }))
}

// readings are the names that a file may get where somebody saves it.
func readings(name string) []string {
	list := []string{plainName(name)}
	add := func(other string) {
		if other = plainName(other); other != "" && other != list[0] {
			list = append(list, other)
		}
	}
	// A system may end the name at the NUL, and another at the name of a stream.
	if i := strings.IndexByte(name, 0); i > 0 {
		add(name[:i])
	}
	if i := strings.IndexByte(list[0], ':'); i > 1 {
		add(list[0][:i])
	}
	add(norm.NFKC.String(list[0]))
	return list
}

// shorten cuts a name to limit bytes and keeps its extension.
func shorten(name string, limit int) string {
	if len(name) <= limit {
		return name
	}
	extension := ""
	if i := strings.LastIndexByte(name, '.'); i >= 0 && len(name)-i <= 20 {
		extension = name[i:]
	}
	cut := limit - len(extension)
	for cut > 0 && !utf8.RuneStart(name[cut]) {
		cut--
	}
	return name[:cut] + extension
}

// impliedName is the name of a file of a media type that has none, "" if no file is
// meant.
func impliedName(kind, otherwise string) string {
	switch kind {
	case "message/rfc822", "message/global", "message/news", "message/delivery-status", "message/global-delivery-status",
		"message/disposition-notification", "message/global-disposition-notification", "message/feedback-report",
		"message/global-headers", "message/tracking-status":
		return ""
	case "application/ms-tnef", "application/vnd.ms-tnef":
		return "winmail.dat"
	case "application/pgp-signature":
		return "signature.asc"
	case "application/pkcs7-signature", "application/x-pkcs7-signature":
		return "smime.p7s"
	case "application/pkcs7-mime", "application/x-pkcs7-mime":
		return "smime.p7m"
	case "application/x-msdownload", "application/x-msdos-program", "application/x-dosexec", "application/vnd.microsoft.portable-executable":
		return "unnamed.exe"
	case "application/hta":
		return "unnamed.hta"
	case "application/zip", "application/x-zip-compressed":
		return "unnamed.zip"
	case "application/pdf":
		return "unnamed.pdf"
	case "application/msword":
		return "unnamed.doc"
	case "application/rtf":
		return "unnamed.rtf"
	case "image/jpeg", "image/jpg", "image/pjpeg":
		return "unnamed.jpg"
	case "image/gif", "image/png", "image/tiff", "image/bmp":
		return "unnamed." + kind[len("image/"):]
	case "image/svg+xml":
		return "unnamed.svg"
	case "audio/x-wav", "audio/wav":
		return "unnamed.wav"
	case "audio/mpeg":
		return "unnamed.mp3"
	}
	if strings.HasPrefix(kind, "text/") || strings.HasPrefix(kind, "multipart/") {
		return ""
	}
	return otherwise
}

// defangedName is the name under which a file opens nothing.
func defangedName(name string, n int) string {
	end := ".DEFANGED-" + strconv.Itoa(n)
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(`"%'<>|:*?;=.`, r) {
			return '_'
		}
		return r
	}, shorten(plainName(name), maxName-len(end))) + end
}

// isDefanged tells whether a name is one of defangedName.
func isDefanged(name string) bool {
	i := strings.LastIndex(name, ".DEFANGED-")
	if i < 0 {
		return false
	}
	_, err := strconv.ParseUint(name[i+len(".DEFANGED-"):], 10, 31)
	return err == nil
}

// fileName is a name as part of a path.
func fileName(name string) string {
	name = strings.Map(func(r rune) rune {
		if isToken(string(r), "") && r != '+' {
			return r
		}
		return '_'
	}, shorten(plainName(name), maxName))
	if name = strings.TrimLeft(name, ".-"); name == "" {
		return "unnamed"
	}
	return name
}
