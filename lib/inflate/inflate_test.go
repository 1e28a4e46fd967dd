package inflate

import (
	"bytes"
	"compress/flate"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
)

// texts are kinds of data for which streams differ.
func texts() map[string]string {
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 100_000)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	var words strings.Builder
	for words.Len() < 200_000 {
		words.WriteString([]string{"x FETCH ", "1:* ", "(FLAGS)\r\n", "ünder ", "\x00"}[random.IntN(5)])
	}
	return map[string]string{"nothing": "", "a byte": "x", "one byte often": strings.Repeat("x", 100_000), "noise": string(noise), "words": words.String(),
		"far back": string(noise[:32_768]) + string(noise[:32_768])}
}

func TestWhatWasCompressed(t *testing.T) {
	for name, text := range texts() {
		for level := flate.HuffmanOnly; level <= flate.BestCompression; level++ {
			var stream bytes.Buffer
			w, err := flate.NewWriter(&stream, level)
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(w, text[:len(text)/2])
			w.Flush()
			io.WriteString(w, text[len(text)/2:])
			w.Close()
			if got, err := io.ReadAll(NewReader(&stream)); err != nil || string(got) != text {
				t.Errorf("%s, level %d: %d bytes of %d, error %v", name, level, len(got), len(text), err)
			}
		}
	}
}

// What a block holds is there at its end, before there is more to read.
func TestEndOfABlock(t *testing.T) {
	// "a NOOP\r\n" by zlib, with two ways to flush.
	for _, row := range []struct{ name, stream string }{
		{"Z_PARTIAL_FLUSH", "\x4a\x54\xf0\xf3\xf7\x0f\xe0\xe5\x02\x08"},
		{"Z_SYNC_FLUSH", "\x4a\x54\xf0\xf3\xf7\x0f\xe0\xe5\x02\x00\x00\x00\xff\xff"},
	} {
		t.Run(row.name, func(t *testing.T) {
			in, out := io.Pipe()
			defer out.Close()
			go io.WriteString(out, row.stream)
			p := make([]byte, 100)
			if n, err := NewReader(in).Read(p); err != nil || string(p[:n]) != "a NOOP\r\n" {
				t.Errorf("%q, error %v", p[:n], err)
			}
		})
	}
}

func TestNotInTheFormat(t *testing.T) {
	for _, row := range []struct {
		name, stream string
		err          error
	}{
		{"nothing", "", io.ErrUnexpectedEOF},
		{"kind of block", "\x07", ErrCorrupt},
		{"length of a stored block", "\x01\x01\x00\x00\x00x", ErrCorrupt},
		{"stored block breaks off", "\x01\x02\x00\xfd\xffx", io.ErrUnexpectedEOF},
		{"fixed codes break off", "\x4b\x04", io.ErrUnexpectedEOF},
		{"back before the beginning", "\x03\x02\x00", ErrCorrupt},
		{"too many codes", "\xfd\xff\xff", ErrCorrupt},
		{"codes of no words", "\x05\x00\x00\x00\x00\x00", ErrCorrupt},
	} {
		if _, err := io.ReadAll(NewReader(strings.NewReader(row.stream))); err != row.err {
			t.Errorf("%s: error %v, want %v", row.name, err, row.err)
		}
	}
}

// FuzzReader compares Reader with compress/flate's.
func FuzzReader(f *testing.F) {
	for _, text := range texts() {
		for _, level := range []int{flate.HuffmanOnly, 0, 1, 6} {
			var stream bytes.Buffer
			w, err := flate.NewWriter(&stream, level)
			if err != nil {
				f.Fatal(err)
			}
			io.WriteString(w, text[:len(text)/20])
			w.Flush()
			w.Close()
			f.Add(stream.Bytes())
		}
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		const most = 1 << 20 // there are short streams of long texts
		got, err := io.ReadAll(io.LimitReader(NewReader(bytes.NewReader(stream)), most))
		want, wantErr := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(stream)), most))
		// How much of the end of a wrong stream there is, nobody says.
		if (err == nil) != (wantErr == nil) || err == nil && !bytes.Equal(got, want) {
			t.Errorf("%d bytes, error %v; want %d, error %v", len(got), err, len(want), wantErr)
		}
	})
}
