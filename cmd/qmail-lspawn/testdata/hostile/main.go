// Hostile stands in for a qmail-local that stays, and does on its socket, which
// lib/warm explains, what the recipient's name says.
package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"syscall"
	"time"
)

const socket = 3

func main() {
	send([]byte("goqmail warm 1"))
	packet, rights := make([]byte, 1<<17), make([]byte, 256)
	for {
		n, rightsLen, _, _, err := syscall.Recvmsg(socket, packet, rights, 0)
		if err != nil || n == 0 {
			return
		}
		messages, _ := syscall.ParseSocketControlMessage(rights[:rightsLen])
		fds, _ := syscall.ParseUnixRights(&messages[0])
		num := binary.LittleEndian.Uint32(packet)
		for name, do := range behaviours {
			if bytes.Contains(packet[:n], []byte("\x00"+name+"-")) {
				do(num, fds[1])
			}
		}
		for _, fd := range fds {
			syscall.Close(fd)
		}
		end(num, 0)
	}
}

// behaviours have the number of the call and its descriptor 1.
var behaviours = map[string]func(num uint32, out int){
	"garbage": func(uint32, int) { send([]byte("\xff garbage")) },
	"long":    func(uint32, int) { send(make([]byte, 1<<16)) },
	"empty":   func(uint32, int) { send(nil) },
	"others": func(num uint32, _ int) {
		for i := range uint32(20000) {
			end(num+1+i, 0)
		}
	},
	"twice":  func(num uint32, _ int) { end(num, 0) },
	"enough": func(uint32, int) { end(1<<32-1, 0); end(1<<32-1, 0) },
	"odd":    func(num uint32, _ int) { end(num, 0xffffffff) },
	"rights": func(num uint32, out int) {
		for range 1000 {
			syscall.Sendmsg(socket, packet(num+1, 0), syscall.UnixRights(out, out, out), nil, syscall.MSG_NOSIGNAL)
		}
	},
	"endless": func(_ uint32, out int) {
		text := bytes.Repeat([]byte("x"), 1<<16)
		for range 200 {
			syscall.Write(out, text)
		}
	},
	"away": func(uint32, int) {
		syscall.Close(socket)
		time.Sleep(time.Hour)
	},
	"deaf": func(_ uint32, out int) {
		syscall.Close(out)
		syscall.Shutdown(socket, syscall.SHUT_RD)
	},
	"die": func(uint32, int) { os.Exit(0) },
}

func packet(num, status uint32) []byte {
	return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, num), status)
}

func end(num, status uint32) { send(packet(num, status)) }

func send(b []byte) { syscall.Sendmsg(socket, b, nil, nil, syscall.MSG_NOSIGNAL) }
