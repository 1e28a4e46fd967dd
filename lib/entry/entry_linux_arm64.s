#include "go_asm.h"
#include "textflag.h"

#define SYS_fcntl             25
#define SYS_sched_setaffinity 122
#define SYS_sched_getaffinity 123
#define SYS_getrlimit         163
#define SYS_setrlimit         164
#define SYS_prctl             167
#define SYS_getcpu            168
#define SYS_getuid            174
#define SYS_geteuid           175
#define SYS_getgid            176
#define SYS_getegid           177
#define SYS_mmap              222
#define F_GETFD       1
#define RLIMIT_DATA   2
#define RLIMIT_NOFILE 7
#define RLIMIT_AS     9

#define PR_SET_TIMERSLACK 29
#define PR_GET_TIMERSLACK 30
#define PROT_READ_WRITE 3
#define MAP_PRIVATE_ANONYMOUS_FIXED_NOREPLACE 0x100022

// The kernel enters at one of these three: argc is at 0(RSP), and RSP must be as
// it was in the end.
TEXT _goqmail_brief(SB),NOSPLIT|NOFRAME,$0
	// A program that lib/warm starts stays: it has QMAILWARM= in its environment.
	MOVD	0(RSP), R1
	ADD	$16, RSP, R2
	ADD	R1<<3, R2, R2	// the environment, behind argv and its end
	MOVD	$0x5241574c49414d51, R4	// QMAILWAR
find:
	MOVD	(R2), R3
	CBZ	R3, brief
	ADD	$8, R2, R2
	MOVD	(R3), R5
	CMP	R4, R5
	BNE	find
	MOVHU	8(R3), R5
	MOVD	$0x3d4d, R6	// M=
	CMP	R6, R5
	BNE	find
	B	_goqmail_entry(SB)
brief:
	MOVD	$const_briefSlack, R9
	B	start<>(SB)

TEXT _goqmail_one(SB),NOSPLIT|NOFRAME,$0
	MOVD	$const_oneSlack, R9
	B	start<>(SB)

TEXT _goqmail_entry(SB),NOSPLIT|NOFRAME,$0
	MOVD	$const_staySlack, R9
	B	start<>(SB)

TEXT start<>(SB),NOSPLIT|NOFRAME,$0
	// Whoever runs a setuid program gives it its environment, and the runtime
	// would obey GODEBUG and its like: make their names empty.
	MOVD	$SYS_getuid, R8
	SVC
	MOVD	R0, R12
	MOVD	$SYS_geteuid, R8
	SVC
	CMP	R12, R0
	BNE	setuid
	MOVD	$SYS_getgid, R8
	SVC
	MOVD	R0, R12
	MOVD	$SYS_getegid, R8
	SVC
	CMP	R12, R0
	BEQ	trusted
setuid:
	MOVD	0(RSP), R1
	ADD	$16, RSP, R2
	ADD	R1<<3, R2, R2	// the environment, behind argv and its end
variable:
	MOVD	(R2), R3
	CBZ	R3, trusted
	MOVBU	(R3), R4
	CMP	$'G', R4
	BNE	nextvariable
	MOVBU	1(R3), R4
	CMP	$'O', R4
	BNE	nextvariable
	MOVB	ZR, (R3)
nextvariable:
	ADD	$8, R2, R2
	B	variable

trusted:
	// There are no variables yet, so the limits are kept on the stack: address
	// space at 0(RSP), data at 16(RSP), and what to set at 32(RSP). R12 and R13
	// tell whether they were raised.
	SUB	$64, RSP
	MOVD	$0, R12
	MOVD	$SYS_getrlimit, R8
	MOVD	$RLIMIT_AS, R0
	MOVD	RSP, R1
	SVC
	CBNZ	R0, data
	LDP	0(RSP), (R2, R3)
	CMP	R2, R3
	BEQ	data
	STP	(R3, R3), 32(RSP)
	MOVD	$SYS_setrlimit, R8
	MOVD	$RLIMIT_AS, R0
	ADD	$32, RSP, R1
	SVC
	CBNZ	R0, data
	MOVD	$1, R12

data:
	MOVD	$0, R13
	MOVD	$SYS_getrlimit, R8
	MOVD	$RLIMIT_DATA, R0
	ADD	$16, RSP, R1
	SVC
	CBNZ	R0, bss
	LDP	16(RSP), (R2, R3)
	CMP	R2, R3
	BEQ	bss
	STP	(R3, R3), 32(RSP)
	MOVD	$SYS_setrlimit, R8
	MOVD	$RLIMIT_DATA, R0
	ADD	$32, RSP, R1
	SVC
	CBNZ	R0, bss
	MOVD	$1, R13

bss:
	// The part of .bss that scripts/lean.go has left out of the file: all behind
	// the page on which the file's contents end. Where it is there, this fails.
	MOVD	$65535, R2
	MOVD	$runtime·edata(SB), R0
	ADD	R2, R0
	BIC	R2, R0
	MOVD	$runtime·enoptrbss(SB), R1
	SUBS	R0, R1, R1
	BLE	variables
	MOVD	$SYS_mmap, R8
	MOVD	$PROT_READ_WRITE, R2
	MOVD	$MAP_PRIVATE_ANONYMOUS_FIXED_NOREPLACE, R3
	MOVD	$-1, R4
	MOVD	$0, R5
	SVC

variables:
	LDP	0(RSP), (R2, R3)
	MOVD	$·addressSpace(SB), R1
	STP	(R2, R3), (R1)
	MOVD	R12, ·addressSpaceChanged(SB)
	LDP	16(RSP), (R2, R3)
	MOVD	$·data(SB), R1
	STP	(R2, R3), (R1)
	MOVD	R13, ·dataChanged(SB)
	ADD	$64, RSP
	MOVD	$SYS_getrlimit, R8	// before the runtime raises it
	MOVD	$RLIMIT_NOFILE, R0
	MOVD	$·files(SB), R1
	SVC

	// Where a call fails, the thread keeps the slack or the processors it has.
	MOVD	$SYS_prctl, R8
	MOVD	$PR_GET_TIMERSLACK, R0
	SVC
	CMP	$0, R0
	BLE	affinity
	MOVD	R0, R12
	MOVD	$SYS_prctl, R8
	MOVD	$PR_SET_TIMERSLACK, R0
	MOVD	R9, R1
	SVC
	CBNZ	R0, affinity
	MOVD	R12, ·slack(SB)
affinity:
	MOVD	$const_staySlack, R3
	CMP	R3, R9
	BEQ	descriptors
	MOVD	$SYS_sched_getaffinity, R8
	MOVD	$0, R0	// this thread
	MOVD	$const_affinitySize, R1
	MOVD	$·affinity(SB), R2
	SVC
	CMP	$0, R0
	BLE	descriptors
	MOVD	R0, R12	// size of the system's masks
	MOVD	$SYS_getcpu, R8
	MOVD	$·processor(SB), R0
	MOVD	$0, R1
	MOVD	$0, R2
	SVC
	CBNZ	R0, descriptors
	MOVWU	·processor(SB), R3
	MOVD	$·one(SB), R2
	LSR	$6, R3, R4	// word of the mask
	MOVD	$1, R5
	LSL	R3, R5, R5	// bit in the word: the shift is modulo 64
	MOVD	R5, (R2)(R4<<3)
	MOVD	$SYS_sched_setaffinity, R8
	MOVD	$0, R0
	MOVD	R12, R1
	SVC
	CBNZ	R0, descriptors
	MOVD	R12, ·pinned(SB)

descriptors:
	MOVD	$0, R12	// bits of closed descriptors
	MOVD	$0, R13	// descriptor
	MOVD	$1, R14	// its bit
next:
	MOVD	$SYS_fcntl, R8
	MOVD	R13, R0
	MOVD	$F_GETFD, R1
	SVC
	CMP	$0, R0
	BGE	open
	ORR	R14, R12, R12
open:
	LSL	$1, R14, R14
	ADD	$1, R13, R13
	CMP	$10, R13
	BLT	next
	MOVD	R12, ·closed(SB)
	EOR	$0x3ff, R12, R13
	MOVD	R13, ·open(SB)
	MOVD	$const_staySlack, R3
	CMP	R3, R9
	BEQ	runtime
	TST	$7, R12	// the runtime must open something there
	BNE	runtime
	MOVD	·files+8(SB), R2
	MOVD	R2, ·noFiles+8(SB)
	MOVD	$SYS_setrlimit, R8
	MOVD	$RLIMIT_NOFILE, R0
	MOVD	$·noFiles(SB), R1
	SVC

runtime:
	B	_rt0_arm64_linux(SB)
