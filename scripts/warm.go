//go:build ignore

// Warm makes files of programs tell that these can be started warm, by their
// size; see lib/warm.
//
//	go run scripts/warm.go FILE ...
package main

import (
	"fmt"
	"os"

	"goqmail/lib/warm"
)

func main() {
	for _, name := range os.Args[1:] {
		if err := warm.Mark(name); err != nil {
			fmt.Fprintln(os.Stderr, "warm:", err)
			os.Exit(1)
		}
	}
}
