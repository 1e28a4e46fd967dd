/*
 * A stand-in for any program. It writes down how it was called and then does
 * what the file DIR/stub/NAME says, NAME being the last part of argument 0:
 *
 *	read FD         read descriptor FD to its end and write it down
 *	env NAME        write down a variable of the environment, if it is set
 *	note umask      write down the umask,
 *	note open       ... the open descriptors below 20,
 *	note signals    ... the signals that are ignored or blocked
 *	write FD HEX    write bytes
 *	sleep SECONDS
 *	signal N        die of signal N
 *	exit N          the exit code; the nth such line counts for the nth run
 *	                of any stand-in, the last line for all later ones
 *
 * What is written down goes to DIR/rec/N, N counting from 0, as a sequence of
 * KEY LENGTH:BYTES and a newline.
 *
 * This is C because a Go runtime would hide what is to be seen: it opens
 * closed descriptors and takes over the signals before main.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIR "/mnt/h"
#define LOW 20 /* our own descriptors stay at or above this */

static int record;

static void put(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t w = write(fd, bytes, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return;
		bytes += w;
		n -= w;
	}
}

static void field(const char *key, const char *bytes, size_t n)
{
	char head[64];
	put(record, head, snprintf(head, sizeof head, "%s %zu:", key, n));
	put(record, bytes, n);
	put(record, "\n", 1);
}

/* text collects what is printed to it. */
struct text {
	char bytes[4000];
	size_t n;
};

static void add(struct text *t, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	t->n += vsnprintf(t->bytes + t->n, sizeof t->bytes - t->n, format, args);
	va_end(args);
}

static void end(struct text *t, const char *key) { field(key, t->bytes, t->n); }

/* start_record opens the first free DIR/rec/N and returns N. */
static int start_record(void)
{
	char path[64];
	for (int n = 0; n < 10000; n++) {
		snprintf(path, sizeof path, DIR "/rec/%d", n);
		int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);
		if (fd < 0 && errno == EEXIST)
			continue;
		record = fcntl(fd, F_DUPFD, LOW);
		close(fd);
		if (record < 0)
			break;
		return n;
	}
	_exit(99);
}

static void note_call(int argc, char **argv, const char *name)
{
	char cwd[4096];
	gid_t groups[64];
	struct text ids = {.n = 0};
	field("name", name, strlen(name));
	for (int i = 0; i < argc; i++)
		field("arg", argv[i], strlen(argv[i]));
	if (getcwd(cwd, sizeof cwd))
		field("cwd", cwd, strlen(cwd));
	add(&ids, "%d %d %d %d", (int)getuid(), (int)geteuid(), (int)getgid(), (int)getegid());
	int n = getgroups(64, groups);
	for (int i = 0; i < n; i++)
		add(&ids, " %d", (int)groups[i]);
	end(&ids, "ids");
}

static void read_all(int fd)
{
	size_t n = 0, size = 65536;
	char *bytes = malloc(size), key[16];
	ssize_t r;
	while ((r = read(fd, bytes + n, size - n)) > 0 || (r < 0 && errno == EINTR)) {
		if (r > 0)
			n += r;
		if (n == size)
			bytes = realloc(bytes, size *= 2);
	}
	snprintf(key, sizeof key, "fd%d", fd);
	if (r < 0)
		field("readerror", key, strlen(key));
	field(key, bytes, n);
}

static const char *kind(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFIFO: return "pipe";
	case S_IFREG: return "file";
	case S_IFSOCK: return "sock";
	case S_IFCHR: return "char";
	case S_IFDIR: return "dir";
	}
	return "other";
}

/* note_open writes number, access and type of each descriptor, and =M when it
 * is the same file, pipe or socket as descriptor M. */
static void note_open(void)
{
	struct text t = {.n = 0};
	struct stat seen[LOW] = {0};
	for (int fd = 0; fd < LOW; fd++) {
		int flags = fcntl(fd, F_GETFL), same = 0;
		if (flags < 0 || fstat(fd, &seen[fd]) < 0)
			continue;
		int access = flags & O_ACCMODE;
		add(&t, "%s%d%s:%s%s", t.n ? " " : "", fd, access == O_RDONLY ? "r" : access == O_WRONLY ? "w" : "rw",
			kind(seen[fd].st_mode), flags & O_NONBLOCK ? ",nonblock" : "");
		while (same < fd && (seen[same].st_ino != seen[fd].st_ino || seen[same].st_dev != seen[fd].st_dev))
			same++;
		if (same < fd)
			add(&t, "=%d", same);
	}
	end(&t, "open");
}

/* note_signals writes iN for an ignored and bN for a blocked signal. */
static void note_signals(void)
{
	struct text t = {.n = 0};
	sigset_t blocked;
	sigprocmask(SIG_BLOCK, NULL, &blocked);
	for (int i = 1; i < 32; i++) {
		struct sigaction action;
		if (sigaction(i, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
			add(&t, "%si%d", t.n ? " " : "", i);
		if (sigismember(&blocked, i) == 1)
			add(&t, "%sb%d", t.n ? " " : "", i);
	}
	end(&t, "signals");
}

static void note(const char *what, mode_t mask)
{
	struct text t = {.n = 0};
	if (!strcmp(what, "open"))
		note_open();
	else if (!strcmp(what, "signals"))
		note_signals();
	else if (!strcmp(what, "umask")) {
		add(&t, "%03o", (unsigned)mask);
		end(&t, "umask");
	}
}

static void note_env(const char *name)
{
	const char *value = getenv(name);
	if (!value)
		return;
	size_t n = strlen(name), m = strlen(value);
	char *all = malloc(n + m + 2);
	sprintf(all, "%s=%s", name, value);
	field("env", all, n + m + 1);
}

static void write_hex(char *args)
{
	int fd = strtol(args, &args, 10);
	char *in = args + (*args == ' '), *out = in, *start = in;
	for (; in[0] && in[1]; in += 2) {
		char digits[3] = {in[0], in[1], 0};
		*out++ = strtol(digits, NULL, 16);
	}
	put(fd, start, out - start);
}

int main(int argc, char **argv)
{
	mode_t mask = umask(0);
	const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];
	int run = start_record(), code = 0, codes = 0, death = 0;
	char path[400], *line = NULL;
	size_t size = 0;
	ssize_t n;

	note_call(argc, argv, name);
	snprintf(path, sizeof path, DIR "/stub/%s", name);
	int low = open(path, O_RDONLY), fd = fcntl(low, F_DUPFD_CLOEXEC, LOW);
	if (low >= 0)
		close(low);
	FILE *orders = fd < 0 ? NULL : fdopen(fd, "r");
	while (orders && (n = getline(&line, &size, orders)) > 0) {
		line[n - 1] = 0;
		char *arg = strchr(line, ' ');
		if (!arg)
			continue;
		*arg++ = 0;
		if (!strcmp(line, "read"))
			read_all(atoi(arg));
		else if (!strcmp(line, "env"))
			note_env(arg);
		else if (!strcmp(line, "note"))
			note(arg, mask);
		else if (!strcmp(line, "write"))
			write_hex(arg);
		else if (!strcmp(line, "sleep"))
			usleep(atof(arg) * 1e6);
		else if (!strcmp(line, "signal"))
			death = atoi(arg);
		else if (!strcmp(line, "exit") && codes++ <= run)
			code = atoi(arg);
	}
	if (death) {
		signal(death, SIG_DFL);
		kill(getpid(), death);
		pause();
	}
	_exit(code);
}
