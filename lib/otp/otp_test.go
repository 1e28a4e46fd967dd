package otp

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
)

// The passwords of RFC 2289 appendix C.
func TestNew(t *testing.T) {
	for _, test := range []struct {
		algorithm, secret, seed string
		want                    [3]string // after 0, 1 and 99 steps
	}{
		{"md5", "This is a test.", "TeSt", [3]string{"9e876134d90499dd", "7965e05436f5029f", "50fe1962c4965880"}},
		{"md5", "AbCdEfGhIjK", "alpha1", [3]string{"87066dd9644bf206", "7cd34c1040add14b", "5aa37a81f212146c"}},
		{"md5", "OTP's are good", "correct", [3]string{"f205753943de4cf9", "ddcdac956f234937", "b203e28fa525be47"}},
		{"sha1", "This is a test.", "TeSt", [3]string{"bb9e6ae1979d8ff4", "63d936639734385b", "87fec7768b73ccf9"}},
		{"sha1", "AbCdEfGhIjK", "alpha1", [3]string{"ad85f658ebe383c9", "d07ce229b5cf119b", "27bc71035aaf3dc6"}},
		{"sha1", "OTP's are good", "correct", [3]string{"d51f3e99bf8e6f0b", "82aeb52d943774e4", "4f296a74fe1567ec"}},
	} {
		for i, n := range []int{0, 1, 99} {
			if got := fmt.Sprintf("%x", New(test.algorithm, n, test.seed, test.secret).Last); got != test.want[i] {
				t.Errorf("%s %d %s: got %s, want %s", test.algorithm, n, test.seed, got, test.want[i])
			}
		}
	}
}

// What Debian's saslpasswd2 has written for the password "secret" reads and prints.
func TestState(t *testing.T) {
	const made = "md5\t0499\tvm7332\t4c504de844390751\t00000000000000000000"
	s, err := Parse(made)
	if err != nil || s.String() != made {
		t.Fatalf("%v: %s", err, s)
	}
	if own := New("md5", 499, "vm7332", "secret"); own != s {
		t.Errorf("got %s, want %s", own, s)
	}
	for _, bad := range []string{
		"", "md5", "md4" + made[3:], strings.Replace(made, "0499", "049x", 1), strings.Replace(made, "0499", "-499", 1),
		strings.Replace(made, "0751", "075", 1), strings.Replace(made, "vm7332", "", 1), strings.Replace(made, "vm7332", "a b", 1),
		made + "\tmore", made + "x",
	} {
		if s, err := Parse(bad); err == nil {
			t.Errorf("%q: %v", bad, s)
		}
	}
}

func TestAccept(t *testing.T) {
	for _, algorithm := range []string{"md5", "sha1"} {
		s := New(algorithm, 3, "ke1234", "secret")
		old := ""
		for n := 2; n >= 0; n-- {
			response, err := Respond(fmt.Sprintf("otp-%s %d ke1234 ext", algorithm, n), "secret")
			if err != nil {
				t.Fatal(err)
			}
			if old != "" {
				if _, err := s.Accept(old); err != errPassword {
					t.Errorf("%s: replayed: %v", algorithm, err)
				}
			}
			if n == 1 { // as people type it
				response = "HEX: " + strings.ToUpper(response[4:8]) + " " + response[8:]
			}
			if s, err = s.Accept(response); err != nil || s.Sequence != n {
				t.Fatalf("%s: %d: %v, %v", algorithm, n, s, err)
			}
			old = response
		}
		if _, err := s.Accept("hex:0000000000000000"); err != errPassword {
			t.Errorf("after the last: %v", err)
		}
	}
}

func TestAcceptInit(t *testing.T) {
	s := New("md5", 3, "ke1234", "secret")
	old, _ := Respond("otp-md5 2 ke1234", "secret")
	next := fmt.Sprintf("%x", New("md5", 499, "ke5678", "other").Last)
	fresh, err := s.Accept("init-" + old + ":md5 499 ke5678:" + next)
	if err != nil || fresh != New("md5", 499, "ke5678", "other") {
		t.Errorf("%v, %v", fresh, err)
	}
	for name, test := range map[string]struct {
		response string
		want     error
	}{
		"the same seed":     {"init-" + old + ":md5 499 ke1234:" + next, errInit},
		"another algorithm": {"init-" + old + ":sha1 499 ke5678:" + next, errInit},
		"a longer seed":     {"init-" + old + ":md5 499 ke56789:" + next, errInit},
		"too few passwords": {"init-" + old + ":md5 1 ke5678:" + next, errInit},
		"half a password":   {"init-" + old + ":md5 499 ke5678:" + next[1:], errInit},
		"no old password":   {"init-hex:" + next + ":md5 499 ke5678:" + next, errPassword},
		"no new one":        {"init-" + old, errResponse},
		"words":             {"word:A B C D E F", errResponse},
		"five words":        {"word:INCH SEA ANNE LONG AHEM", errResponse},
		"no check":          {"word:INCH SEA ANNE LONG AHEM TOUT", errResponse},
		"another's words":   {"word:INCH SEA ANNE LONG AHEM TOUR", errPassword},
		"nothing":           {"", errResponse},
		"more":              {old + ":x", errResponse},
	} {
		if _, err := s.Accept(test.response); err != test.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The passwords of RFC 2289 appendix C in words.
func TestWords(t *testing.T) {
	for words, want := range map[string]string{
		"INCH SEA ANNE LONG AHEM TOUR":  "9e876134d90499dd",
		"EASE OIL FUM CURE AWRY AVIS":   "7965e05436f5029f",
		"bail tuft bits gang chef thy":  "50fe1962c4965880",
		"FULL PEW DOWN ONCE MORT ARC":   "87066dd9644bf206",
		"FACT HOOF AT FIST SITE KENT":   "7cd34c1040add14b",
		"BODE HOP JAKE STOW JUT RAP":    "5aa37a81f212146c",
		"MILT VARY MAST OK SEES WENT":   "bb9e6ae1979d8ff4",
		"CART OTTO HIVE ODE VAT NUT":    "63d936639734385b",
		" GAFF  WAIT SKID GIG SKY EYED": "87fec7768b73ccf9",
	} {
		if p, ok := parseWords("md5", words); !ok || fmt.Sprintf("%x", p) != want {
			t.Errorf("%s: %x, %v", words, p, ok)
		}
	}
}

// Another dictionary: any words with the right digests.
func TestOtherWords(t *testing.T) {
	for _, algorithm := range []string{"md5", "sha1"} {
		s := New(algorithm, 3, "ke1234", "secret")
		p := New(algorithm, 2, "ke1234", "secret").Last
		value := binary.BigEndian.Uint64(p[:])
		var words []string
		for i := range 6 {
			number := value<<2&(1<<11-1) | check(value)
			if i < 5 {
				number = value >> (53 - 11*i) & (1<<11 - 1)
			}
			for n := 0; ; n++ {
				word := fmt.Sprintf("wort%d", n)
				if byDigest(algorithm, word) == number {
					words = append(words, word)
					break
				}
			}
		}
		if next, err := s.Accept("word:" + strings.Join(words, " ")); err != nil || next.Last != p || next.Sequence != 2 {
			t.Errorf("%s: %v, %v", algorithm, next, err)
		}
	}
}

func FuzzAccept(f *testing.F) {
	f.Add("hex:4c504de844390751", "md5\t0499\tvm7332\t4c504de844390751\t00000000000000000000")
	f.Add("word:INCH SEA ANNE LONG AHEM TOUR", New("md5", 3, "ke1234", "secret").String())
	f.Add("init-hex:f65a11e54aeeb22f:md5 499 ke5678:4c504de844390751", New("md5", 3, "ke1234", "secret").String())
	f.Fuzz(func(t *testing.T, response, state string) {
		s, err := Parse(state)
		if err != nil {
			return
		}
		if again, err := Parse(s.String()); err != nil || again != s {
			t.Errorf("%q became %q", state, s)
		}
		if next, err := s.Accept(response); err == nil && next.Last == s.Last {
			t.Errorf("%q changes nothing", response)
		}
	})
}
