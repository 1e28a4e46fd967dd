package sanitize

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/emersion/go-message"

	"goqmail/lib/anomy"
)

// hint is the configuration of the old mail hints, with boundaries that can be foreseen.
func hint(t *testing.T, more ...string) *anomy.Config {
	t.Helper()
	c, _, err := anomy.Read(append([]string{"../anomy/testdata/hint.conf", "feat_testing=1"}, more...))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The head of a message, and parts of it with the boundary b.
const head = "From: a@x\nTo: b@y\nSubject: s\nMIME-Version: 1.0\n"

func multi(parts ...string) string {
	text := head + "Content-Type: multipart/mixed; boundary=b\n\n"
	for _, p := range parts {
		text += "--b\n" + p + "\n"
	}
	return text + "--b--\n"
}

const dropped = "Content-Type: text/plain;\n\tcharset="

// Files, by the lists of the hint: programs are dropped, documents pass, all else is
// defanged.
func TestFiles(t *testing.T) {
	c := hint(t, "header_info=0", "feat_boundaries=0")
	for _, row := range []struct {
		name, header string
		want         string // dropped, passed or defanged
	}{
		{"a program", "Content-Type: application/octet-stream; name=a.exe", "dropped"},
		{"by disposition", "Content-Type: application/octet-stream\nContent-Disposition: attachment; filename=a.exe", "dropped"},
		{"the names differ", "Content-Type: image/png; name=a.png\nContent-Disposition: attachment; filename=a.exe", "dropped"},
		{"and the other way", "Content-Type: image/png; name=a.exe\nContent-Disposition: attachment; filename=a.png", "dropped"},
		{"two names of a kind", "Content-Type: image/png; name=a.png; name=a.exe", "dropped"},
		{"quoted", `Content-Type: application/x; name="a \"b\".exe"`, "dropped"},
		{"a quote that never ends", `Content-Type: application/x; name="a.exe`, "dropped"},
		{"folded", "Content-Type: application/x;\n name=\"a.e\n xe\"", "defanged"},
		{"folded and closed up", "Content-Type: application/x;\n\tname=\n a.exe", "dropped"},
		{"a blank before the colon", "Content-Type : application/x; name=a.exe", "dropped"},
		{"capitals", "CONTENT-TYPE: APPLICATION/X; NAME=A.EXE", "dropped"},
		{"RFC 2231", "Content-Type: application/x; name*=utf-8''%61.%65xe", "dropped"},
		{"RFC 2231 in pieces", "Content-Type: application/x; name*0*=utf-8''a.e; name*1=xe", "dropped"},
		{"RFC 2231 and a plain one", "Content-Type: application/x; name=a.png; name*=''a%2Eexe", "dropped"},
		{"RFC 2047", "Content-Type: application/x; name=\"=?utf-8?B?YS5leGU=?=\"", "dropped"},
		{"RFC 2047 in two words", "Content-Type: application/x; name=\"=?utf-8?Q?a.e?= =?iso-8859-1?Q?xe?=\"", "dropped"},
		{"dots at the end", "Content-Type: application/x; name=\"a.exe. .\"", "dropped"},
		{"a directory", `Content-Type: application/x; name="..\a.exe"`, "dropped"},
		{"turned around", "Content-Type: application/x; name*=utf-8''a%E2%80%AEgpj.exe", "dropped"},
		{"invisible", "Content-Type: application/x; name*=utf-8''a.e%E2%80%8Bxe", "dropped"},
		{"wide letters", "Content-Type: application/x; name*=utf-8''a%EF%BC%8E%EF%BD%85xe", "dropped"},
		{"a NUL", "Content-Type: application/x; name*=utf-8''a.exe%00.png", "dropped"},
		{"a stream", `Content-Type: application/x; name="a.exe:b.png"`, "dropped"},
		{"two extensions", "Content-Type: application/x; name=a.png.exe", "dropped"},
		{"TNEF by name", "Content-Type: application/x; name=winmail.dat", "dropped"},
		{"TNEF by type", "Content-Type: application/ms-tnef", "dropped"},
		{"a program by type", "Content-Type: application/x-msdownload", "dropped"},
		{"a document", "Content-Type: application/msword; name=\"my letter.doc\"", "passed"},
		{"a document in another alphabet", "Content-Type: application/msword;\n name=\"=?iso-8859-1?Q?=FCber.doc?=\"\nContent-Disposition: attachment;\n filename*=iso-8859-1''%FCber.doc", "passed"},
		{"text with a name", "Content-Type: text/plain; name=readme.txt", "passed"},
		{"text", "Content-Type: text/plain", "passed"},
		{"no header", "", "passed"},
		{"a report", "Content-Type: message/delivery-status", "passed"},
		{"an invitation", "Content-Type: text/calendar; method=REQUEST", "passed"},
		{"a program that says it is enciphered", "Content-Type: application/pkcs7-mime; name=a.exe\nContent-Transfer-Encoding: base64", "dropped"},
		{"no list has it", "Content-Type: application/pdf; name=a.pdf", "defanged"},
		{"no name", "Content-Type: application/octet-stream", "defanged"},
		{"no known type", "Content-Type: foo", "passed"}, // it is text by RFC 2045
		{"an encoding for old programs", "Content-Type: text/html\nContent-Transfer-Encoding: x-uuencode", "defanged"},
		{"defanged before", `Content-Type: application/DEFANGED-1; name="a_pdf.DEFANGED-1"`, "passed"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if row.header != "" {
				row.header += "\n"
			}
			mess := multi(row.header+"\nthe file", "\nafter")
			got, m := clean(t, c, []byte(mess))
			is := "dropped"
			switch {
			case got == mess:
				is = "passed"
			case strings.Contains(got, "\nthe file\n") && strings.Contains(got, "DEFANGED-1\""):
				is = "defanged"
			case strings.Contains(got, "the file") || !strings.Contains(got, dropped) || !strings.Contains(got, "was deleted"):
				is = "spoilt"
			}
			if is != row.want || m.Changed != (is != "passed") || !strings.HasSuffix(got, "\n--b\n\nafter\n--b--\n") {
				t.Errorf("it is %s, want %s:\n%s\n%q", is, row.want, got, m.Log)
			}
		})
	}
}

// messages are what the hint makes of messages, with more settings.
var messages = []struct {
	name    string
	setting string
	in      string
	out     string // "" for no change
}{
	{"nothing", "", "", ""},
	{"one byte", "", "x", ""},
	{"an empty line", "", "\n", ""},
	{"no line end", "", head + "\nbody", ""},
	{"no body", "", head, ""},
	{"CRLF", "", strings.ReplaceAll(multi("\na"), "\n", "\r\n"), ""},
	{"both line ends", "", "From: a\r\nTo: b\n\r\nbody\r\r\n", ""},
	{"of an mbox", "", "From joe Mon Jan  1 00:00:00 2024\n>From jim Mon Jan  1 00:00:00 2024\n" + head + "\n>From x\n", ""},
	{"bytes of all kinds", "", head + "\n\x00\xff\xfe\x1b$B", ""},
	{"a multipart with words around", "", strings.Replace(multi("\na"), "\n\n", "\n\nbefore\n", 1) + "after", ""},
	{"a multipart that never ends", "", head + "Content-Type: multipart/mixed; boundary=b\n\n--b\n\na", ""},
	{"boundaries like each other", "", head + "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; boundary=bb\n\n--bb\n\na\n--bb--\n--b--\n", ""},
	{"a page", "", head + "Content-Type: text/html\n\n<p>\xe9<br>\r\n<a href='http://x'>", ""},
	{"a page in another encoding", "", head + "Content-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n<p class=3Dx>=E9=20=\n", ""},
	{"a page in Japanese", "", head + "Content-Type: text/html; charset=iso-2022-jp\n\n<p>\x1b$B<<onclick\x1b(B</p>\n", ""},
	{"words that begin", "", head + "\nbegin 644 the day\nwith a smile, and all is well.\nend\n", ""},

	{"the field", "header_info=X-Sanitizer: yes", head + "\nbody\n", head + "X-Sanitizer: yes\n\nbody\n"},
	{"the field without a body", "header_info=X-Sanitizer: yes", head, head + "X-Sanitizer: yes\n"},
	{"the field without a header", "header_info=X-Sanitizer: yes", "body\n", "X-Sanitizer: yes\n\nbody\n"},
	{"the field with CRLF", "header_info=X-Sanitizer: yes", "A: b\r\n\r\nx", "A: b\r\nX-Sanitizer: yes\r\n\r\nx"},
	{"boundaries", "feat_boundaries=1", multi("\na"), strings.NewReplacer("=b\n", "=\"MIMEStream=_1\"\n", "--b", "--MIMEStream=_1").Replace(multi("\na"))},
	{"two boundaries", "", strings.Replace(multi("\na"), "=b\n", "=b; boundary=c\n", 1),
		strings.NewReplacer("; boundary=b\n", ";\n\tboundary=\"MIMEStream=_1\"\n", "--b", "--MIMEStream=_1").Replace(multi("\na"))},

	{"a page that runs", "", head + "Content-Type: text/html\n\n<script>x</script>", head + "Content-Type: text/html\n\n<DEFANGED_script><!-- DEFANGED script: x --></DEFANGED_script>"},
	{"in base64", "", head + "Content-Type: text/html\nContent-Transfer-Encoding: base64\n\n" + "PHNjc!\nmlwdD54PC9zY3JpcHQ+\n",
		head + "Content-Type: text/html\nContent-Transfer-Encoding: base64\n\nPERFRkFOR0VEX3NjcmlwdD48IS0tIERFRkFOR0VEIHNjcmlwdDogeCAtLT48L0RFRkFOR0VEX3Nj\ncmlwdD4=\n"},
	{"in quoted-printable", "", head + "Content-Type: text/html\nContent-Transfer-Encoding: Quoted-Printable\n\n<p =6F=\nnclick=3Dx>=FC</p>\n",
		head + "Content-Type: text/html\nContent-Transfer-Encoding: Quoted-Printable\n\n<p DEFANGED_onclick=3Dx>=FC</p>\n"},
	{"with NUL", "", head + "Content-Type: text/html\n\n<scr\x00ipt></script>", head + "Content-Type: text/html\n\n<DEFANGED_script></DEFANGED_script>"},
	{"in Japanese", "", head + "Content-Type: text/html; charset=iso-2022-jp\n\n<p onclick=x>\x1b$B<<\x1b(B</p>\n",
		head + "Content-Type: text/html;\n\tcharset=\"utf-8\"\nContent-Transfer-Encoding: 8bit\n\n<p DEFANGED_onclick=x>室</p>\n"},
	{"in UTF-7", "", head + "Content-Type: text/html; charset=utf-7\n\n+ADw-script+AD4-\n", head + "Content-Type: text/html;\n\tcharset=\"us-ascii\"\n\n+ADw-script+AD4-\n"},
	{"a picture that runs", "", head + "Content-Type: image/svg+xml; name=a.png\n\n<svg onload=x>\n", head + "Content-Type: image/svg+xml; name=a.png\n\n<svg DEFANGED_onload=x>\n"},
	{"a script", "feat_scripts=1", head + "\n#!/bin/sh\nrm x\n", head + "\n#DEFANGED!/bin/sh\nrm x\n"},

	{"a message within", "", multi("Content-Type: message/rfc822\n\nSubject: in\nContent-Type: text/html\n\n<p onclick=x>"),
		multi("Content-Type: message/rfc822\n\nSubject: in\nContent-Type: text/html\n\n<p DEFANGED_onclick=x>")},
	{"a message with a name", "", multi("Content-Type: message/rfc822; name=\"Re: hello.eml\"\n\nSubject: in\n\nbody"), ""},
	{"a message nobody looks into", "feat_forwards=0", multi("Content-Type: message/rfc822\n\nContent-Type: text/html\n\n<p onclick=x>"), ""},
	{"a message that is encoded", "", multi("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nQTogYg=="),
		multi("Content-Type: application/DEFANGED-1;\n\tname=\"unnamed_file.DEFANGED-1\"\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment;\n\tfilename=\"unnamed_file.DEFANGED-1\"\n\nQTogYg==")},
	{"a digest", "", strings.Replace(multi("\nContent-Type: text/html\n\n<p onclick=x>"), "mixed", "digest", 1),
		strings.Replace(multi("\nContent-Type: text/html\n\n<p DEFANGED_onclick=x>"), "mixed", "digest", 1)},

	{"uuencoded", "feat_uuencoded=1", head + "\nhello\nbegin 644 a.exe\n#0V%T\n`\nend\nbye\n",
		head + "\nhello\n\n*****\nNOTE: An attachment named a.exe was deleted from this message because was a windows executable. Contact the system administrator for more information.\nbye\n"},
	{"uuencoded, of another kind", "feat_uuencoded=1", head + "\nbegin 644 a.what\n#0V%T\n`\nend\n", head + "\nbegin 644 a_what.DEFANGED-1\n#0V%T\n`\nend\n"},
	{"uuencoded, and fine", "feat_uuencoded=1", head + "\nbegin 644 a.doc\n#0V%T\n`\nend\n", ""},
	{"uuencoded in base64", "feat_uuencoded=1", head + "\nbegin-base64 644 a.what\nQ2F0\n====\n", head + "\nbegin-base64 644 a_what.DEFANGED-1\nQ2F0\n====\n"},

	{"a type too many", "", head + "Content-Type: text/plain\nContent-Type: text/html\n\nx\n", head + "Content-Type: text/plain\nX-Content-Type: text/html\n\nx\n"},
	{"what is no field", "", "A: b\nhello\nC: d\n\nx\n", "A: b\nX-Junk: hello\nC: d\n\nx\n"},
	{"a part that may have a header", "", multi("--\nContent-Type: text/html\n\nx"), multi("\n--\nContent-Type: text/html\n\nx")},
	{"a multipart without parts", "", head + "Content-Type: multipart/mixed; boundary=b\n\nhello\n", head + "Content-Type: text/plain\n\nhello\n"},
	{"an encoding that cannot be", "", strings.Replace(multi("\na"), "\n\n", "\nContent-Transfer-Encoding: base64\n\n", 1), strings.Replace(multi("\na"), "\n\n", "\nX-Content-Transfer-Encoding: base64\n\n", 1)},
	{"NUL in a header", "", "A: b\x00c\n\nx\x00\n", "A: bc\n\nx\x00\n"},
	{"CR in a header", "", "A: b\rC: d\r\nE: f\r\n\r\nx\r", "A: b C: d\r\nE: f\r\n\r\nx\r"},
	{"CR alone", "", "A: b\rC: d\r\rx\r", ""},
	{"CR before a boundary", "", multi("\na\r--b\rb"), strings.NewReplacer("multipart/mixed; boundary=b\n", "application/DEFANGED-1;\n\tname=\"unnamed_file.DEFANGED-1\"\nContent-Disposition: attachment;\n\tfilename=\"unnamed_file.DEFANGED-1\"\n").Replace(multi("\na\r--b\rb"))},
	{"a long line", "", "A: " + strings.Repeat("x", 900) + " " + strings.Repeat("y", 900) + "\n\n", "A: " + strings.Repeat("x", 900) + "\n " + strings.Repeat("y", 900) + "\n\n"},
	{"a longer word", "", "A: " + strings.Repeat("x", 1200) + " y\n\n", "A: " + strings.Repeat("x", 995) + "\n y\n\n"},
	{"a long date", "", "Date: " + strings.Repeat("x", 120) + "\n\n", "Date: " + strings.Repeat("x", 94) + "\n\n"},
	{"a long name", "", head + "Content-Type: image/png; name=" + strings.Repeat("x", 300) + ".png\n\nx",
		head + "Content-Type: image/png;\n\tname=\"" + strings.Repeat("x", 116) + ".png\"\nContent-Disposition: inline;\n\tfilename=\"" + strings.Repeat("x", 116) + ".png\"\n\nx"},
	{"a name turned around", "", head + "Content-Type: image/png; name*=utf-8''a%E2%80%AEb.png\n\nx",
		head + "Content-Type: image/png;\n\tname=\"ab.png\"\nContent-Disposition: inline;\n\tfilename=\"ab.png\"\n\nx"},
	{"a folded name", "", head + "Content-Type: image/png;\n\tname=\"a\n\tb.png\"\n\nx", ""},
	{"enciphered", "", head + "Content-Type: application/pkcs7-mime; name=smime.p7m\nContent-Transfer-Encoding: base64\n\nQ2F0\n", ""},
	{"a log and no body", "feat_log_inline=1", "A: b\nc\n", "A: b\nX-Junk: c\nMIME-Version: 1.0\nContent-Type: multipart/mixed;\n\tboundary=\"MIMEStream=_1\"\n\n" +
		"--MIMEStream=_1\n\n--MIMEStream=_1\nContent-Type: text/plain; charset=us-ascii\nContent-Disposition: inline\n\n" +
		"This message has been changed for your safety. What was done:\nmessage: its header was mended\n--MIMEStream=_1--\n"},
	{"no name", "", head + "Content-Type: image/png\n\nx", head + "Content-Type: image/png;\n\tname=\"unnamed.png\"\nContent-Disposition: inline;\n\tfilename=\"unnamed.png\"\n\nx"},
	{"a name with letters of its own", "file_default_policy=mangle", head + "Content-Type: application/x; name*=utf-8''%C3%BC\n\nx",
		head + "Content-Type: application/DEFANGED-1;\n\tname=\"MANGLED.DEFANGED-1\"\nContent-Disposition: attachment;\n\tfilename=\"MANGLED.DEFANGED-1\"\n\nx"},
	{"defanged, with such letters", "", head + "Content-Type: application/x; name*=utf-8''%C3%BC\n\nx",
		head + "Content-Type: application/DEFANGED-1;\n\tname*=utf-8''%C3%BC.DEFANGED-1\nContent-Disposition: attachment;\n\tfilename*=utf-8''%C3%BC.DEFANGED-1\n\nx"},

	{"signed", "", head + signed("pgp-signature", "-----BEGIN PGP SIGNATURE-----"), head + "Content-Type: multipart/mixed;\n\tboundary=\"MIMEStream=_1\"\n\n" +
		"--MIMEStream=_1\nContent-Type: text/plain; charset=us-ascii\nContent-Disposition: inline\n\nWARNING: Unsanitized content follows.\n--MIMEStream=_1\n" +
		signed("pgp-signature", "-----BEGIN PGP SIGNATURE-----") + "\n--MIMEStream=_1--\n"},
	{"signed, without a word", "feat_verbose=0", head + signed("pgp-signature", "-----BEGIN PGP SIGNATURE-----"), ""},
	{"signed in vain", "feat_force_name=0", head + signed("octet-stream; name=a.txt", ""), strings.Replace(head+signed("octet-stream; name=a.txt", ""), "onclick", "DEFANGED_onclick", 1)},
	{"signed, and not trusted", "feat_trust_pgp=0", head + signed("pgp-signature; name=a.txt", "-----BEGIN PGP SIGNATURE-----"),
		strings.Replace(head+signed("pgp-signature; name=a.txt", "-----BEGIN PGP SIGNATURE-----"), "onclick", "DEFANGED_onclick", 1)},

	{"the log", "feat_log_inline=1", "Subject: s\nContent-Type: text/html; charset=us-ascii\n\n<p onclick=x>\n", "Subject: s\nMIME-Version: 1.0\nContent-Type: multipart/mixed;\n\tboundary=\"MIMEStream=_1\"\n\n" +
		"--MIMEStream=_1\nContent-Type: text/html; charset=us-ascii\n\n<p DEFANGED_onclick=x>\n\n--MIMEStream=_1\nContent-Type: text/plain; charset=us-ascii\nContent-Disposition: inline\n\n" +
		"This message has been changed for your safety. What was done:\nmessage: its HTML was defanged\n--MIMEStream=_1--\n"},
	{"LF", "feat_newlines=1", "A: b\r\n\r\nx\r\r\ny\n", "A: b\n\nx\r\ny\n"},
	{"CRLF for all", "feat_newlines=2", "A: b\n\r\nx\n", "A: b\r\n\r\nx\r\n"},
	{"a score", "score_bad=1", head + "Content-Type: text/html\n\n<p onclick=x>", head + "Content-Type: text/html\nX-Sanitizer-Score: 1\n\n<p DEFANGED_onclick=x>"},
}

func TestMessages(t *testing.T) {
	for _, row := range messages {
		t.Run(row.name, func(t *testing.T) {
			settings := []string{"header_info=0", "feat_boundaries=0"}
			if row.setting != "" {
				settings = append(settings, row.setting)
			}
			want := row.out
			if want == "" {
				want = row.in
			}
			if got, m := clean(t, hint(t, settings...), []byte(row.in)); got != want {
				t.Errorf("got\n%q\nwant\n%q\n%q", got, want, m.Log)
			}
		})
	}
}

// signed is a part that is signed, as it seems.
func signed(kind, signature string) string {
	return "Content-Type: multipart/signed; boundary=s\n\n--s\nContent-Type: text/html\n\n<p onclick=x>\n--s\nContent-Type: application/" + kind + "\n\n" + signature + "\n--s--\n"
}

// Go-message finds the same parts in what we write.
func TestOthersReadWhatIsWritten(t *testing.T) {
	mess, err := os.ReadFile("testdata/mixed.eml")
	if err != nil {
		t.Fatal(err)
	}
	_, mess, _ = bytes.Cut(mess, []byte("\n")) // without its From line
	out, _ := clean(t, hint(t, "feat_log_inline=1"), mess)
	e, err := message.Read(strings.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	err = e.Walk(func(path []int, e *message.Entity, err error) error {
		if err != nil {
			return err
		}
		kind, params, err := e.Header.ContentType()
		text := ""
		if !strings.HasPrefix(kind, "multipart/") {
			body, readErr := io.ReadAll(e.Body)
			if readErr != nil {
				return readErr
			}
			text = fmt.Sprint(" ", len(body) > 0)
		}
		got = append(got, fmt.Sprint(path, " ", kind, " ", params["name"], text))
		return err
	})
	want := []string{"[] multipart/mixed ", "[0] multipart/mixed ", "[0 0] text/plain  true", "[0 1] text/html  true", "[0 2] text/plain  true",
		"[0 3] image/png unnamed.png true", "[0 4] application/defanged-1 foo_pdf.DEFANGED-1 true", "[1] text/plain  true"}
	if err != nil || strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%v\n%s\n%s", err, strings.Join(got, "\n"), out)
	}
}

func TestTooDeep(t *testing.T) {
	mess := head
	for i := range 1000 {
		mess += fmt.Sprintf("Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n", i, i)
	}
	mess += "Content-Type: application/x; name=a.exe\n\nx\n"
	got, m := clean(t, hint(t), []byte(mess))
	if !m.Changed || strings.Count(got, "Content-Type: application/DEFANGED-1;") != 1 || len(got) > 2*len(mess) {
		t.Errorf("%q", m.Log)
	}
}

func TestTooManyParts(t *testing.T) {
	mess := head + "Content-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\n\n", 1_000_000) + "--b\nContent-Type: application/x; name=a.exe\n\nx\n--b--\n"
	got, m := clean(t, hint(t), []byte(mess))
	if !m.Changed || strings.Count(got, "Content-Type: application/DEFANGED-1;") != 1 || len(got) > 2*len(mess) {
		t.Errorf("%q", m.Log)
	}
}

// However many parameters a field has, each is copied but a few times.
func TestTooManyParameters(t *testing.T) {
	mess := head + "Content-Type: text/plain" + strings.Repeat("; a=b", 50_000) + "\n\nx\n"
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got, _ := clean(t, hint(t), []byte(mess))
	runtime.ReadMemStats(&after)
	if made := after.TotalAlloc - before.TotalAlloc; made > uint64(500*len(mess)) || !strings.HasSuffix(got, "\n\nx\n") {
		t.Errorf("%d bytes of memory for a message of %d", made, len(mess))
	}
}

// A large message is not held in memory many times.
func TestMemory(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	text := head + "Content-Type: text/html\n\n" + strings.Repeat("<p onclick=x>\n", 400_000)
	mess, unload, err := Load(strings.NewReader(text))
	defer unload()
	if err != nil || string(mess) != text {
		t.Fatalf("%d bytes, %v", len(mess), err)
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	m, err := Sanitize(mess, hint(t))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	runtime.GC()
	runtime.ReadMemStats(&after)
	if n, err := m.WriteTo(io.Discard); err != nil || n < int64(len(mess)) {
		t.Errorf("%d bytes written, %v", n, err)
	}
	if kept := int64(after.HeapAlloc) - int64(before.HeapAlloc); kept > int64(len(mess)) {
		t.Errorf("%d bytes are kept in memory", kept)
	}
}

// scanned is a message with a file that a scanner looks at.
const scanned = "Content-Type: application/x; name=\"my file.bin\"\nContent-Transfer-Encoding: base64\n\nQ2F0\n"

func TestScanners(t *testing.T) {
	for _, row := range []struct{ name, command, policies, want string }{
		{"clean", "/bin/true %FILENAME", "accept:accept:drop:drop", "QQ passed"},
		{"infected", "/bin/sh -c 'exit 3'", "accept:accept:drop:defang", "dropped"},
		{"else", "/bin/false %FILENAME", "accept:accept:drop:defang", "defanged"},
		{"killed", "kill -9 $$", "accept:accept:accept:drop", "dropped"},
		{"unknown", "/bin/true", "unknown:accept:accept:accept", "dropped"}, // by the next list
		{"it sees the file", `test "$(cat %FILENAME)" = Cat && test %ATTNAME = "my file.bin"`, "accept:drop:drop:drop", "QQ passed"},
		{"cleaned", "printf Dog >%FILENAME; exit 5", "drop:accept:drop:drop", "cleaned"},
		{"nothing to clean", "/bin/sh -c 'exit 5'", "drop:accept:drop:drop", "QQ passed"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			c := configure(t, "header_info = 0", "feat_log_inline = 0", "file_list_rules = 2", "file_list_1 = bin", "file_list_1_policy = "+row.policies,
				"file_list_1_scanner = 0:5:3:"+row.command, "file_list_2 = bin", "file_list_2_policy = drop", "file_name_tpl = "+dir+"/$F")
			got, _ := clean(t, c, []byte(head+scanned))
			is := "dropped"
			switch {
			case got == head+scanned:
				is = "QQ passed"
			case strings.Contains(got, "DEFANGED"):
				is = "defanged"
			case strings.Contains(got, "\n\nRG9n\n"):
				is = "cleaned"
			}
			if is != row.want {
				t.Errorf("it is %s, want %s:\n%s", is, row.want, got)
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("%v is left in quarantine", left)
			}
		})
	}
}

func TestAScannerThatNeverEnds(t *testing.T) {
	c := configure(t, "file_list_rules = 1", "file_list_1 = bin", "file_list_1_policy = accept:accept:accept:drop",
		"file_list_1_scanner = 0:5:3:sleep 600 | cat", "file_name_tpl = "+t.TempDir()+"/$F", "system_scan_timeout = 1")
	if got, _ := clean(t, c, []byte(head+scanned)); strings.Contains(got, "Q2F0") {
		t.Errorf("got %s", got)
	}
}

func TestQuarantine(t *testing.T) {
	dir := t.TempDir()
	c := configure(t, "file_default_policy = save", "file_name_tpl = "+dir+"/att-$F-$T.$$", "msg_file_save = %FILENAME is %SAVEDNAME, ask %var_admin", "var_admin = root")
	mess := multi(scanned, strings.Replace(scanned, "my file.bin", "../../my file.bin", 1))
	got, _ := clean(t, c, []byte(mess))
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 2 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		path := filepath.Join(dir, file.Name())
		text, err := os.ReadFile(path)
		info, _ := os.Stat(path)
		if err != nil || string(text) != "Cat" || info.Mode().Perm() != 0o600 || !regexp.MustCompile(`^att-my_file\.bin-\d+\.\d+(-1)?$`).MatchString(file.Name()) {
			t.Errorf("%s: %q, %v", path, text, err)
		}
		if !strings.Contains(got, "my file.bin is "+path+", ask root\n") {
			t.Errorf("%s is not in\n%s", path, got)
		}
	}
}

// What fails leaves no trace, and says why.
func TestFailures(t *testing.T) {
	dir := t.TempDir()
	for _, row := range []struct {
		name, want string
		lines      []string
	}{
		{"no quarantine", "no such file", []string{"file_default_policy = save", "file_name_tpl = " + dir + "/none/$F"}},
		{"no scanner", "unable to start the scanner", []string{"file_list_rules = 1", "file_list_1 = bin", "file_list_1_policy = accept:accept:drop:drop",
			"file_list_1_scanner = 0:1:2:" + dir + "/none %FILENAME", "file_name_tpl = " + dir + "/$F"}},
		{"no scanner for the shell", "unable to start the scanner", []string{"file_list_rules = 1", "file_list_1 = bin", "file_list_1_policy = accept:accept:drop:drop",
			"file_list_1_scanner = 0:1:2:" + dir + "/none <%FILENAME", "file_name_tpl = " + dir + "/$F"}},
	} {
		if _, err := Sanitize([]byte(head+scanned), configure(t, row.lines...)); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: got %v", row.name, err)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s: %v is left", row.name, left)
		}
	}
}

// A defect is a failure as well.
func TestDefect(t *testing.T) {
	if _, err := Sanitize([]byte(head), nil); err == nil || !strings.HasPrefix(err.Error(), "defect: ") {
		t.Errorf("got %v", err)
	}
}

func TestRefused(t *testing.T) {
	for _, setting := range []string{"file_default_policy=panic", "score_panic=1"} {
		if _, m := clean(t, hint(t, setting), []byte(head+scanned)); !m.Refused {
			t.Errorf("%s: it passed", setting)
		}
		if _, m := clean(t, hint(t, setting), []byte(head)); m.Refused {
			t.Errorf("%s: refused", setting)
		}
	}
}
