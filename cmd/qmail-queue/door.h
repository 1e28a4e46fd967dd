// What both door_linux_*.s need.

#define AF_UNIX            1
#define SEQPACKET_CLOEXEC  0x80005
#define SOL_SOCKET         1
#define SO_PEERCRED        17
#define SCM_RIGHTS         1
#define SCM_CREDENTIALS    2
#define MSG_NOSIGNAL       0x4000
#define SIGALRM            14
#define RLIMIT_FSIZE       1
#define EINTR              4
#define ECONNRESET         104

// HUP, INT, QUIT, PIPE, XCPU, XFSZ, VTALRM and PROF
#define IGNORED            0x7801007

// On the stack of both lie
//	0	the address
//	64	two control messages
//	144	struct msghdr
//	208	struct iovec
//	224	the answer
//	232	struct ucred of the other side, and at 248 its size
//	256	struct sigaction, its mask at 280; before that, struct rlimit
//	288	struct stat
//	448	a path
