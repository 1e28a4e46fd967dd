#include "textflag.h"
#include "door.h"

#define SYS_read               0
#define SYS_open               2
#define SYS_close              3
#define SYS_stat               4
#define SYS_rt_sigaction       13
#define SYS_rt_sigprocmask     14
#define SYS_getpid             39
#define SYS_socket             41
#define SYS_connect            42
#define SYS_sendmsg            46
#define SYS_getsockopt         55
#define SYS_umask              95
#define SYS_getrlimit          97
#define SYS_getuid             102
#define SYS_getgid             104
#define SYS_geteuid            107
#define SYS_exit_group         231

#define TMPFILE_WRONLY_CLOEXEC 0x490001
#define SA_RESTORER            0x4000000

// The kernel enters here; see door_linux.go. All that fails before the call is
// made leads to own, where SP is as it was. R12 is the socket, R14 and R15 are the
// files, and R13 points to the end of the path.
TEXT _goqmail_queue(SB),NOSPLIT|NOFRAME,$0
	// A process that is to stay, or must not call one that does, has QMAILWARM=.
	MOVQ	0(SP), CX
	LEAQ	16(SP)(CX*8), DI	// the environment, behind argv and its end
	SUBQ	$720, SP
	MOVQ	$0x5241574c49414d51, AX	// QMAILWAR
find:
	MOVQ	(DI), SI
	TESTQ	SI, SI
	JZ	queue
	ADDQ	$8, DI
	CMPQ	AX, (SI)
	JNE	find
	CMPW	8(SI), $0x3d4d	// M=
	JNE	find
	JMP	own

queue:
	MOVQ	goqmail∕lib∕auto·Home+0(SB), SI
	MOVQ	goqmail∕lib∕auto·Home+8(SB), CX
	CMPQ	CX, $250
	JHI	own
	LEAQ	448(SP), DI
	CLD
	REP; MOVSB
	MOVQ	$0x000065756575712f, AX	// /queue
	MOVQ	AX, (DI)
	LEAQ	6(DI), R13
	MOVQ	$SYS_stat, AX
	LEAQ	448(SP), DI
	LEAQ	288(SP), SI
	SYSCALL
	TESTQ	AX, AX
	JNZ	own

	// A limit on file size holds for this process alone.
	MOVQ	$SYS_getrlimit, AX
	MOVQ	$RLIMIT_FSIZE, DI
	LEAQ	256(SP), SI
	SYSCALL
	CMPQ	256(SP), $-1	// RLIM_INFINITY
	JNE	own

	MOVQ	$-1, R14
	MOVQ	$-1, R15
	MOVQ	$SYS_socket, AX
	MOVQ	$AF_UNIX, DI
	MOVQ	$SEQPACKET_CLOEXEC, SI
	XORQ	DX, DX
	SYSCALL
	TESTQ	AX, AX
	JLT	own
	MOVQ	AX, R12
	CMPQ	AX, $3
	JLT	close	// one of 0 to 2 is closed
	MOVW	$AF_UNIX, 0(SP)
	MOVQ	$0x6c69616d716f6700, AX	// \0goqmail
	MOVQ	AX, 2(SP)
	MOVQ	288(SP), AX	// device
	MOVQ	AX, 10(SP)
	MOVQ	296(SP), AX	// inode
	MOVQ	AX, 18(SP)
	MOVQ	$SYS_connect, AX
	MOVQ	R12, DI
	LEAQ	0(SP), SI
	MOVQ	$26, DX
	SYSCALL
	TESTQ	AX, AX
	JNZ	close

	// Anyone could have taken that address.
	MOVL	$12, 248(SP)
	MOVQ	$SYS_getsockopt, AX
	MOVQ	R12, DI
	MOVQ	$SOL_SOCKET, SI
	MOVQ	$SO_PEERCRED, DX
	LEAQ	232(SP), R10
	LEAQ	248(SP), R8
	SYSCALL
	TESTQ	AX, AX
	JNZ	close
	MOVQ	$SYS_geteuid, AX
	SYSCALL
	CMPL	AX, 236(SP)
	JNE	close

	// The two files have our group, which the other side could not give them.
	MOVQ	$SYS_umask, AX
	MOVQ	$0x1b, DI	// 033
	SYSCALL
	MOVL	$0x6469702f, (R13)	// /pid
	MOVB	$0, 4(R13)
	MOVQ	$SYS_open, AX
	LEAQ	448(SP), DI
	MOVQ	$TMPFILE_WRONLY_CLOEXEC, SI
	MOVQ	$0x1a4, DX	// 0644
	SYSCALL
	TESTQ	AX, AX
	JLT	close
	MOVQ	AX, R14
	MOVQ	$SYS_open, AX
	LEAQ	448(SP), DI
	MOVQ	$TMPFILE_WRONLY_CLOEXEC, SI
	MOVQ	$0x1a4, DX
	SYSCALL
	TESTQ	AX, AX
	JLT	close
	MOVQ	AX, R15

	// Whoever waits for an answer takes signals as whoever does the work.
	LEAQ	timeout<>(SB), AX
	MOVQ	AX, 256(SP)
	MOVQ	$SA_RESTORER, 264(SP)
	MOVQ	AX, 272(SP)
	MOVQ	$IGNORED, 280(SP)
	MOVQ	$SYS_rt_sigaction, AX
	MOVQ	$SIGALRM, DI
	LEAQ	256(SP), SI
	XORQ	DX, DX
	MOVQ	$8, R10
	SYSCALL
	MOVQ	$SYS_rt_sigprocmask, AX
	XORQ	DI, DI	// SIG_BLOCK
	LEAQ	280(SP), SI
	XORQ	DX, DX
	MOVQ	$8, R10
	SYSCALL

	MOVQ	$36, 64(SP)
	MOVL	$SOL_SOCKET, 72(SP)
	MOVL	$SCM_RIGHTS, 76(SP)
	MOVL	$0, 80(SP)
	MOVL	$1, 84(SP)
	MOVL	$2, 88(SP)
	MOVL	R14, 92(SP)
	MOVL	R15, 96(SP)
	MOVQ	$28, 104(SP)
	MOVL	$SOL_SOCKET, 112(SP)
	MOVL	$SCM_CREDENTIALS, 116(SP)
	MOVQ	$SYS_getpid, AX
	SYSCALL
	MOVL	AX, 120(SP)
	MOVQ	$SYS_getuid, AX
	SYSCALL
	MOVL	AX, 124(SP)
	MOVQ	$SYS_getgid, AX
	SYSCALL
	MOVL	AX, 128(SP)
	XORQ	AX, AX
	MOVQ	AX, 144(SP)	// no address
	MOVQ	AX, 152(SP)
	LEAQ	208(SP), CX
	MOVQ	CX, 160(SP)
	MOVQ	$1, 168(SP)
	LEAQ	64(SP), CX
	MOVQ	CX, 176(SP)
	MOVQ	$72, 184(SP)
	MOVQ	AX, 192(SP)
	LEAQ	224(SP), CX
	MOVQ	CX, 208(SP)
	MOVQ	$1, 216(SP)
	MOVQ	$SYS_sendmsg, AX
	MOVQ	R12, DI
	LEAQ	144(SP), SI
	MOVQ	$MSG_NOSIGNAL, DX
	SYSCALL
	CMPQ	AX, $1
	JNE	close

answer:
	MOVQ	$SYS_read, AX
	MOVQ	R12, DI
	LEAQ	224(SP), SI
	MOVQ	$4, DX
	SYSCALL
	CMPQ	AX, $-EINTR
	JEQ	answer
	CMPQ	AX, $-ECONNRESET	// the other side has crashed and not seen the call
	JEQ	close
	MOVL	$81, DI	// qmail.ExitBug: the other side has crashed
	CMPQ	AX, $4
	JNE	exit
	MOVL	224(SP), DI
	CMPL	DI, $255
	JHI	close	// it does not want the call
exit:
	MOVQ	$SYS_exit_group, AX
	SYSCALL

close:
	MOVQ	$SYS_close, AX
	MOVQ	R15, DI
	SYSCALL
	MOVQ	$SYS_close, AX
	MOVQ	R14, DI
	SYSCALL
	MOVQ	$SYS_close, AX
	MOVQ	R12, DI
	SYSCALL
own:
	ADDQ	$720, SP
	JMP	_goqmail_brief(SB)

TEXT timeout<>(SB),NOSPLIT|NOFRAME,$0
	MOVL	$52, DI	// qmail.ExitTimeout
	MOVQ	$SYS_exit_group, AX
	SYSCALL
