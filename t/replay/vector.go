//go:build linux

package replay

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Vector is a case and what must be seen when it runs.
type Vector struct {
	Case   Case           `json:"case"`
	Expect map[string]any `json:"expect"` // strings are bytes, numbers are float64
}

// Text is a byte string. In JSON the character U+00xx stands for the byte xx.
type Text string

// UnmarshalJSON turns characters into bytes.
func (t *Text) UnmarshalJSON(data []byte) error {
	var s string
	if err := json.Unmarshal(data, &s); err != nil {
		return err
	}
	*t = Text(bytesOf(s))
	return nil
}

func bytesOf(s string) string {
	out := make([]byte, 0, len(s))
	for _, r := range s {
		out = append(out, byte(r))
	}
	return string(out)
}

// mode is a file mode or umask: a number, or a string of octal digits.
type mode uint32

func (m *mode) UnmarshalJSON(data []byte) error {
	base, digits := 10, string(data)
	if data[0] == '"' {
		base, digits = 8, strings.Trim(digits, `"`)
	}
	n, err := strconv.ParseUint(digits, base, 32)
	*m = mode(n)
	return err
}

// Case is what to set up and run; README.md of t/vectors has the meaning of
// each key.
type Case struct {
	ID      string
	Desc    string
	Heldout bool
	Program Text
	Argv0   *Text
	Argv    []Text
	Env     map[string]Text
	User    string
	UID     *int
	GID     *int
	Groups  []int
	Umask   *mode
	Cwd     Text
	Rlimits map[string]uint64
	Timeout seconds

	Fds    map[string]descriptor
	Script []step

	Hostname string
	Addrs    []string
	Control  map[string]contents
	Files    []file
	Queue    []message
	Bigtodo  bool
	Setup    []Text
	Stubs    map[string]stub
	Servers  []server
	DNS      *dnsZone
	Syslog   string
	Trigger  bool

	Capture   []Text // nil: nothing is captured
	Nodata    []string
	Normalize []string // nil: all rules
	Ignore    []string
	Linger    *seconds
	Settle    *seconds
	SortStubs bool `json:"sort_stubs"`
}

type seconds float64

// or is s, or missing when the case does not have it.
func (s *seconds) or(missing seconds) seconds {
	if s == nil {
		return missing
	}
	return *s
}

// descriptor says what the program has open on one descriptor.
type descriptor struct {
	Kind   string
	Data   Text
	Of     json.Number // dup
	Path   Text
	Flags  string // path
	RW     bool   // file
	Offset int64  // file
	Local  address
	Peer   address
}

type address struct {
	IP   string
	Port int
}

func (a *address) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[]any{&a.IP, &a.Port})
}

// step is one step of a dialogue: a word and what belongs to it.
type step struct {
	Word   string
	Number float64 // a descriptor, a size or seconds
	Text   Text    // data, a command or a signal
	TLS    *tlsOptions
}

func (s *step) UnmarshalJSON(data []byte) error {
	var part []json.RawMessage
	if err := json.Unmarshal(data, &part); err != nil {
		return err
	}
	if len(part) == 0 {
		return fmt.Errorf("empty step")
	}
	if err := json.Unmarshal(part[0], &s.Word); err != nil {
		return err
	}
	for _, p := range part[1:] {
		var err error
		switch p[0] {
		case '"':
			err = json.Unmarshal(p, &s.Text)
		case '{':
			err = strictly(p, &s.TLS)
		default:
			err = json.Unmarshal(p, &s.Number)
		}
		if err != nil {
			return fmt.Errorf("step %s: %w", data, err)
		}
	}
	return nil
}

// file is a file to make.
type file struct {
	Path   Text
	Type   string
	Data   Text
	Target Text
	Mode   *mode
	Owner  owner
	Group  owner
	Mtime  *float64
	Age    *float64
	Dev    [2]uint32
}

// owner is the name or the number of an account or group.
type owner string

func (o *owner) UnmarshalJSON(data []byte) error {
	*o = owner(strings.Trim(string(data), `"`))
	return nil
}

// contents are a control file: its text, or a file in full.
type contents struct{ file }

func (c *contents) UnmarshalJSON(data []byte) error {
	if data[0] == '"' {
		return json.Unmarshal(data, &c.Data)
	}
	return json.Unmarshal(data, &c.file)
}

// message is a message in the queue: the files it has there.
type message struct {
	Num                                           json.Number
	Mess, Intd, Todo, Info, Local, Remote, Bounce *contents
	Mtime, Age                                    *float64
}

// stub is how a stand-in behaves.
type stub struct {
	Read   []int
	Env    []string
	Note   []string
	Write  []output
	Sleep  float64
	Signal int
	Exit   []int
}

type output struct {
	Fd   int
	Data Text
}

func (o *output) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[]any{&o.Fd, &o.Data})
}

type server struct {
	Addr     string
	Port     int
	Mode     string
	Parallel bool
	Conns    [][]step
}

type dnsZone struct {
	Records    [][]any
	Behaviours map[string]any
	Log        bool
}

// Load reads a file of vectors.
func Load(path string) ([]Vector, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var all struct {
		Format  int
		Vectors []json.RawMessage
	}
	if err := json.NewDecoder(z).Decode(&all); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if all.Format != 1 {
		return nil, fmt.Errorf("%s: format %d is not known", path, all.Format)
	}
	vectors := make([]Vector, len(all.Vectors))
	for i, data := range all.Vectors {
		if err := parse(data, &vectors[i]); err != nil {
			return nil, fmt.Errorf("%s: vector %d: %w", filepath.Base(path), i, err)
		}
	}
	return vectors, nil
}

func parse(data []byte, v *Vector) error {
	if err := strictly(data, v); err != nil {
		return err
	}
	v.Expect = texts(v.Expect).(map[string]any)
	return nil
}

// strictly refuses keys that v lacks: to leave one out would test something
// else than was recorded.
func strictly(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

// texts turns the characters of all strings in x, keys too, into bytes.
func texts(x any) any {
	switch x := x.(type) {
	case string:
		return bytesOf(x)
	case []any:
		for i := range x {
			x[i] = texts(x[i])
		}
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, v := range x {
			out[bytesOf(k)] = texts(v)
		}
		return out
	}
	return x
}
