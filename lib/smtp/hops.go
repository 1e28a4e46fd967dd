package smtp

// maxHops is how many hosts and mailboxes a message may have passed. One with
// more is taken for a loop.
const maxHops = 100

// hopCounter counts the lines in a message's header that start with Received or
// Delivered, whatever follows that: each is one step of the message's way. It
// sees the message as it is on the wire.
type hopCounter struct {
	hops int
	body bool    // the header is over
	line [9]byte // the start of the current line, in lower case
	len  int     // of line
}

// count takes the next bytes.
func (h *hopCounter) count(wire []byte) {
	for _, c := range wire {
		if h.body {
			return
		}
		if h.len < len(h.line) {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			h.line[h.len] = c
			h.len++
			switch start := string(h.line[:h.len]); start {
			case "received", "delivered":
				h.hops++
			case "\r\n":
				h.body = true
			}
		}
		if c == '\n' {
			h.len = 0
		}
	}
}

func (h *hopCounter) looping() bool { return h.hops >= maxHops }
