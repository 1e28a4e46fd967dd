// Become becomes another program.
//
//	become program argument ...
package main

import (
	"goqmail/lib/call"
	"goqmail/lib/child"
)

func main() { call.Main(run) }

func run(c *call.Call) int {
	child.ExecFound(c.Args[1:], c.Env)
	return 1
}
