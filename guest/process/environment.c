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

/* A name ends at the first `=`. Less than, equal to or greater than 0, as with strcmp(3). */
static int compare_names(const char *a, const char *b)
{
	while (*a == *b && *a != '=' && *a != '\0')
		a++, b++;
	const int x = *a == '=' ? 0 : (unsigned char)*a;
	const int y = *b == '=' ? 0 : (unsigned char)*b;
	return x - y;
}

/* For qsort(3), of places in the environment: by name, and of one name as they stand there. */
static int compare_places(const void *a, const void *b)
{
	char **const x = *(char **const *)a, **const y = *(char **const *)b;
	const int names = compare_names(*x, *y);

	return names ? names : x < y ? -1 : x > y;
}

/* Removes each entry whose name comes again later. A config.json may have 100000 entries, so this
 * sorts. Returns how many are left, or -1 without memory. */
static ssize_t keep_last(char **env, size_t count)
{
	char ***places = calloc(count + 1, sizeof(*places));
	size_t left = 0;

	if (!places)
		return -1;
	for (size_t i = 0; i < count; i++)
		places[i] = &env[i];
	qsort(places, count, sizeof(*places), compare_places);
	for (size_t i = 0; i + 1 < count; i++)
		if (compare_names(*places[i], *places[i + 1]) == 0)
			*places[i] = NULL;
	free(places);
	for (size_t i = 0; i < count; i++)
		if (env[i])
			env[left++] = env[i];
	memset(env + left, 0, (count - left) * sizeof(*env));
	return (ssize_t)left;
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
		env[i] = list->items[i];
		if (!wrong && (env[i][0] == '=' || !strchr(env[i], '=')))
			wrong = env[i];
	}
	const ssize_t left = keep_last(env, list->count);
	if (left < 0)
		return "";
	*count = (size_t)left;
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
	while (at < count && compare_names(env[at], "HOME"))
		at++;
	if (at == count || !strcmp(env[at], "HOME="))
		env[at] = make_home(uid);
	return env[at] ? NULL : "";
}
