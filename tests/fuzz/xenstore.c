/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the xenstore client. Its xenstored answers anything, in pieces of any size, and then
 * nothing more.
 *
 * What must hold: a value ends within its buffer, a number is valid, a failure sets errno. Nothing
 * is sent or read after a message that was cut short.
 */
#include "helpers/shared/xenstore.h"

#include "fuzz.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

static struct bytes answers;
static struct xenstore xs;

WRAP(ssize_t, read, int fd, void *into, size_t count)
{
	if (fd < FIRST)
		return __real_read(fd, into, count);
	must(count > 0 && !xs.broken);
	uint8_t piece = take8(&answers);
	if (piece == 255) {
		errno = EINTR;
		return -1;
	}
	/* Most reads return all that is asked for. */
	return (ssize_t)take(&answers, into, piece < 16 && piece < count ? piece + 1U : count);
}

WRAP(ssize_t, write, int fd, const void *from, size_t count)
{
	if (fd < FIRST)
		return __real_write(fd, from, count);
	must(count <= 16 + XENSTORE_VALUE && !xs.broken);
	return (ssize_t)count;
}

WRAP(int, poll, struct pollfd *fds, nfds_t count, int timeout)
{
	must(count == 1 && timeout == 0);
	fds->revents = answers.left ? POLLIN : 0;
	return fds->revents ? 1 : 0;
}

static void check_value(long n, const char *value)
{
	must(n >= -1 && n <= XENSTORE_VALUE);
	must(n >= 0 ? value[n] == '\0' : errno != 0);
}

static void ask(void)
{
	char *value = malloc(XENSTORE_VALUE + 1); /* the sanitizer watches its end */
	struct xenstore_answer answer = {0};
	long n;

	errno = 0;
	switch (take8(&answers) % 8) {
	case 0:
	case 1:
		n = xenstore_number(&xs, "/local/domain/7/domid");
		must(n >= 0 ? n <= INT32_MAX : errno != 0);
		break;
	case 2:
		check_value(xenstore_read(&xs, "a", value), value);
		break;
	case 3:
		check_value(xenstore_list(&xs, "a", value), value);
		break;
	case 4:
	case 5:
		must(xenstore_domain(&xs, "uuid") >= -1 || errno != 0);
		break;
	case 6:
		must(xenstore_permit(&xs, "a", 7, 0) == 0 || errno != 0);
		break;
	case 7:
		must(xenstore_ask(&xs, "a", NULL, 7) == 0 || errno != 0);
		n = xenstore_next(&xs, &answer);
		must(n <= 1 && answer.length <= XENSTORE_VALUE);
		if (n == 1)
			must(answer.length >= 0 ? answer.value[answer.length] == '\0'
						: answer.error != 0);
		if (n == 1 && xenstore_answer_number(&answer) < 0)
			must(errno != 0);
		break;
	}
	free(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	xs = (struct xenstore){.fd = FIRST};
	answers = (struct bytes){.at = data, .left = size};
	while (answers.left)
		ask();
	return 0;
}
