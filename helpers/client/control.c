/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks a container's proxy for something, waits for its end, or does its guardian's last step.
 *
 * usage: control STATE-DIRECTORY start
 *        control STATE-DIRECTORY signal NUMBER [all]
 *        control STATE-DIRECTORY wait SECONDS
 *        control STATE-DIRECTORY withdraw DOMID
 *        control STATE-DIRECTORY end-start SECONDS
 *        control STATE-DIRECTORY kill-files SECONDS
 *
 * end-start tells the `runX start` that is at work to end (SIGTERM), waits for its end, and kills
 * it after SECONDS.
 *
 * The exit status says what happened:
 *
 *   0    it is done
 *   1    the proxy refused, and its words are on stderr
 *   2    there is no proxy (any more)
 *   3    the proxy and its guardian, the start, or the file server did not end in time
 *   125  this program failed
 *
 * A stopped proxy does not answer. `signal 9` then kills the proxy itself.
 *
 * `withdraw` removes what a guardian removes after `xl destroy`. It is for a container whose
 * guardian was killed.
 */
#include "helpers/shared/control.h"

#include "client.h"
#include "helpers/shared/common.h"
#include "helpers/shared/host.h"
#include "helpers/shared/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { REFUSED = 1, NO_PROXY = 2, TOO_LATE = 3 };

/* How long this program waits for the proxy's next words. */
static int patience = CLIENT_SECONDS;

/* A proxy that has to wait for the VM itself says so at once, and for how long at most. */
static int take_answer(int s)
{
	char answer[CONTROL_MESSAGE + 1];
	struct pollfd p = {.fd = s, .events = POLLIN};

	while (poll(&p, 1, patience * 1000) <= 0)
		if (errno != EINTR || p.revents == 0)
			return TOO_LATE;
	ssize_t n = recv(s, answer, CONTROL_MESSAGE, 0);
	if (n <= 0)
		return NO_PROXY;
	answer[n] = '\0';
	if (answer[0] == CONTROL_WAIT[0]) {
		patience = CLIENT_SECONDS + atoi(answer + 1);
		return take_answer(s);
	}
	if (!strcmp(answer, CONTROL_OK))
		return 0;
	fprintf(stderr, "%s\n", answer);
	return REFUSED;
}

static int request(int directory, const char *words)
{
	int s = client_connect(directory);

	if (s < 0 || client_send(s, words, NULL, 0) < 0)
		return errno == EAGAIN ? TOO_LATE : NO_PROXY;
	return take_answer(s);
}

static void too_late(int signal)
{
	(void)signal;
	_exit(TOO_LATE);
}

/*
 * Returns a pidfd of the process of this record, or -1 if there is none. Whoever took a failure for
 * the process's end would leave it alive.
 */
static int open_process(int directory, const char *name)
{
	int process = host_open_recorded(directory, name);

	if (process < 0 && errno != ESRCH)
		fail("cannot find the process of the record %s", name);
	return process;
}

/*
 * Ends the file server of a VM whose proxy has not got as far as to have a guardian, which would
 * end it.
 */
static int kill_files(int directory, unsigned int seconds)
{
	struct pollfd files = {.fd = open_process(directory, CONTROL_FILES), .events = POLLIN};

	if (files.fd < 0)
		return 0;
	host_alarm(seconds, too_late);
	(void)syscall(SYS_pidfd_send_signal, files.fd, SIGKILL, NULL, 0);
	while (poll(&files, 1, -1) < 0)
		;
	return 0;
}

static int send_signal(int process, int signal)
{
	return (int)syscall(SYS_pidfd_send_signal, process, signal, NULL, 0);
}

/* Kills a proxy that does not answer. Its guardian then destroys the VM. */
static int kill_proxy(int directory)
{
	int process = open_process(directory, CONTROL_RECORD);

	if (process < 0)
		return NO_PROXY;
	return send_signal(process, SIGKILL) < 0 ? NO_PROXY : 0;
}

/* A start that is stopped hears SIGTERM only when it goes on. */
static int end_start(int directory, int seconds)
{
	static const int signals[] = {SIGTERM, SIGKILL};
	struct pollfd start = {.fd = open_process(directory, CONTROL_STARTED), .events = POLLIN};

	if (start.fd < 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		(void)send_signal(start.fd, signals[i]);
		(void)send_signal(start.fd, SIGCONT);
		if (poll(&start, 1, seconds * 1000) > 0)
			return 0;
	}
	return TOO_LATE;
}

static int wait_for_end(int directory, unsigned int seconds)
{
	int lock = openat(directory, CONTROL_LOCK, O_RDONLY | O_CLOEXEC);

	if (lock < 0)
		return 0;
	struct pollfd proxy = {.fd = open_process(directory, CONTROL_RECORD), .events = POLLIN};
	host_alarm(seconds, too_late);
	while (flock(lock, LOCK_SH) < 0)
		if (errno != EINTR)
			fail("cannot wait for the proxy's lock");
	/* The kernel releases the lock before the proxy counts as ended in /proc. */
	while (proxy.fd >= 0 && poll(&proxy, 1, -1) < 0)
		;
	return 0;
}

static int withdraw(unsigned int domid)
{
	struct xenstore xs;

	if (domid == 0)
		return 0;
	if (xenstore_open(&xs) < 0)
		fail("cannot open /dev/xen/xenbus");
	ring_withdraw(&xs, domid);
	return 0;
}

int main(int argc, char **argv)
{
	char words[CONTROL_MESSAGE] = "";

	if (argc < 3 || argc > 5)
		failx("usage: control STATE-DIRECTORY start | signal NUMBER [all] | wait SECONDS | "
		      "withdraw DOMID | end-start SECONDS | kill-files SECONDS");
	/* Nobody would hear the answer. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	int directory = open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		fail("cannot open the state directory %s", argv[1]);
	if (!strcmp(argv[2], "wait") && argc == 4)
		return wait_for_end(directory, (unsigned int)atoi(argv[3]));
	if (!strcmp(argv[2], "withdraw") && argc == 4)
		return withdraw((unsigned int)atoi(argv[3]));
	if (!strcmp(argv[2], "end-start") && argc == 4)
		return end_start(directory, atoi(argv[3]));
	if (!strcmp(argv[2], "kill-files") && argc == 4)
		return kill_files(directory, (unsigned int)atoi(argv[3]));
	for (int i = 2, used = 0; i < argc && used < CONTROL_MESSAGE; i++)
		used += snprintf(words + used, sizeof(words) - (size_t)used, "%s%s",
				 i > 2 ? " " : "", argv[i]);
	int result = request(directory, words);
	if (result != TOO_LATE)
		return result;
	if (!strncmp(words, "signal 9", 8) && (words[8] == '\0' || words[8] == ' '))
		return kill_proxy(directory);
	fprintf(stderr, "its proxy has not answered within %d s (is it stopped?)\n", patience);
	return REFUSED;
}
