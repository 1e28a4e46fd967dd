package sanitize

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestDecoding(t *testing.T) {
	for _, row := range []struct{ encoding, in, want string }{
		{"", "a=20b", "a=20b"},
		{encodedBase64, "Q2F0", "Cat"},
		{encodedBase64, "Q2\r\nF 0-IQ==", "Cat!"},
		{encodedBase64, "Q2F0IQ", "Cat!"}, // no padding
		{encodedBase64, "Q2E=Q2F0", "CaCat"},
		{encodedBase64, "Q", ""},
		{encodedQuoted, "a=20=3d=3D=\r\nb= \n=", "a ==b"},
		{encodedQuoted, "=4", "=4"},
		{encodedQuoted, "a=zz=", "a=zz"},
	} {
		for name, reader := range map[string]func(io.Reader) io.Reader{"whole": func(r io.Reader) io.Reader { return r }, "by the byte": iotest.OneByteReader} {
			got, err := io.ReadAll(reader(decoder(row.encoding, []byte(row.in))))
			if err != nil || string(got) != row.want {
				t.Errorf("%s %q, %s: got %q, %v; want %q", row.encoding, row.in, name, got, err, row.want)
			}
		}
	}
}

func TestEncodingComesBack(t *testing.T) {
	for _, text := range []string{"", "Cat", strings.Repeat("a longer text, with = and \xff\n", 50), strings.Repeat("x", 57)} {
		for _, encoding := range []string{"", encodedBase64, encodedQuoted} {
			for _, eol := range []string{"\n", "\r\n"} {
				text := strings.ReplaceAll(text, "\n", eol)
				var out bytes.Buffer
				w := encoder(encoding, eol, &out)
				for i := range len(text) {
					if _, err := io.WriteString(w, text[i:i+1]); err != nil {
						t.Fatal(err)
					}
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
				for line := range strings.SplitSeq(out.String(), eol) {
					if encoding != "" && (len(line) > 76 || strings.ContainsAny(line, "\r\n")) {
						t.Errorf("%s: line %q", encoding, line)
					}
				}
				if got, err := io.ReadAll(decoder(encoding, out.Bytes())); err != nil || string(got) != text {
					t.Errorf("%s: got %q, want %q", encoding, got, text)
				}
			}
		}
	}
}
