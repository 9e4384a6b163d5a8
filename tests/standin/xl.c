/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stand-in of xl, for what runX asks of it: create, list, unpause, pause, destroy. What changes a
 * setting of a domain does nothing, and ends well. Each call is a line in $STANDIN/calls.
 *
 * A file $STANDIN/fault.VERB holds a line for each of the next calls of that verb, and a call takes
 * the first: `ok`, `fail` (with an error), `die` (without a word), `hang`, or `slow N`, in ms.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER 65536

static char answer[ANSWER + 32];

/* Sends `verb` and `words`; the answer behind its first line. Ends with 1 where it is an error. */
static const char *ask(const char *verb, const char *words)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char request[4096];
	int s = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/xl", getenv("STANDIN"));
	if (s < 0 || connect(s, (struct sockaddr *)&address, sizeof(address)) < 0)
		errx(1, "libxl: error: libxl.c:1: no stand-in of Xen at %s", address.sun_path);
	int n = snprintf(request, sizeof(request), "%s\n%s", verb, words);
	if (send(s, request, (size_t)n, MSG_NOSIGNAL) < 0)
		err(1, "libxl: error: libxl.c:2: send");
	ssize_t got = recv(s, answer, sizeof(answer) - 1, 0);
	close(s);
	answer[got > 0 ? got : 0] = '\0';
	char *rest = strchrnul(answer, '\n');
	if (*rest)
		*rest++ = '\0';
	if (strcmp(answer, "ok") != 0)
		errx(1, "libxl: error: libxl.c:3: %s", answer);
	return rest;
}

/* ---- verbs ---- */

/* The value of the last line `name = "value"`; runX escapes nothing in those that are asked for. */
static void setting(FILE *config, const char *name, char *value, size_t size)
{
	char line[8192], key[64], text[4096];

	rewind(config);
	while (fgets(line, sizeof(line), config))
		if (sscanf(line, "%63s = \"%4095[^\"]\"", key, text) == 2 && !strcmp(key, name))
			snprintf(value, size, "%s", text);
}

static void create(int argc, char **argv)
{
	char uuid[64] = "", name[256] = "", initrd[2048] = "", words[3000];
	FILE *config = fopen(argv[argc - 1], "re");

	if (!config)
		err(1, "libxl: error: libxl.c:4: %s", argv[argc - 1]);
	setting(config, "uuid", uuid, sizeof(uuid));
	setting(config, "name", name, sizeof(name));
	setting(config, "ramdisk", initrd, sizeof(initrd));
	fclose(config);
	snprintf(words, sizeof(words), "%s\n%s\n%s\n", uuid, name, initrd);
	(void)ask("create", words);
}

static void list(int argc, char **argv)
{
	bool uuids = argc > 2 && !strcmp(argv[2], "-v");
	const char *lines = ask("list", uuids ? "uuids" : "");

	printf("%-30s   ID   Mem VCPUs      State   Time(s)%s\n%s", "Name",
	       uuids ? "   UUID    Reason-Code  Security Label" : "", lines);
}

static void to_domain(int argc, char **argv)
{
	(void)ask(argv[1], argv[argc - 1]);
}

static void print_answer(int argc, char **argv)
{
	(void)argc;
	fputs(ask(argv[1], ""), stdout);
}

static const struct {
	const char *name;
	void (*run)(int argc, char **argv);
} verbs[] = {{"create", create},       {"list", list},	       {"unpause", to_domain},
	     {"pause", to_domain},     {"destroy", to_domain}, {"count", print_answer},
	     {"release", print_answer}};

/* ---- faults ---- */

static void note_call(int argc, char **argv)
{
	char path[256], line[4096] = "xl";

	snprintf(path, sizeof(path), "%s/calls", getenv("STANDIN"));
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	for (int i = 1; i < argc; i++)
		snprintf(line + strlen(line), sizeof(line) - strlen(line), " %s", argv[i]);
	if (fd >= 0) {
		dprintf(fd, "%s\n", line);
		close(fd);
	}
}

/* Takes the first line off the file. */
static void take_fault(const char *verb, char *fault, size_t size)
{
	char path[256], text[4096];

	snprintf(path, sizeof(path), "%s/fault.%s", getenv("STANDIN"), verb);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	size_t first = strcspn(text, "\n");
	snprintf(fault, size, "%.*s", (int)first, text);
	const char *rest = text + first + (text[first] == '\n');
	if (pwrite(fd, rest, strlen(rest), 0) < 0 || ftruncate(fd, (off_t)strlen(rest)) < 0)
		err(1, "%s", path);
	close(fd);
}

static void suffer(const char *fault)
{
	if (!strcmp(fault, "fail"))
		errx(1, "libxl: error: libxl_utils.c:5: Resource temporarily unavailable");
	if (!strcmp(fault, "die"))
		_exit(1);
	while (!strcmp(fault, "hang"))
		pause();
	if (!strncmp(fault, "slow ", 5))
		(void)poll(NULL, 0, atoi(fault + 5));
}

int main(int argc, char **argv)
{
	char fault[64] = "";

	if (argc < 2 || !getenv("STANDIN"))
		errx(2, "usage: STANDIN=DIRECTORY xl VERB…");
	note_call(argc, argv);
	take_fault(argv[1], fault, sizeof(fault));
	suffer(fault);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(verbs[i].name, argv[1]))
			verbs[i].run(argc, argv);
	return 0;
}
