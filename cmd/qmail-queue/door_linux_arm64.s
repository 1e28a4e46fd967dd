#include "textflag.h"
#include "door.h"

#define SYS_openat             56
#define SYS_close              57
#define SYS_read               63
#define SYS_newfstatat         79
#define SYS_exit_group         94
#define SYS_rt_sigaction       134
#define SYS_rt_sigprocmask     135
#define SYS_getrlimit          163
#define SYS_umask              166
#define SYS_getpid             172
#define SYS_getuid             174
#define SYS_geteuid            175
#define SYS_getgid             176
#define SYS_socket             198
#define SYS_connect            203
#define SYS_getsockopt         209
#define SYS_sendmsg            211

#define AT_FDCWD               -100
#define TMPFILE_WRONLY_CLOEXEC 0x484001

// The kernel enters here; see door_linux.go. All that fails before the call is
// made leads to own, where RSP is as it was. R12 is the socket, R14 and R15 are the
// files, and R13 points to the end of the path.
TEXT _goqmail_queue(SB),NOSPLIT|NOFRAME,$0
	// A process that is to stay, or must not call one that does, has QMAILWARM=.
	MOVD	0(RSP), R1
	ADD	$16, RSP, R2
	ADD	R1<<3, R2, R2	// the environment, behind argv and its end
	SUB	$720, RSP
	MOVD	$0x5241574c49414d51, R4	// QMAILWAR
	MOVD	$0x3d4d, R6	// M=
find:
	MOVD	(R2), R3
	CBZ	R3, queue
	ADD	$8, R2, R2
	MOVD	(R3), R5
	CMP	R4, R5
	BNE	find
	MOVHU	8(R3), R5
	CMP	R6, R5
	BNE	find
	B	own

queue:
	MOVD	goqmail∕lib∕auto·Home+0(SB), R1
	MOVD	goqmail∕lib∕auto·Home+8(SB), R2
	CMP	$250, R2
	BHI	own
	ADD	$448, RSP, R0
copy:
	CBZ	R2, copied
	MOVBU.P	1(R1), R4
	MOVB.P	R4, 1(R0)
	SUB	$1, R2
	B	copy
copied:
	MOVD	$0x000065756575712f, R4	// /queue
	MOVD	R4, (R0)
	ADD	$6, R0, R13
	MOVD	$SYS_newfstatat, R8
	MOVD	$AT_FDCWD, R0
	ADD	$448, RSP, R1
	ADD	$288, RSP, R2
	MOVD	$0, R3
	SVC
	CBNZ	R0, own

	// A limit on file size holds for this process alone.
	MOVD	$SYS_getrlimit, R8
	MOVD	$RLIMIT_FSIZE, R0
	ADD	$256, RSP, R1
	SVC
	MOVD	256(RSP), R0
	CMN	$1, R0	// RLIM_INFINITY
	BNE	own

	MOVD	$-1, R14
	MOVD	$-1, R15
	MOVD	$SYS_socket, R8
	MOVD	$AF_UNIX, R0
	MOVD	$SEQPACKET_CLOEXEC, R1
	MOVD	$0, R2
	SVC
	TBNZ	$63, R0, own
	MOVD	R0, R12
	CMP	$3, R12
	BLT	close	// one of 0 to 2 is closed
	MOVD	$AF_UNIX, R4
	MOVH	R4, 0(RSP)
	MOVD	$0x6c69616d716f6700, R4	// \0goqmail
	MOVD	R4, 2(RSP)
	MOVD	288(RSP), R4	// device
	MOVD	R4, 10(RSP)
	MOVD	296(RSP), R4	// inode
	MOVD	R4, 18(RSP)
	MOVD	$SYS_connect, R8
	MOVD	R12, R0
	MOVD	RSP, R1
	MOVD	$26, R2
	SVC
	CBNZ	R0, close

	// Anyone could have taken that address.
	MOVD	$12, R4
	MOVW	R4, 248(RSP)
	MOVD	$SYS_getsockopt, R8
	MOVD	R12, R0
	MOVD	$SOL_SOCKET, R1
	MOVD	$SO_PEERCRED, R2
	ADD	$232, RSP, R3
	ADD	$248, RSP, R4
	SVC
	CBNZ	R0, close
	MOVD	$SYS_geteuid, R8
	SVC
	MOVWU	236(RSP), R4
	CMPW	R4, R0
	BNE	close

	// The two files have our group, which the other side could not give them.
	MOVD	$SYS_umask, R8
	MOVD	$0x1b, R0	// 033
	SVC
	MOVD	$0x6469702f, R4	// /pid
	MOVW	R4, (R13)
	MOVB	ZR, 4(R13)
	MOVD	$SYS_openat, R8
	MOVD	$AT_FDCWD, R0
	ADD	$448, RSP, R1
	MOVD	$TMPFILE_WRONLY_CLOEXEC, R2
	MOVD	$0x1a4, R3	// 0644
	SVC
	TBNZ	$63, R0, close
	MOVD	R0, R14
	MOVD	$SYS_openat, R8
	MOVD	$AT_FDCWD, R0
	ADD	$448, RSP, R1
	MOVD	$TMPFILE_WRONLY_CLOEXEC, R2
	MOVD	$0x1a4, R3
	SVC
	TBNZ	$63, R0, close
	MOVD	R0, R15

	// Whoever waits for an answer takes signals as whoever does the work.
	MOVD	$timeout<>(SB), R4
	MOVD	R4, 256(RSP)
	MOVD	ZR, 264(RSP)
	MOVD	ZR, 272(RSP)
	MOVD	$IGNORED, R4
	MOVD	R4, 280(RSP)
	MOVD	$SYS_rt_sigaction, R8
	MOVD	$SIGALRM, R0
	ADD	$256, RSP, R1
	MOVD	$0, R2
	MOVD	$8, R3
	SVC
	MOVD	$SYS_rt_sigprocmask, R8
	MOVD	$0, R0	// SIG_BLOCK
	ADD	$280, RSP, R1
	MOVD	$0, R2
	MOVD	$8, R3
	SVC

	MOVD	$36, R4
	MOVD	R4, 64(RSP)
	MOVD	$28, R4
	MOVD	R4, 104(RSP)
	MOVD	$SOL_SOCKET, R4
	MOVW	R4, 72(RSP)
	MOVW	R4, 112(RSP)
	MOVD	$SCM_RIGHTS, R4
	MOVW	R4, 76(RSP)
	MOVW	ZR, 80(RSP)
	MOVW	R4, 84(RSP)	// 1
	MOVD	$SCM_CREDENTIALS, R4
	MOVW	R4, 88(RSP)	// 2
	MOVW	R14, 92(RSP)
	MOVW	R15, 96(RSP)
	MOVW	R4, 116(RSP)
	MOVD	$SYS_getpid, R8
	SVC
	MOVW	R0, 120(RSP)
	MOVD	$SYS_getuid, R8
	SVC
	MOVW	R0, 124(RSP)
	MOVD	$SYS_getgid, R8
	SVC
	MOVW	R0, 128(RSP)
	MOVD	ZR, 144(RSP)	// no address
	MOVD	ZR, 152(RSP)
	ADD	$208, RSP, R4
	MOVD	R4, 160(RSP)
	MOVD	$1, R5
	MOVD	R5, 168(RSP)
	ADD	$64, RSP, R4
	MOVD	R4, 176(RSP)
	MOVD	$72, R4
	MOVD	R4, 184(RSP)
	MOVD	ZR, 192(RSP)
	ADD	$224, RSP, R4
	MOVD	R4, 208(RSP)
	MOVD	R5, 216(RSP)
	MOVD	$SYS_sendmsg, R8
	MOVD	R12, R0
	ADD	$144, RSP, R1
	MOVD	$MSG_NOSIGNAL, R2
	SVC
	CMP	$1, R0
	BNE	close

answer:
	MOVD	$SYS_read, R8
	MOVD	R12, R0
	ADD	$224, RSP, R1
	MOVD	$4, R2
	SVC
	CMP	$-EINTR, R0
	BEQ	answer
	CMP	$-ECONNRESET, R0	// the other side has crashed and not seen the call
	BEQ	close
	MOVD	$81, R4	// qmail.ExitBug: the other side has crashed
	CMP	$4, R0
	BNE	exit
	MOVWU	224(RSP), R4
	CMP	$255, R4
	BHI	close	// it does not want the call
exit:
	MOVD	R4, R0
	MOVD	$SYS_exit_group, R8
	SVC

close:
	MOVD	$SYS_close, R8
	MOVD	R15, R0
	SVC
	MOVD	$SYS_close, R8
	MOVD	R14, R0
	SVC
	MOVD	$SYS_close, R8
	MOVD	R12, R0
	SVC
own:
	ADD	$720, RSP
	B	_goqmail_brief(SB)

TEXT timeout<>(SB),NOSPLIT|NOFRAME,$0
	MOVD	$52, R0	// qmail.ExitTimeout
	MOVD	$SYS_exit_group, R8
	SVC
