package exit

// The codes by which qmail-getpw and qmail-local tell qmail-lspawn of trouble
// that is no user's fault. qmail-lspawn has a report for each; see
// qmail-lspawn(8).
const (
	LocalBug      = 112 // must not happen, such as a wrong number of arguments
	LocalRoot     = 113 // delivery as root
	LocalNFS      = 115 // the home directory cannot be looked at for now
	LocalNoAlias  = 116 // no user alias
	LocalCDB      = 117 // users/cdb cannot be read
	LocalSystem   = 118 // the system refuses, for now
	LocalNoMemory = 119
	LocalExecSoft = 120 // qmail-local cannot be run for now
	LocalExecPw   = 121 // qmail-getpw cannot be run
	LocalExecHard = 126 // qmail-local cannot be run
)
