/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host process of a process that joins a running container: engines wait for its pid.
 *
 * usage: exec [-c CONSOLE-SOCKET [-s ROWSxCOLUMNS]] [-p PARENT] [-t SECONDS] STATE-DIRECTORY
 * DESCRIPTION
 *
 * With -c, the process has a terminal, and its master goes to that socket. -t is how many seconds
 * the VM may take to report that the process runs (120). DESCRIPTION is a file of records
 * (docs/guest-interface.md), which is removed once it is open. If the process that started this
 * one dies before the process runs, so does this, and there will be no process: nobody would know
 * of it. PARENT is the id of that process.
 *
 * Stdin, stdout and descriptor 3 (stderr) become the process's. The container's proxy gets them and
 * moves their bytes, and this program keeps none of them. Once the process runs, this program
 * writes its own pid over the description and goes on in the background. It ends as the process
 * does: with its exit status, with 128+n if signal n ended it, or with 137 if its VM ended. It
 * passes on the signals that it gets to the process.
 */
#include "client.h"
#include "helpers/shared/common.h"
#include "helpers/shared/control.h"
#include "helpers/shared/host.h"
#include "helpers/shared/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define PROCESS_STDERR 3

static struct {
	const char *console_socket;
	uint16_t rows, columns;
	int start_seconds;
	pid_t parent;
} option = {.start_seconds = 120};

static struct {
	int proxy, signals;
	int terminal; /* slave of the process's terminal, or -1 */
} self = {.terminal = -1};

static void send_request(int description)
{
	int fds[CONTROL_FDS] = {description, STDIN_FILENO, STDOUT_FILENO, PROCESS_STDERR};

	if (self.terminal >= 0)
		fds[1] = fds[2] = self.terminal;
	if (client_send(self.proxy, "exec", fds, self.terminal >= 0 ? 3 : 4) < 0)
		failx("container not running");
}

/*
 * Receives the proxy's next message. Returns false if the proxy is gone. If the proxy has left a
 * signal of ours unread, the kernel says ECONNRESET, once, before it gives the proxy's last words.
 */
static bool receive(char words[CONTROL_MESSAGE + 1])
{
	ssize_t n;

	while ((n = recv(self.proxy, words, CONTROL_MESSAGE, 0)) < 0)
		if (errno != ECONNRESET && errno != EINTR)
			break;
	words[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* Signals wait meanwhile, because the process that they are for is not there yet. */
static void await_start(void)
{
	char words[CONTROL_MESSAGE + 1];
	struct pollfd p = {.fd = self.proxy, .events = POLLIN};

	if (poll(&p, 1, option.start_seconds * 1000) == 0)
		failx("the VM did not report within %d s that the process runs",
		      option.start_seconds);
	if (!receive(words))
		failx("container not running");
	if (strcmp(words, CONTROL_OK) != 0)
		failx("%s", words);
}

static void send_size(void)
{
	uint32_t rows, columns;
	char words[64];

	terminal_raw(self.terminal);
	terminal_size(self.terminal, &rows, &columns);
	snprintf(words, sizeof(words), "size %u %u", rows, columns);
	(void)client_send(self.proxy, words, NULL, 0);
}

static void signal_event(void)
{
	int signal = host_signal(self.signals);
	char words[32];

	if (signal == 0)
		return;
	if (signal == SIGWINCH && self.terminal >= 0) {
		send_size();
		return;
	}
	snprintf(words, sizeof(words), "signal %d", signal);
	(void)client_send(self.proxy, words, NULL, 0);
}

/* Runs until the proxy reports the process's end, or is gone. Returns the exit status. */
static int run(void)
{
	char words[CONTROL_MESSAGE + 1];
	int status;
	struct pollfd fds[] = {{.fd = self.proxy, .events = POLLIN},
			       {.fd = self.signals, .events = POLLIN}};

	for (;;) {
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents)
			signal_event();
		if (!fds[0].revents)
			continue;
		if (!receive(words))
			return 128 + SIGKILL;
		if (sscanf(words, "exited %d", &status) == 1)
			return status;
	}
}

static void open_terminal(void)
{
	self.terminal = terminal_open(option.console_socket, option.rows, option.columns);
	terminal_control(self.terminal);
}

static const char *parse(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "c:p:s:t:")) != -1)
		switch (c) {
		case 'c':
			option.console_socket = optarg;
			break;
		case 'p':
			option.parent = (pid_t)atoi(optarg);
			break;
		case 's':
			terminal_parse_size(optarg, &option.rows, &option.columns);
			break;
		case 't':
			option.start_seconds = atoi(optarg);
			break;
		default:
			exit(EXIT_HELPER);
		}
	if (argc - optind != 2)
		failx("usage: exec [options] STATE-DIRECTORY DESCRIPTION");
	return argv[optind];
}

/*
 * Over the description, which the guest has by now. runX holds that file open. It may be ended by a
 * signal at any moment, and then ends the process by this.
 */
static void write_pid(int description)
{
	char words[16];
	int size = snprintf(words, sizeof(words), "%d\n", getpid());

	if (pwrite(description, words, (size_t)size, 0) != size)
		fail("cannot write to the state directory");
	close(description);
}

/* From here on, this process is for itself. If nobody reads `ready`, runX has been ended. */
static void tell_parent(int ready)
{
	(void)prctl(PR_SET_PDEATHSIG, 0);
	if (!host_ready(ready))
		exit(EXIT_HELPER);
}

int main(int argc, char **argv)
{
	const char *state = parse(argc, argv);

	host_end_with(option.parent, SIGKILL);
	/* Engines leak descriptors to this process, and it must not keep them. */
	host_close_from(PROCESS_STDERR + 1);
	int directory = open(state, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int description = open(argv[optind + 1], O_RDWR | O_CLOEXEC);
	if (directory < 0 || description < 0)
		fail("cannot open %s", directory < 0 ? state : argv[optind + 1]);
	(void)unlink(argv[optind + 1]);

	pid_t launcher = getpid();
	int ready = host_go_to_background();
	host_end_with(launcher, SIGKILL);
	setsid();
	self.signals = host_take_signals();
	/* This may take long, and the proxy gives a client that has connected only a few seconds.
	 */
	if (option.console_socket)
		open_terminal();
	self.proxy = client_connect(directory);
	if (self.proxy < 0 && errno == EAGAIN)
		failx("the container's proxy does not answer");
	if (self.proxy < 0)
		failx("container not running");
	close(directory);
	send_request(description);
	await_start();
	if (self.terminal >= 0)
		send_size();
	write_pid(description);
	/*
	 * The proxy has these descriptors now. If we kept them, engines would wait for us to close
	 * them.
	 */
	close(PROCESS_STDERR);
	host_leave_caller();
	tell_parent(ready);
	return run();
}
