/* SPDX-License-Identifier: Apache-2.0 */
#include "environment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool same_name(const char *a, const char *b)
{
	size_t length = strcspn(a, "=");

	return !strncmp(a, b, length + 1);
}

/* Searches backwards, so a later entry is found first. */
static bool comes_again(const struct list *list, size_t number)
{
	for (size_t i = list->count; --i > number;)
		if (same_name(list->items[number], list->items[i]))
			return true;
	return false;
}

/* The array has room for one more entry. `count` is the number of entries. A wrong entry is kept,
 * and the first one is returned. */
static const char *collect(const struct list *list, char ***environment, size_t *count)
{
	char **env = calloc(list->count + 2, sizeof(*env));
	const char *wrong = NULL;

	*environment = env;
	*count = 0;
	if (!env)
		return "";
	for (size_t i = 0; i < list->count; i++) {
		char *entry = list->items[i];
		if (!wrong && (entry[0] == '=' || !strchr(entry, '=')))
			wrong = entry;
		if (!comes_again(list, i))
			env[(*count)++] = entry;
	}
	errno = EINVAL;
	return wrong;
}

const char *environment_make(const struct list *list, char ***environment)
{
	size_t count;

	return collect(list, environment, &count);
}

/* Splits `line` of passwd(5) in place, at its colons. Fields may be empty. Returns how many fields
 * it has; more than `most` are not split. */
static size_t split(char *line, char **fields, size_t most)
{
	size_t count = 0;

	line[strcspn(line, "\n")] = '\0';
	while (line && count < most)
		fields[count++] = strsep(&line, ":");
	return count;
}

/* True: `text` is exactly this number. An empty field is no number: it must not become root's. */
static bool is_number(const char *text, uid_t number)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	unsigned long long value = strtoull(text, &end, 10);
	return *end == '\0' && errno == 0 && value == number;
}

/* A FIFO or a device in its place must not stop the process. */
static FILE *open_passwd(void)
{
	struct stat st;
	int fd = open("/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fdopen(fd, "r");
	close(fd);
	return NULL;
}

static const char *find_home(char *line, uid_t uid)
{
	enum { UID = 2, HOME = 5, FIELDS = 7 };
	char *fields[FIELDS];

	if (split(line, fields, FIELDS) <= HOME || !is_number(fields[UID], uid))
		return NULL;
	return fields[HOME][0] ? fields[HOME] : "/";
}

/* Returns an entry for HOME, or NULL without memory. */
static char *make_home(uid_t uid)
{
	FILE *f = open_passwd();
	const char *home = NULL;
	char *line = NULL, *entry;
	size_t size = 0;

	while (f && !home && getline(&line, &size, f) > 0)
		home = find_home(line, uid);
	if (asprintf(&entry, "HOME=%s", home ? home : "/") < 0)
		entry = NULL;
	free(line);
	if (f)
		fclose(f);
	return entry;
}

const char *environment_of_user(const struct list *list, uid_t uid, char ***environment)
{
	size_t count, at = 0;
	const char *problem = collect(list, environment, &count);
	char **env = *environment;

	if (problem)
		return problem;
	while (at < count && !same_name("HOME=", env[at]))
		at++;
	if (at == count || !strcmp(env[at], "HOME="))
		env[at] = make_home(uid);
	return env[at] ? NULL : "";
}
