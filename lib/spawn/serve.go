package spawn

import (
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"goqmail/lib/auto"
	"goqmail/lib/descriptor"
	"goqmail/lib/entry"
	"goqmail/lib/sig"
)

// Deliver carries out a delivery and returns its report: the status K, Z or D
// and a text. The message is open as mess, which Deliver closes. Deliveries
// run beside each other.
type Deliver func(r Request, mess *os.File) (report string)

// Server serves the requests of one pipe. One goroutine owns its state; each
// delivery has a goroutine of its own, which only sends its report.
type Server struct {
	Queue   int // uid of qmailq, who must own a message
	Deliver Deliver

	out     io.WriteCloser
	broken  bool // writing out has failed
	used    map[int]bool
	running int
	work    chan delivery
	reports chan numbered
}

// delivery is one that is to start.
type delivery struct {
	Request
	mess *os.File
}

type numbered struct {
	num    int
	report string
}

// Signals gives signals the meaning they have for the spawns: SIGPIPE is
// ignored, here and in the programs started, because qmail-send may go away
// while a delivery runs; the others that kill a process kill it.
func Signals() {
	signal.Ignore(syscall.SIGPIPE)
	sig.Default(sig.Swallowed[:]...)
	sig.Default(syscall.SIGQUIT, syscall.SIGABRT)
}

// Serve greets on out, serves the requests that arrive on in until that ends,
// and returns when no delivery is under way any more.
func (s *Server) Serve(in io.Reader, out io.WriteCloser) {
	entry.Stay() // deliveries are started while others go on
	// There is little to do for each of them but to wait; on several processors
	// goroutines would mostly wake each other.
	runtime.GOMAXPROCS(1)
	const each = 4 // of a delivery that starts
	go descriptor.Room(each * auto.Spawn())
	s.out = out
	s.reports = make(chan numbered, auto.Spawn())
	s.work = make(chan delivery)
	defer close(s.work)
	s.used = map[int]bool{}
	s.write(builtIn().append(nil, auto.Spawn()))
	pieces := make(chan []byte)
	go read(waiting(in), pieces)
	var requests Requests
	for pieces != nil || s.running > 0 {
		select {
		case data, ok := <-pieces:
			if !ok {
				pieces = nil
				continue
			}
			requests.Parse(data, s.request)
		case r := <-s.reports:
			b := s.ended(nil, r)
			for range len(s.reports) {
				b = s.ended(b, <-s.reports)
			}
			s.write(b)
		}
	}
}

// ended appends the report of a delivery that has ended.
func (s *Server) ended(b []byte, r numbered) []byte {
	delete(s.used, r.num)
	s.running--
	return AppendReport(b, r.num, r.report)
}

// waiting is in for one who has other things to do meanwhile: the runtime leaves
// its only processor to a read in blocking mode for some 10 ms. Nobody else reads
// from a pipe.
func waiting(in io.Reader) io.Reader {
	f, ok := in.(*os.File)
	if !ok {
		return in
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return in
	}
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil || syscall.SetNonblock(fd, true) != nil {
		return in
	}
	return os.NewFile(uintptr(fd), "")
}

// read sends on what arrives, piece by piece, and closes pieces at the end or
// at an error, which for a spawn is the same: qmail-send is gone.
func read(in io.Reader, pieces chan<- []byte) {
	defer close(pieces)
	buf := make([]byte, 1024)
	for {
		n, err := in.Read(buf)
		if n > 0 {
			pieces <- append([]byte(nil), buf[:n]...)
		}
		if err != nil {
			return
		}
	}
}

// request starts a delivery, or reports why it cannot.
func (s *Server) request(r Request) {
	mess, refusal := s.admit(r)
	if refusal != "" {
		s.write(AppendReport(nil, r.Num, refusal))
		return
	}
	s.used[r.Num] = true
	s.running++
	select {
	case s.work <- delivery{r, mess}:
	default:
		go s.serve(delivery{r, mess})
	}
}

// serve carries out a delivery and then others: its stack has grown to what they
// take.
func (s *Server) serve(d delivery) {
	for ok := true; ok; d, ok = <-s.work {
		s.reports <- numbered{d.Num, s.Deliver(d.Request, d.mess)}
	}
}

// admit checks a request in the order that the texts of its refusals have
// always depended on, and opens the message.
func (s *Server) admit(r Request) (mess *os.File, refusal string) {
	switch {
	case r.Num >= auto.Spawn():
		return nil, "ZInternal error: delnum too big. (#4.3.5)\n"
	case s.used[r.Num]:
		return nil, "ZInternal error: delnum in use. (#4.3.5)\n"
	case !numeric(r.Mess):
		return nil, "DInternal error: messid has nonnumerics. (#5.3.5)\n"
	case len(r.Mess) >= 100:
		return nil, "DInternal error: messid too long. (#5.3.5)\n"
	case r.Mess == "":
		return nil, "DInternal error: messid too short. (#5.3.5)\n"
	case !strings.Contains(r.Recipient, "@"):
		return nil, "DSorry, address must include host name. (#5.1.3)\n"
	}
	return s.open(r.Mess)
}

// numeric tells whether mess consists of digits, and slashes but in front. So
// it cannot lead out of queue/mess.
func numeric(mess string) bool {
	for i := range len(mess) {
		if (mess[i] < '0' || mess[i] > '9') && (i == 0 || mess[i] != '/') {
			return false
		}
	}
	return true
}

// open opens a message, without waiting should it be a FIFO. Qmail-send runs
// with fewer rights than qmail-lspawn, so a request must not make it read out
// what does not belong to the queue.
func (s *Server) open(mess string) (f *os.File, refusal string) {
	path := auto.Home + "/queue/mess/" + mess
	file, err := descriptor.Open(path, syscall.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, "Zqmail-spawn unable to open message. (#4.3.0)\n"
	}
	st, err := file.Stat()
	switch {
	case err != nil:
		refusal = "Zqmail-spawn unable to fstat message. (#4.3.0)\n"
	case st.Mode&syscall.S_IFMT != syscall.S_IFREG:
		refusal = "ZSorry, message has wrong type. (#4.3.5)\n"
	case int(st.Uid) != s.Queue:
		refusal = "ZSorry, message has wrong owner. (#4.3.5)\n"
	default:
		return os.NewFile(uintptr(file), ""), ""
	}
	file.Close()
	return nil, refusal
}

// write sends b. When qmail-send no longer reads, deliveries under way are
// still seen to their end.
func (s *Server) write(b []byte) {
	if s.broken {
		return
	}
	if _, err := s.out.Write(b); err != nil {
		s.broken = true
		s.out.Close()
	}
}
