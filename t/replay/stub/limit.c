/*
 * limit RESOURCE VALUE ... - PROGRAM ARGV0 [ARG ...]
 *
 * Becomes a program under lower resource limits, known by their numbers. A
 * process cannot be given them from outside without a capability that
 * containers lack, and the replayer itself must not have them.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	char **arg = argv + 1;
	for (; arg + 1 < argv + argc && strcmp(*arg, "-"); arg += 2) {
		struct rlimit limit;
		limit.rlim_cur = limit.rlim_max = strtoul(arg[1], NULL, 10);
		if (setrlimit(atoi(arg[0]), &limit) < 0)
			_exit(126);
	}
	if (arg + 2 < argv + argc)
		execv(arg[1], arg + 2);
	_exit(127);
}
