/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uses runX as containerd's shim does, for tests without containerd: it is a subreaper, calls
 * create and start, and waits for the pid in the pid file.
 *
 * usage: supervise [-t] [-w ROWSxCOLUMNS] [-k] BUNDLE ID
 *
 *   -t  with a terminal: receives its master over a console socket, and copies between it and
 *       stdin and stdout
 *
 *   -w  the size that the terminal gets once it exists
 *
 *   -k  does not start the container: prints the pid, and waits for its end
 *
 * The container gets this program's stdin, stdout and stderr. The exit status is the container's
 * (128+n after signal n), 120 if create failed, 121 if start failed, 122 for other errors. It does
 * not delete the container. It adds a line to /tmp/supervised that says how the container ended, to
 * explain a failed test.
 */
#include "helpers/shared/terminal.h"

#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int run(char *const args[])
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execvp(args[0], args);
		err(127, "%s", args[0]);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			err(122, "waitpid");
	return status;
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (s < 0 || bind(s, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(s, 1) < 0)
		err(122, "%s", path);
	return s;
}

static bool copy(int from, int to)
{
	char data[4096];
	ssize_t n = read(from, data, sizeof(data));

	if (n > 0 && write(to, data, (size_t)n) != n)
		err(122, "write");
	return n > 0;
}

static void relay(int master, const struct winsize *size)
{
	struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
			       {.fd = master, .events = POLLIN}};

	for (;;) {
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents && !copy(master, STDOUT_FILENO))
			return;
		if (fds[1].revents && size->ws_row)
			ioctl(master, TIOCSWINSZ, size);
		if (fds[0].revents && !copy(STDIN_FILENO, master))
			fds[0].fd = -1; /* as `docker run -it` keeps the terminal open */
	}
}

static pid_t read_pid(const char *path)
{
	int pid;
	FILE *f = fopen(path, "r");

	if (!f || fscanf(f, "%d", &pid) != 1)
		errx(122, "no pid in %s", path);
	fclose(f);
	return pid;
}

static void remember(const char *id, int status)
{
	char path[512], how[256] = "";
	FILE *log = fopen("/tmp/supervised", "a");

	snprintf(path, sizeof(path), "/run/runX/%s/ended", id);
	FILE *ended = fopen(path, "r");
	if (ended && !fgets(how, sizeof(how), ended))
		how[0] = '\0';
	if (log)
		fprintf(log, "%s: wait status %#x, %s\n", id, (unsigned int)status,
			how[0] ? strtok(how, "\n") : "without a word");
	if (ended)
		fclose(ended);
	if (log)
		fclose(log);
}

int main(int argc, char **argv)
{
	struct winsize size = {0};
	bool terminal = false, start = true;
	char directory[] = "/tmp/supervise.XXXXXX", pid_file[64], console[64];
	int c, listener = -1, master = -1, status;

	while ((c = getopt(argc, argv, "tw:k")) != -1)
		switch (c) {
		case 't':
			terminal = true;
			break;
		case 'w':
			sscanf(optarg, "%hux%hu", &size.ws_row, &size.ws_col);
			break;
		case 'k':
			start = false;
			break;
		default:
			return 122;
		}
	if (argc - optind != 2 || !mkdtemp(directory))
		errx(122, "usage: supervise [-t] [-w ROWSxCOLUMNS] [-k] BUNDLE ID");
	char *bundle = argv[optind], *id = argv[optind + 1];
	snprintf(pid_file, sizeof(pid_file), "%s/pid", directory);
	snprintf(console, sizeof(console), "%s/console", directory);
	prctl(PR_SET_CHILD_SUBREAPER, 1);

	if (terminal)
		listener = listen_at(console);
	char *create[] = {(char *)"runX",
			  (char *)"create",
			  (char *)"--bundle",
			  bundle,
			  (char *)"--pid-file",
			  pid_file,
			  id,
			  NULL};
	char *create_terminal[] = {(char *)"runX",
				   (char *)"create",
				   (char *)"--bundle",
				   bundle,
				   (char *)"--pid-file",
				   pid_file,
				   (char *)"--console-socket",
				   console,
				   id,
				   NULL};
	if (run(terminal ? create_terminal : create) != 0)
		return 120;
	pid_t pid = read_pid(pid_file);
	if (terminal)
		master = terminal_receive(listener);
	if (terminal && master < 0)
		errx(122, "no console came over the socket");

	char *start_command[] = {(char *)"runX", (char *)"start", id, NULL};
	if (!start)
		printf("%d\n", pid), fflush(stdout);
	else if (run(start_command) != 0)
		return 121;
	if (terminal)
		relay(master, &size);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			err(122, "the pid of the pid file is no child of its caller");
	remember(id, status);
	unlink(pid_file);
	unlink(console);
	rmdir(directory);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
