/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs one hook of config.json on the host, to its end.
 *
 * usage: hook [-p PARENT] [-d DIRECTORY] [-n NETNS] [-t SECONDS] [-e COUNT] PATH [ENV…] ARGV0
 * [ARG…] <STATE
 *
 * If the process that started this one dies, the hook and its process group are killed: nobody
 * would wait for its end, and what comes next could overtake it. PARENT is the id of that process,
 * in case it died before this one could ask the kernel for this.
 *
 * With -d, the hook runs in that directory. With -n, it runs in the network namespace at that path.
 * With -t, the hook and its process group are killed if it takes longer. With -e, the COUNT words
 * after PATH are the hook's whole environment. Without -e, the hook gets the environment of this
 * program.
 *
 * The hook gets the stdin of this program and no other descriptor, because what it prints must not
 * reach the container's stdio. The exit status is 0 if the hook's is 0. Otherwise one line on
 * stderr says why, in runc's words, with the first line that the hook wrote to its stderr. The exit
 * status is then the hook's, 128+n for signal n, 124 for the timeout, 127 if the hook could not be
 * executed, or 125 if this program failed.
 */
#include "helpers/shared/common.h"
#include "helpers/shared/host.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TIMED_OUT = 124, NOT_EXECUTED = 127 };

static struct {
	const char *directory, *netns;
	pid_t parent;
	unsigned int seconds;
	long env_count; /* -1: the hook gets our environment */
} option = {.env_count = -1};

static struct hook {
	const char *path;
	char **argv, **env;
	pid_t pid;
	int errors;	 /* the end of its stderr that we read */
	char words[512]; /* the beginning of what it wrote there */
	size_t used;
} hook;

/* Go, and so runc, begins the texts of strerror(3) and strsignal(3) with a lower-case letter. */
static const char *lower(const char *text)
{
	static char copy[128];

	snprintf(copy, sizeof(copy), "%s", text);
	copy[0] = (char)tolower((unsigned char)copy[0]);
	return copy;
}

static long number(const char *text, long least)
{
	char *end;

	errno = 0;
	long n = strtol(text, &end, 10);
	if (errno || *end || end == text || n < least || n > INT32_MAX)
		failx("hook: not a valid number: %s", text);
	return n;
}

static void parse(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+p:d:n:t:e:")) != -1)
		switch (c) {
		case 'p':
			option.parent = (pid_t)number(optarg, 1);
			break;
		case 'd':
			option.directory = optarg;
			break;
		case 'n':
			option.netns = optarg;
			break;
		case 't':
			option.seconds = (unsigned int)number(optarg, 1);
			break;
		case 'e':
			option.env_count = number(optarg, 0);
			break;
		default:
			exit(EXIT_HELPER);
		}
	long count = option.env_count > 0 ? option.env_count : 0;
	if (argc - optind < count + 2)
		failx("usage: hook [options] PATH [ENV…] ARGV0 [ARG…]");
	hook.path = argv[optind];
	hook.argv = argv + optind + 1 + count;
	hook.env = environ;
	if (option.env_count < 0)
		return;
	hook.env = calloc((size_t)count + 1, sizeof(*hook.env));
	if (!hook.env)
		fail("no memory");
	memcpy(hook.env, argv + optind + 1, (size_t)count * sizeof(*hook.env));
}

/*
 * Everything that may happen while the hook runs comes through this signalfd. `before` is the
 * signal mask for the hook.
 */
static int take_signals(sigset_t *before)
{
	static const int ours[] = {SIGCHLD, SIGALRM, SIGHUP, SIGINT, SIGTERM};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		sigaddset(&set, ours[i]);
	sigprocmask(SIG_BLOCK, &set, before);
	/* If the caller ignores SIGCHLD, it never comes, and waitpid() finds no child. */
	signal(SIGCHLD, SIG_DFL);
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		fail("cannot receive signals (signalfd)");
	return fd;
}

static void become_hook(const sigset_t *mask, int null, int errors, int report)
{
	static const int ignored[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};

	/* If somebody kills the program above, nobody else could end the hook. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	/*
	 * The hook gets a session: its process group can be killed as one, and it has no terminal.
	 */
	setsid();
	/* delete ignores these signals, and its hooks must not. */
	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	if (dup2(null, STDOUT_FILENO) >= 0 && dup2(errors, STDERR_FILENO) >= 0)
		execve(hook.path, hook.argv, hook.env);
	int problem = errno;
	(void)!write(report, &problem, sizeof(problem));
	_exit(NOT_EXECUTED);
}

static void start(const sigset_t *mask)
{
	int errors[2], report[2], problem;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0 || pipe2(errors, O_CLOEXEC) < 0 || pipe2(report, O_CLOEXEC) < 0)
		fail("cannot open /dev/null or make a pipe");
	hook.pid = fork();
	if (hook.pid < 0)
		fail("cannot start a process for the hook");
	if (hook.pid == 0)
		become_hook(mask, null, errors[1], report[1]);
	/* Only the hook may be able to read the state. Otherwise its writer could wait for ever. */
	close(STDIN_FILENO);
	close(errors[1]);
	close(report[1]);
	hook.errors = errors[0];
	fcntl(hook.errors, F_SETFL, O_NONBLOCK);
	if (read(report[0], &problem, sizeof(problem)) == sizeof(problem)) {
		fprintf(stderr, "fork/exec %s: %s\n", hook.path, lower(strerror(problem)));
		exit(NOT_EXECUTED);
	}
	close(report[0]);
}

/*
 * Keeps the beginning of the hook's stderr and throws the rest away, so the hook never waits for
 * us.
 */
static void read_errors(void)
{
	char bytes[4096];
	ssize_t n;

	while ((n = read(hook.errors, bytes, sizeof(bytes))) > 0) {
		size_t room = sizeof(hook.words) - 1 - hook.used;
		size_t kept = (size_t)n < room ? (size_t)n : room;
		memcpy(hook.words + hook.used, bytes, kept);
		hook.used += kept;
	}
	if (n == 0) {
		close(hook.errors);
		hook.errors = -1;
	}
}

/* Returns the first line of the hook's stderr, without control characters for a terminal. */
static const char *first_words(void)
{
	hook.words[hook.used] = '\0';
	hook.words[strcspn(hook.words, "\n")] = '\0';
	for (char *c = hook.words; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = ' ';
	return hook.words;
}

static void end(int signal)
{
	kill(-hook.pid, SIGKILL);
	if (signal == SIGALRM) {
		fprintf(stderr, "hook ran past specified timeout of %us\n", option.seconds);
		exit(TIMED_OUT);
	}
	fprintf(stderr, "interrupted by signal: %s\n", lower(strsignal(signal)));
	exit(128 + signal);
}

/*
 * Waits until the hook itself has ended, and returns its status as of wait(2). Processes that the
 * hook left in the background may keep its stderr open for as long as they like.
 */
static int await_end(int signals)
{
	struct signalfd_siginfo signal;
	int status;

	if (option.seconds)
		alarm(option.seconds);
	for (;;) {
		struct pollfd fds[] = {{.fd = signals, .events = POLLIN},
				       {.fd = hook.errors, .events = POLLIN}};
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
			fail("cannot wait for the hook");
		if (fds[1].revents)
			read_errors();
		if (read(signals, &signal, sizeof(signal)) != sizeof(signal))
			continue;
		if (signal.ssi_signo != SIGCHLD)
			end((int)signal.ssi_signo);
		/* No other signal tells of its end. */
		pid_t ended = waitpid(hook.pid, &status, WNOHANG);
		if (ended < 0)
			fail("cannot wait for the hook");
		if (ended == hook.pid)
			return status;
	}
}

static int tell(int status)
{
	const char *words = first_words();
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);

	if (code == 0)
		return 0;
	if (WIFEXITED(status))
		fprintf(stderr, "exit status %d", code);
	else
		fprintf(stderr, "signal: %s", lower(strsignal(WTERMSIG(status))));
	fprintf(stderr, *words ? ", stderr: %s\n" : "\n", words);
	return code;
}

int main(int argc, char **argv)
{
	sigset_t mask;

	parse(argc, argv);
	host_close_from(STDERR_FILENO + 1);
	host_enter_netns(option.netns);
	if (option.directory && chdir(option.directory) < 0)
		fail("chdir %s", option.directory);
	int signals = take_signals(&mask);
	host_end_with(option.parent, SIGTERM);
	start(&mask);
	int status = await_end(signals);
	if (hook.errors >= 0)
		read_errors();
	return tell(status);
}
