// Run does the steps of storesteps to the store in a directory, and says after each
// that it is done.
//
//	run dir
package main

import (
	"fmt"
	"os"

	"goqmail/lib/mailstore"
	"goqmail/t/crash/storesteps"
)

func main() {
	s, err := mailstore.Open(storesteps.Layout(os.Args[1]))
	for _, step := range storesteps.Steps() {
		if err == nil {
			err = step(s)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "run:", err)
			os.Exit(1)
		}
		fmt.Print(".")
	}
	s.Close()
}
