//go:build ignore

// Lean makes static programs that start at lib/entry small enough for the
// limits in old run scripts.
//
//	go run scripts/lean.go FILE ...
//
// A Go program has the kernel give it some 200 KB of memory that starts as
// zeros (.bss). That counts against a limit on address space before the first
// instruction can lift it. lib/entry asks for this memory once it has lifted
// the limit; so lean takes it out of the file's request, but for the rest of the
// page on which the contents of the file end.
package main

import (
	"debug/elf"
	"encoding/binary"
	"fmt"
	"os"
)

func main() {
	for _, name := range os.Args[1:] {
		if err := lean(name); err != nil {
			fmt.Fprintf(os.Stderr, "lean: %s: %v\n", name, err)
			os.Exit(1)
		}
	}
}

// The places of some numbers in a 64-bit ELF file, and in each of its program
// headers.
const (
	atHeaders = 0x20
	headerLen = 56
	atMemsz   = 40
)

func lean(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	program, err := elf.NewFile(f)
	if err != nil {
		return err
	}
	var headers [8]byte
	if _, err := f.ReadAt(headers[:], atHeaders); err != nil {
		return err
	}
	for i, p := range program.Progs {
		if p.Type != elf.PT_LOAD || p.Flags != elf.PF_R|elf.PF_W {
			continue
		}
		stored := p.Vaddr + p.Filesz
		end := (stored + p.Align - 1) / p.Align * p.Align
		if end < p.Vaddr+p.Memsz {
			var memsz [8]byte
			binary.LittleEndian.PutUint64(memsz[:], end-p.Vaddr)
			at := binary.LittleEndian.Uint64(headers[:]) + uint64(i)*headerLen + atMemsz
			if _, err := f.WriteAt(memsz[:], int64(at)); err != nil {
				return err
			}
		}
	}
	return nil
}
