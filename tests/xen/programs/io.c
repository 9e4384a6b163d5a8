/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Measures file operations for tests/bench/files, and prints milliseconds.
 *
 * usage: io read|write FILE BYTES COUNT [random]   COUNT blocks of BYTES bytes, in order or at
 *                                                  random places of the existing file; a
 *                                                  write ends with a sync
 *        io time COMMAND…
 */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* Returns a pseudo-random number. Every run gets the same numbers. */
static uint32_t any(void)
{
	static uint32_t state = 2463534242;

	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

static void blocks(char **argv, int writes, int random)
{
	size_t bytes = strtoul(argv[3], NULL, 10), count = strtoul(argv[4], NULL, 10), all = count;
	int fd = open(argv[2], (writes ? O_RDWR : O_RDONLY) | (writes && !random ? O_CREAT : 0),
		      0644);
	char *block = malloc(bytes);
	struct stat st;

	if (fd < 0 || !block || fstat(fd, &st) < 0)
		err(1, "%s", argv[2]);
	if (random)
		all = (size_t)st.st_size / bytes;
	/* No zeros: file systems and disks may leave those out. */
	memset(block, 'x', bytes);
	for (size_t i = 0; i < count; i++) {
		off_t at = (off_t)((random ? any() % all : i) * bytes);
		ssize_t n = writes ? pwrite(fd, block, bytes, at) : pread(fd, block, bytes, at);
		if (n != (ssize_t)bytes)
			err(1, "%s: %zd bytes at %lld", argv[2], n, (long long)at);
	}
	if (writes && fsync(fd) < 0)
		err(1, "%s", argv[2]);
	close(fd);
	free(block);
}

static void command(char **argv)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execvp(argv[0], argv);
		err(127, "%s", argv[0]);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
		errx(1, "%s failed", argv[0]);
}

int main(int argc, char **argv)
{
	double begun = now();

	if (argc >= 3 && !strcmp(argv[1], "time"))
		command(argv + 2);
	else if (argc >= 5)
		blocks(argv, !strcmp(argv[1], "write"), argc > 5);
	else
		errx(2, "usage: io read|write FILE BYTES COUNT [random] | io time COMMAND…");
	printf("%.1f\n", now() - begun);
	return 0;
}
