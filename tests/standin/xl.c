/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stand-in of xl, for what runX asks of it: create, list, unpause, pause, network-attach,
 * destroy. What changes a setting of a domain does nothing, and ends well. Each call is a line in
 * $STANDIN/calls.
 *
 * A file $STANDIN/fault.VERB holds a line for each of the next calls of that verb, and a call takes
 * the first: `ok`, `fail` (with an error), `die` (without a word), `late` (the same after the verb
 * is done), `hang`, or `slow N`, in ms.
 */
#include "ask.h"
#include "hotplug.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* ---- verbs ---- */

/* The answer of xen. Ends with 1 where it is an error. */
static const char *must(const char *verb, const char *words)
{
	const char *problem, *answer = ask(&problem, verb, "%s", words);

	if (!answer)
		errx(1, "libxl: error: libxl.c:3: %s", problem);
	return answer;
}

/* The value of the last line `name = "value"`; runX escapes nothing in those that are asked for. */
static void setting(FILE *config, const char *name, char *value, size_t size)
{
	char line[8192], key[64], text[4096];

	rewind(config);
	while (fgets(line, sizeof(line), config))
		if (sscanf(line, "%63s = \"%4095[^\"]\"", key, text) == 2 && !strcmp(key, name))
			snprintf(value, size, "%s", text);
}

/* Copies the strings of the last line `name = [ "string", … ]`, each ended by a NUL, and one more.
 */
static void strings(FILE *config, const char *name, char *list, size_t size)
{
	char line[8192];
	const size_t length = strlen(name);

	memset(list, 0, size);
	rewind(config);
	while (fgets(line, sizeof(line), config)) {
		bool within = false;
		size_t used = 0;
		if (strncmp(line, name, length) != 0 || strncmp(line + length, " = [", 4) != 0)
			continue;
		for (const char *c = line + length; *c && used + 2 < size; c++)
			if (*c == '"') {
				if (within)
					list[used++] = '\0';
				within = !within;
			} else if (within) {
				list[used++] = *c == '\\' ? *++c : *c;
			}
		list[used] = '\0';
	}
}

/* As in libxl, the disks come first, and QEMU is there before there are network interfaces. */
static bool add_devices(FILE *config, const char *domid)
{
	static const struct {
		const char *setting, *kind;
	} devices[] = {{"disk", "vbd"}, {"p9", "9pfs"}, {"vif", "vif"}};
	char list[8192];

	for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		strings(config, devices[i].setting, list, sizeof(list));
		for (const char *words = list; *words; words += strlen(words) + 1)
			if (!hotplug_add(domid, devices[i].kind, words))
				return false;
		if (*list && !strcmp(devices[i].kind, "9pfs") && !hotplug_start_qemu(domid))
			return false;
	}
	return true;
}

static void create(int argc, char **argv)
{
	char uuid[64] = "", name[256] = "", initrd[2048] = "", words[3000], domid[16];
	FILE *config = fopen(argv[argc - 1], "re");

	if (!config)
		err(1, "libxl: error: libxl.c:4: %s", argv[argc - 1]);
	setting(config, "uuid", uuid, sizeof(uuid));
	setting(config, "name", name, sizeof(name));
	setting(config, "ramdisk", initrd, sizeof(initrd));
	snprintf(words, sizeof(words), "%s\n%s\n%s\n", uuid, name, initrd);
	snprintf(domid, sizeof(domid), "%d", atoi(must("create", words)));
	bool added = add_devices(config, domid);
	fclose(config);
	if (added)
		return;
	hotplug_remove_all(domid);
	(void)must("destroy", domid);
	exit(1);
}

/* Its words are those of a vif in xl.cfg. */
static void network_attach(int argc, char **argv)
{
	char words[2048] = "";
	size_t used = 0;

	for (int i = 3; i < argc && used < sizeof(words); i++)
		used += (size_t)snprintf(words + used, sizeof(words) - used, "%s%s",
					 used ? "," : "", argv[i]);
	if (argc < 4 || !hotplug_add(argv[2], "vif", words))
		exit(1);
}

static void list(int argc, char **argv)
{
	bool uuids = argc > 2 && !strcmp(argv[2], "-v");
	const char *lines = must("list", uuids ? "uuids" : "");

	printf("%-30s   ID   Mem VCPUs      State   Time(s)%s\n%s", "Name",
	       uuids ? "   UUID    Reason-Code  Security Label" : "", lines);
}

static void destroy(int argc, char **argv)
{
	hotplug_remove_all(argv[argc - 1]);
	(void)must("destroy", argv[argc - 1]);
}

static void to_domain(int argc, char **argv)
{
	(void)must(argv[1], argv[argc - 1]);
}

static void print_answer(int argc, char **argv)
{
	(void)argc;
	fputs(must(argv[1], ""), stdout);
}

static const struct {
	const char *name;
	void (*run)(int argc, char **argv);
} verbs[] = {{"create", create},
	     {"list", list},
	     {"unpause", to_domain},
	     {"pause", to_domain},
	     {"network-attach", network_attach},
	     {"destroy", destroy},
	     {"count", print_answer},
	     {"nodes", print_answer},
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
	return !strcmp(fault, "late");
}
