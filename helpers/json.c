/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Becomes jq, with a program that is put together from modules (lib/json.sh).
 *
 * usage: json PARENT DIRECTORY "MODULE…" [-w FILE] ARG…
 *
 * jq gets the ARGs, stdin, stdout and stderr, and no other descriptor. If the process PARENT dies,
 * jq is killed. The program is the MODULEs, files of DIRECTORY, one after the other, with
 * document.jq before the last one.
 *
 * With -w the FILE is the input, and modules that it does not need are left out, because each line
 * of a program costs jq time. A module says so itself, in lines of its comment:
 *
 *   # wanted for: TEXT…     only if FILE has one of these texts. TEXT!ELSE: has TEXT, and not ELSE
 *                           right behind it
 *   # wanted with: MODULE   only if this module before it is wanted
 *
 * JSON may also write any character with an escape. If FILE has a \u, all modules are wanted.
 *
 * The exit status is jq's, or 125, which jq does not use.
 */
#include "helpers/shared/common.h"
#include "helpers/shared/host.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#define DOCUMENT_MAX (4 << 20)	 /* bytes of an input, as JSON_MAX in lib/json.sh */
#define PROGRAM_MAX  (127 << 10) /* Linux takes arguments of up to 128 KiB */
#define MODULES_MAX  32

#define BLANKS " \t\n"

#define FOR  "# wanted for: "
#define WITH "# wanted with: "

static struct {
	char program[PROGRAM_MAX + 1];
	size_t used;
	char *document;
	bool selects; /* modules that the document does not need are left out */
	const char *added[MODULES_MAX];
	unsigned int count;
} json;

/* ---- the input ---- */

/* Reads all of it, because it is also the input. A NUL would hide what follows it. */
static void read_document(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t n = 1;

	json.document = calloc(1, DOCUMENT_MAX + 2);
	if (!json.document)
		failx("no memory for it");
	while (fd >= 0 && n > 0 && used <= DOCUMENT_MAX) {
		n = read(fd, json.document + used, DOCUMENT_MAX + 1 - used);
		used += n > 0 ? (size_t)n : 0;
	}
	if (fd < 0 || n < 0)
		fail("cannot read it");
	if (used > DOCUMENT_MAX)
		failx("it has more than %d bytes, and runX takes no more", DOCUMENT_MAX);
	if (lseek(fd, 0, SEEK_SET) < 0 || dup2(fd, STDIN_FILENO) < 0)
		fail("cannot read it again");
	for (char *at = json.document;
	     (at = memchr(at, '\0', used - (size_t)(at - json.document)));)
		*at = ' ';
	json.selects = !strstr(json.document, "\\u");
}

/* ---- which modules ---- */

/* Whether the document has this text, which may be TEXT!ELSE. */
static bool has(char *text)
{
	char *other = strchr(text, '!');

	if (other)
		*other++ = '\0';
	for (const char *at = json.document; (at = strstr(at, text)); at++)
		if (!other || strncmp(at + strlen(text), other, strlen(other)) != 0)
			return true;
	return false;
}

static bool is_added(char *module)
{
	for (unsigned int i = 0; i < json.count; i++)
		if (!strcmp(json.added[i], module))
			return true;
	return false;
}

/* Whether one of the words of a line is what `test` looks for. */
static bool any(const char *line, size_t length, bool (*test)(char *))
{
	char words[1024], *next = NULL;

	snprintf(words, sizeof(words), "%.*s", (int)length, line);
	for (char *word = strtok_r(words, BLANKS, &next); word;
	     word = strtok_r(NULL, BLANKS, &next))
		if (test(word))
			return true;
	return false;
}

static bool is_wanted(const char *text)
{
	bool wanted = true;

	for (const char *line = text; *line == '#'; line++) {
		size_t length = strcspn(line, "\n");
		bool is_for = !strncmp(line, FOR, strlen(FOR));
		if (is_for || !strncmp(line, WITH, strlen(WITH))) {
			size_t key = is_for ? strlen(FOR) : strlen(WITH);
			if (any(line + key, length - key, is_for ? has : is_added))
				return true;
			wanted = false;
		}
		line += length - !line[length];
	}
	return wanted;
}

/* ---- the program ---- */

static void add(int directory, const char *module)
{
	char *text = json.program + json.used;
	int fd = openat(directory, module, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, PROGRAM_MAX - json.used) : -1;

	if (n < 0)
		failx("cannot read runX's jq module %s: %m: install runX again", module);
	if ((size_t)n == PROGRAM_MAX - json.used || json.count == MODULES_MAX)
		failx("runX's jq modules are too large: install runX again");
	close(fd);
	text[n] = '\0';
	if (json.selects && !is_wanted(text))
		return;
	json.added[json.count++] = module;
	json.used += (size_t)n;
}

static void add_all(int directory, char *modules)
{
	char *next = NULL, *module = strtok_r(modules, BLANKS, &next);

	while (module) {
		char *following = strtok_r(NULL, BLANKS, &next);
		if (!following)
			add(directory, "document.jq");
		add(directory, module);
		module = following;
	}
	json.program[json.used] = '\0';
}

int main(int argc, char **argv)
{
	if (argc < 4)
		failx("usage: json PARENT DIRECTORY \"MODULE…\" [-w FILE] ARG…");
	host_end_with((pid_t)strtol(argv[1], NULL, 10), SIGKILL);
	int directory = open(argv[2], O_PATH | O_DIRECTORY | O_CLOEXEC);
	char *modules = argv[3], **command = argv;

	if (argc > 5 && !strcmp(argv[4], "-w")) {
		read_document(argv[5]);
		command = argv + 2;
	}
	add_all(directory, modules);
	/* The four words before the ARGs make room for jq's own. */
	command[0] = (char *)"jq";
	command[1] = (char *)"-r";
	command[2] = (char *)"-s";
	command[3] = json.program;
	host_close_from(STDERR_FILENO + 1);
	execvp("jq", command);
	fail("cannot execute jq");
}
