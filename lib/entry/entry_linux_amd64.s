#include "go_asm.h"
#include "textflag.h"

#define SYS_mmap              9
#define SYS_fcntl             72
#define SYS_getrlimit         97
#define SYS_getuid            102
#define SYS_getgid            104
#define SYS_geteuid           107
#define SYS_getegid           108
#define SYS_prctl             157
#define SYS_setrlimit         160
#define SYS_sched_setaffinity 203
#define SYS_sched_getaffinity 204
#define SYS_getcpu            309
#define F_GETFD       1
#define RLIMIT_DATA   2
#define RLIMIT_NOFILE 7
#define RLIMIT_AS     9

#define PR_SET_TIMERSLACK 29
#define PR_GET_TIMERSLACK 30
#define PROT_READ_WRITE 3
#define MAP_PRIVATE_ANONYMOUS_FIXED_NOREPLACE 0x100022

// The kernel enters at one of these three: argc is at 0(SP), and SP must be as
// it was in the end.
TEXT _goqmail_brief(SB),NOSPLIT|NOFRAME,$0
	// A program that lib/warm starts stays: it has QMAILWARM= in its environment.
	MOVQ	0(SP), CX
	LEAQ	16(SP)(CX*8), DI	// the environment, behind argv and its end
	MOVQ	$0x5241574c49414d51, AX	// QMAILWAR
find:
	MOVQ	(DI), SI
	TESTQ	SI, SI
	JZ	brief
	ADDQ	$8, DI
	CMPQ	AX, (SI)
	JNE	find
	CMPW	8(SI), $0x3d4d	// M=
	JNE	find
	JMP	_goqmail_entry(SB)
brief:
	MOVQ	$const_briefSlack, BX
	JMP	start<>(SB)

TEXT _goqmail_one(SB),NOSPLIT|NOFRAME,$0
	MOVQ	$const_oneSlack, BX
	JMP	start<>(SB)

TEXT _goqmail_entry(SB),NOSPLIT|NOFRAME,$0
	MOVQ	$const_staySlack, BX
	JMP	start<>(SB)

TEXT start<>(SB),NOSPLIT|NOFRAME,$0
	// Whoever runs a setuid program gives it its environment, and the runtime
	// would obey GODEBUG and its like: make their names empty.
	MOVQ	$SYS_getuid, AX
	SYSCALL
	MOVQ	AX, R12
	MOVQ	$SYS_geteuid, AX
	SYSCALL
	CMPQ	AX, R12
	JNE	setuid
	MOVQ	$SYS_getgid, AX
	SYSCALL
	MOVQ	AX, R12
	MOVQ	$SYS_getegid, AX
	SYSCALL
	CMPQ	AX, R12
	JEQ	trusted
setuid:
	MOVQ	0(SP), CX
	LEAQ	16(SP)(CX*8), DI	// the environment, behind argv and its end
variable:
	MOVQ	(DI), SI
	TESTQ	SI, SI
	JZ	trusted
	CMPB	(SI), $'G'
	JNE	nextvariable
	CMPB	1(SI), $'O'
	JNE	nextvariable
	MOVB	$0, (SI)
nextvariable:
	ADDQ	$8, DI
	JMP	variable

trusted:
	// There are no variables yet, so the limits are kept on the stack: address
	// space at 0(SP), data at 16(SP), and what to set at 32(SP). R12 and R13
	// tell whether they were raised.
	SUBQ	$64, SP
	XORQ	R12, R12
	MOVQ	$SYS_getrlimit, AX
	MOVQ	$RLIMIT_AS, DI
	LEAQ	0(SP), SI
	SYSCALL
	TESTQ	AX, AX
	JNZ	data
	MOVQ	8(SP), CX
	CMPQ	CX, 0(SP)
	JEQ	data
	MOVQ	CX, 32(SP)
	MOVQ	CX, 40(SP)
	MOVQ	$SYS_setrlimit, AX
	MOVQ	$RLIMIT_AS, DI
	LEAQ	32(SP), SI
	SYSCALL
	TESTQ	AX, AX
	JNZ	data
	MOVQ	$1, R12

data:
	XORQ	R13, R13
	MOVQ	$SYS_getrlimit, AX
	MOVQ	$RLIMIT_DATA, DI
	LEAQ	16(SP), SI
	SYSCALL
	TESTQ	AX, AX
	JNZ	bss
	MOVQ	24(SP), CX
	CMPQ	CX, 16(SP)
	JEQ	bss
	MOVQ	CX, 32(SP)
	MOVQ	CX, 40(SP)
	MOVQ	$SYS_setrlimit, AX
	MOVQ	$RLIMIT_DATA, DI
	LEAQ	32(SP), SI
	SYSCALL
	TESTQ	AX, AX
	JNZ	bss
	MOVQ	$1, R13

bss:
	// The part of .bss that scripts/lean.go has left out of the file: all behind
	// the page on which the file's contents end. Where it is there, this fails.
	MOVQ	$runtime·edata(SB), DI
	ADDQ	$4095, DI
	ANDQ	$~4095, DI
	MOVQ	$runtime·enoptrbss(SB), SI
	SUBQ	DI, SI
	JLE	variables
	MOVQ	$SYS_mmap, AX
	MOVQ	$PROT_READ_WRITE, DX
	MOVQ	$MAP_PRIVATE_ANONYMOUS_FIXED_NOREPLACE, R10
	MOVQ	$-1, R8
	XORQ	R9, R9
	SYSCALL

variables:
	MOVQ	0(SP), CX
	MOVQ	CX, ·addressSpace+0(SB)
	MOVQ	8(SP), CX
	MOVQ	CX, ·addressSpace+8(SB)
	MOVQ	R12, ·addressSpaceChanged(SB)
	MOVQ	16(SP), CX
	MOVQ	CX, ·data+0(SB)
	MOVQ	24(SP), CX
	MOVQ	CX, ·data+8(SB)
	MOVQ	R13, ·dataChanged(SB)
	ADDQ	$64, SP
	MOVQ	$SYS_getrlimit, AX	// before the runtime raises it
	MOVQ	$RLIMIT_NOFILE, DI
	LEAQ	·files(SB), SI
	SYSCALL

	// Where a call fails, the thread keeps the slack or the processors it has.
	MOVQ	$SYS_prctl, AX
	MOVQ	$PR_GET_TIMERSLACK, DI
	SYSCALL
	TESTQ	AX, AX
	JLE	affinity
	MOVQ	AX, R12
	MOVQ	$SYS_prctl, AX
	MOVQ	$PR_SET_TIMERSLACK, DI
	MOVQ	BX, SI
	SYSCALL
	TESTQ	AX, AX
	JNZ	affinity
	MOVQ	R12, ·slack(SB)
affinity:
	CMPQ	BX, $const_staySlack
	JEQ	descriptors
	MOVQ	$SYS_sched_getaffinity, AX
	XORQ	DI, DI	// this thread
	MOVQ	$const_affinitySize, SI
	LEAQ	·affinity(SB), DX
	SYSCALL
	TESTQ	AX, AX
	JLE	descriptors
	MOVQ	AX, R12	// size of the system's masks
	MOVQ	$SYS_getcpu, AX
	LEAQ	·processor(SB), DI
	XORQ	SI, SI
	XORQ	DX, DX
	SYSCALL
	TESTQ	AX, AX
	JNZ	descriptors
	MOVL	·processor(SB), CX
	LEAQ	·one(SB), DX
	BTSQ	CX, (DX)
	MOVQ	$SYS_sched_setaffinity, AX
	XORQ	DI, DI
	MOVQ	R12, SI
	SYSCALL
	TESTQ	AX, AX
	JNZ	descriptors
	MOVQ	R12, ·pinned(SB)

descriptors:
	XORQ	R12, R12	// bits of closed descriptors
	XORQ	R13, R13	// descriptor
next:
	MOVQ	$SYS_fcntl, AX
	MOVQ	R13, DI
	MOVQ	$F_GETFD, SI
	SYSCALL
	TESTQ	AX, AX
	JGE	open
	BTSQ	R13, R12
open:
	INCQ	R13
	CMPQ	R13, $10
	JLT	next
	MOVQ	R12, ·closed(SB)
	MOVQ	R12, R13
	XORQ	$0x3ff, R12
	MOVQ	R12, ·open(SB)
	CMPQ	BX, $const_staySlack
	JEQ	runtime
	TESTQ	$7, R13	// the runtime must open something there
	JNZ	runtime
	MOVQ	·files+8(SB), CX
	MOVQ	CX, ·noFiles+8(SB)
	MOVQ	$SYS_setrlimit, AX
	MOVQ	$RLIMIT_NOFILE, DI
	LEAQ	·noFiles(SB), SI
	SYSCALL

runtime:
	XORQ	DX, DX
	JMP	_rt0_amd64_linux(SB)
