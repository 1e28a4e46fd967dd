package main

import (
	"goqmail/lib/exit"
	"goqmail/lib/spawn"
)

// report turns the end of a delivery into a report. qmail-local's own texts
// are for the log and the bounce; for the codes that are trouble of ours there
// are set ones.
func report(e spawn.Ended) string {
	if e.Crashed {
		return "Zqmail-local crashed.\n"
	}
	switch e.Code {
	case exit.LocalCDB:
		return "ZTrouble reading users/cdb in qmail-lspawn.\n"
	case exit.LocalNoMemory:
		return "ZOut of memory in qmail-lspawn.\n"
	case exit.LocalSystem:
		return "ZTemporary failure in qmail-lspawn.\n"
	case exit.LocalNoAlias:
		return "ZUnable to find alias user!\n"
	case exit.LocalRoot:
		return "ZNot allowed to perform deliveries as root.\n"
	case exit.LocalBug:
		return "ZInternal qmail-lspawn bug.\n"
	case exit.LocalNFS:
		return "ZNFS failure in qmail-local.\n"
	case exit.LocalExecHard:
		return "DUnable to run qmail-local.\n"
	case exit.LocalExecSoft:
		return "ZUnable to run qmail-local.\n"
	case exit.LocalExecPw:
		return "ZUnable to run qmail-getpw.\n"
	case exit.OK:
		return "K" + string(e.Output)
	case exit.Temp, 71, 74, 75: // the last three are of sysexits.h: OSERR, IOERR, TEMPFAIL
		return "Z" + string(e.Output)
	}
	return "D" + string(e.Output)
}

// reportMax is more than anybody reads of a report, and tooLong what stands at
// its end when there was more.
const (
	reportMax = 3000
	tooLong   = "\nError report too long, sorry.\n"
)

// keep adds to qmail-local's output what fits.
func keep(output, more []byte) []byte {
	output = append(output, more...)
	if len(output) > reportMax {
		output = append(output[:reportMax-len(tooLong)-3], tooLong...)
	}
	return output
}
