/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stand-in of Xen for runX's own programs: xenstored, event channels, the memory of guests, and
 * the guests. It listens in the directory $STANDIN: at `xenstore` and `channels` for the helpers
 * (devices.c), at `xl` for the stand-in of xl. What follows on stderr is the guests' and its own.
 *
 * usage: STANDIN=DIRECTORY xen
 *
 * Returns once it listens, with its pid on stdout; the rest goes on in the background.
 */
#include "backend.h"
#include "domain.h"
#include "loop.h"
#include "store.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define REQUEST 4096
#define ANSWER	65536

/* ---- xl ---- */

static const char *create(char *words, char *answer)
{
	char *uuid = strtok(words, "\n"), *name = strtok(NULL, "\n"), *initrd = strtok(NULL, "\n");

	if (!initrd)
		return "not a configuration";
	if (domain_find(name))
		return "a domain of this name already exists";
	int id = domain_create(uuid, name, initrd);
	snprintf(answer, ANSWER, "%d\n", id);
	return id < 0 ? strerror(errno) : NULL;
}

static const char *list(char *words, char *answer)
{
	domain_list(answer, ANSWER, *words);
	return NULL;
}

/* What stays the same however many containers come and go. */
static const char *count(char *words, char *answer)
{
	(void)words;
	snprintf(answer, ANSWER, "%d nodes, %d descriptors\n", store_count(), loop_count());
	return NULL;
}

/* As if another domain had ended. */
static const char *release(char *words, char *answer)
{
	(void)words;
	(void)answer;
	store_fire("@releaseDomain");
	return NULL;
}

static const char *to_domain(const char *which, void (*what)(struct domain *))
{
	struct domain *d = domain_find(which);

	if (!d)
		return "no such domain";
	what(d);
	return NULL;
}

static const char *unpause(char *words, char *answer)
{
	struct domain *d = domain_find(words);

	(void)answer;
	if (!d)
		return "no such domain";
	return domain_unpause(d) ? NULL : "Invalid argument";
}

static const char *pause_it(char *words, char *answer)
{
	(void)answer;
	return to_domain(words, domain_pause);
}

static const char *destroy(char *words, char *answer)
{
	(void)answer;
	return to_domain(words, domain_destroy);
}

static const char *nodes(char *words, char *answer)
{
	(void)words;
	store_list(answer, ANSWER);
	return NULL;
}

static const char *read_node(char *words, char *answer)
{
	const char *value = store_read(words);

	snprintf(answer, ANSWER, "%s", value ? value : "");
	return value ? NULL : "no such node";
}

/* ---- devices ---- */

static const char *device_add(char *words, char *answer)
{
	return backend_add(words, answer, ANSWER);
}

static const char *device_connect(char *words, char *answer)
{
	(void)answer;
	return backend_connect(words);
}

static const char *device_close(char *words, char *answer)
{
	(void)answer;
	return backend_close(words);
}

static const char *device_remove(char *words, char *answer)
{
	(void)answer;
	return backend_remove(words);
}

static const char *device_list(char *words, char *answer)
{
	backend_list((unsigned int)strtoul(words, NULL, 10), answer, ANSWER);
	return NULL;
}

/* The one who asks. */
static int asking;

static const char *qemu(char *words, char *answer)
{
	(void)answer;
	if (!domain_find(words))
		return "no such domain";
	backend_qemu((unsigned int)strtoul(words, NULL, 10), asking);
	return NULL;
}

static const struct {
	const char *name;
	/* An error, or NULL with the answer. */
	const char *(*run)(char *words, char *answer);
} verbs[] = {{"create", create},
	     {"list", list},
	     {"unpause", unpause},
	     {"pause", pause_it},
	     {"destroy", destroy},
	     {"count", count},
	     {"nodes", nodes},
	     {"read", read_node},
	     {"release", release},
	     {"device-add", device_add},
	     {"device-connect", device_connect},
	     {"device-close", device_close},
	     {"device-remove", device_remove},
	     {"device-list", device_list},
	     {"qemu", qemu}};

/* A request is the verb, a newline and its words. The answer begins with ok or with an error. */
static void xl_ready(int fd, void *with)
{
	char request[REQUEST + 1], answer[ANSWER] = "", reply[ANSWER + 16];
	const char *problem = "not a verb";
	ssize_t n = recv(fd, request, REQUEST, MSG_DONTWAIT);

	(void)with;
	if (n <= 0) {
		loop_close(fd);
		return;
	}
	request[n] = '\0';
	asking = fd;
	char *words = strchrnul(request, '\n');
	if (*words)
		*words++ = '\0';
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(verbs[i].name, request))
			problem = verbs[i].run(words, answer);
	int length = snprintf(reply, sizeof(reply), "%s\n%s", problem ? problem : "ok", answer);
	(void)send(fd, reply, (size_t)length, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void xl_client(int fd)
{
	loop_add(fd, xl_ready, NULL);
}

/* ---- listening ---- */

static void accept_ready(int fd, void *with)
{
	void (**serve)(int) = with;
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

	if (client >= 0)
		(*serve)(client);
}

static void listen_at(const char *name, int type, void (**serve)(int))
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", getenv("STANDIN"), name);
	if (s < 0 || bind(s, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(s, SOMAXCONN) < 0)
		err(1, "cannot listen at %s", address.sun_path);
	loop_add(s, accept_ready, serve);
}

static void go_to_background(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	pid_t pid = fork();

	if (pid < 0 || null < 0)
		err(1, "cannot go to the background");
	if (pid > 0) {
		printf("%d\n", pid);
		exit(0);
	}
	setsid();
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	close(null);
}

int main(void)
{
	static void (*stores)(int) = store_client, (*channels)(int) = domain_channel,
		    (*xls)(int) = xl_client;

	if (!getenv("STANDIN"))
		errx(2, "usage: STANDIN=DIRECTORY xen");
	signal(SIGPIPE, SIG_IGN);
	domain_init();
	store_write("/local/domain", "");
	store_write("/vm", "");
	listen_at("xenstore", SOCK_STREAM, &stores);
	listen_at("channels", SOCK_SEQPACKET, &channels);
	listen_at("xl", SOCK_SEQPACKET, &xls);
	go_to_background();
	loop_run();
}
