/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does what an engine does around a runtime, for people and for engines that leave it to runX: it
 * starts a process in the background and stays in the foreground until the process ends.
 *
 * usage: foreground [-s] [-f STATUS] COUNT START-WORD… [END-WORD…]
 *
 * The program first runs the command of the COUNT START-WORDs, with a directory of its own in
 * $RUNX_FOREGROUND. The command must leave a process in the background and write its pid to `pid`
 * in that directory. If the process has a terminal, the command must send its master to the socket
 * `console` there. $RUNX_FOREGROUND_SIZE is the size of the program's own terminal, ROWSxCOLUMNS.
 * The program then relays signals and the terminal until the process has ended. Last, it runs the
 * command of the END-WORDs, if there are any, with the process's pid in $RUNX_FOREGROUND_ENDED.
 * Signals that come before the process runs reach it later. With -s, the command gets them too: it
 * must then end, and leave no process. If this program is killed before the process runs, the
 * command gets SIGTERM.
 *
 * The exit status is that of the process, 128+n if signal n ended it or the command that makes it,
 * or STATUS (1) if the process was not started. The command has said why then.
 */
#include "helpers/shared/common.h"
#include "helpers/shared/host.h"
#include "helpers/shared/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <linux/mount.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* One direction of the terminal: bytes that were read and must still be written. */
struct flow {
	int from, to; /* -1: this direction has ended */
	size_t start, end;
	char data[PIPE_BUF]; /* a pipe takes this much without waiting once poll(2) reports it */
};

static struct {
	int place; /* the directory where the command leaves what it has made */
	int signals, listener;
	int master; /* of the process's terminal, or -1 */
	bool raw;
	bool relays;	       /* -s */
	char **command;	       /* makes the process */
	int failure;	       /* the status if there is no process */
	sigset_t kept;	       /* signals that came before the process ran */
	struct termios before; /* settings of our own terminal before it became raw */
	struct flow input, output;
} self = {.place = -1,
	  .failure = 1,
	  .listener = -1,
	  .master = -1,
	  .input = {.from = -1},
	  .output = {.from = -1}};

/* ---- the process's pid and terminal ---- */

__attribute__((noreturn)) static void execute(char *const words[])
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	execvp(words[0], words);
	fprintf(stderr, "runX: cannot execute %s: %m\n", words[0]);
	_exit(EXIT_HELPER);
}

static void remove_meeting_place(void)
{
	(void)unsetenv("RUNX_FOREGROUND");
	(void)unsetenv("RUNX_FOREGROUND_SIZE");
	if (self.place >= 0)
		close(self.place);
	self.place = -1;
}

/*
 * Becomes the command that makes the process, which fails with the reason in
 * $RUNX_FOREGROUND_FAILED: runX writes each of its messages to the log as well.
 */
__attribute__((noreturn)) static void give_up(const char *what, const char *name)
{
	char reason[256];

	snprintf(reason, sizeof(reason), "cannot %s %s: %m", what, name);
	remove_meeting_place();
	(void)setenv("RUNX_FOREGROUND_FAILED", reason, 1);
	execute(self.command);
}

/* glibc has these calls since 2.36. */
static int open_tmpfs(void)
{
	const unsigned int flags = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
	int fs = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC), place = -1;

	if (fs < 0)
		return -1;
	if (syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "mode", "0700", 0) == 0 &&
	    syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		place = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, flags);
	const int error = errno;
	close(fs);
	errno = error;
	return place;
}

/*
 * A file system that is mounted nowhere: however this program ends, nothing of it is left. Others
 * reach it by the path that /proc has for our descriptor.
 */
static void make_meeting_place(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char path[48], pid[16] = "";

	self.place = open_tmpfs();
	/* Our pid as /proc knows it, also in a PID namespace of our own. */
	if (self.place < 0 || readlink("/proc/self", pid, sizeof(pid) - 1) <= 0)
		give_up("make", "a place for the process's pid");
	snprintf(path, sizeof(path), "/proc/%s/fd/%d", pid, self.place);
	setenv("RUNX_FOREGROUND", path, 1);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/console", path);
	self.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (self.listener < 0 ||
	    bind(self.listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(self.listener, 1) < 0)
		give_up("listen at", address.sun_path);
}

/* Returns the process's pid. If it cannot be read, the process runs on without us: returns 0. */
static pid_t read_pid(void)
{
	char text[16] = "";
	int file = openat(self.place, "pid", O_RDONLY | O_CLOEXEC);
	ssize_t n = file < 0 ? -1 : read(file, text, sizeof(text) - 1);
	const int error = n < 0 ? errno : 0;
	int pid = atoi(text);

	if (file >= 0)
		close(file);
	if (pid > 0)
		return pid;
	fprintf(stderr, "runX: cannot wait for the process, whose id is not known: %s\n",
		error ? strerror(error) : "its file has no number");
	return 0;
}

static void tell_size(void)
{
	struct winsize size;
	char text[16];

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_row || !size.ws_col)
		return;
	snprintf(text, sizeof(text), "%hux%hu", size.ws_row, size.ws_col);
	setenv("RUNX_FOREGROUND_SIZE", text, 1);
}

/* ---- the commands ---- */

/* Returns its pid, or -1. */
static pid_t start_command(char *const words[])
{
	const pid_t parent = getpid();
	pid_t pid = fork();

	/* The process that nobody would wait for is not made. */
	if (pid == 0 && words == self.command)
		host_end_with(parent, SIGTERM);
	if (pid == 0)
		execute(words);
	return pid;
}

static int exit_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* Waits as waitpid(2) does. Returns 0 if the command has not ended (WNOHANG). */
static pid_t wait_for_command(pid_t pid, int options, int *status)
{
	pid_t found;

	while ((found = waitpid(pid, status, options)) < 0 && errno == EINTR)
		;
	if (found < 0)
		fprintf(stderr, "runX: cannot wait for the end of process %d: %m\n", pid);
	return found;
}

/*
 * Runs the last command. The process's status counts, also if this fails. The command is to know by
 * the pid whether the container that has the name now is still the process's.
 */
static void clean_up(char *const words[], pid_t process)
{
	char text[16];
	int status;

	snprintf(text, sizeof(text), "%d", process);
	setenv("RUNX_FOREGROUND_ENDED", text, 1);
	pid_t pid = start_command(words);
	if (pid < 0)
		fprintf(stderr, "runX: cannot start %s to delete the container: %m (runX delete)\n",
			words[0]);
	else
		(void)wait_for_command(pid, 0, &status);
}

/*
 * Keeps a signal for the process. With -s it also goes to the command that makes the process,
 * except if the kernel sent it: the terminal's signals have reached the command already.
 */
static void keep_signal(pid_t pid)
{
	struct signalfd_siginfo info;

	if (read(self.signals, &info, sizeof(info)) != sizeof(info) || info.ssi_signo == SIGCHLD)
		return;
	sigaddset(&self.kept, (int)info.ssi_signo);
	if (self.relays && info.ssi_code != SI_KERNEL)
		(void)kill(pid, (int)info.ssi_signo);
}

/*
 * Whether the command has succeeded. If a signal has ended it, which it was told by us or by the
 * terminal, then our status says so, too: it has said nothing.
 */
static bool has_succeeded(int status)
{
	int code = exit_status(status);

	if (code > 128 && code <= 128 + SIGRTMAX && sigismember(&self.kept, code - 128) == 1)
		self.failure = code;
	return code == 0;
}

/* Runs the command that makes the process. Returns true if it succeeded. */
static bool start_process(void)
{
	struct pollfd signals = {.fd = self.signals, .events = POLLIN};
	pid_t pid = start_command(self.command), ended;
	int status = 0;

	if (pid < 0)
		give_up("start", self.command[0]);
	while ((ended = wait_for_command(pid, WNOHANG, &status)) == 0)
		if (poll(&signals, 1, -1) > 0)
			keep_signal(pid);
	return ended == pid && has_succeeded(status);
}

/* The signals that came before the process ran. */
static void pass_kept_signals(pid_t pid)
{
	for (int number = 1; number <= SIGRTMAX; number++)
		if (sigismember(&self.kept, number) == 1 && number != SIGWINCH)
			(void)kill(pid, number);
}

/*
 * True if the process has ended, with its status as of wait(2), or if that cannot be known. This
 * waits for that process only, because it may end before the command that left it.
 */
static bool has_ended(pid_t pid, int *status)
{
	pid_t ended = wait_for_command(pid, WNOHANG, status);

	if (ended < 0)
		*status = EXIT_HELPER << 8;
	return ended != 0;
}

/* ---- the terminal ---- */

static void copy_size(void)
{
	struct winsize size;

	if (self.master >= 0 && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		(void)ioctl(self.master, TIOCSWINSZ, &size);
}

/* Its output is still processed, as with runc: the process's terminal leaves CR LF to it. */
static void make_raw(void)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &self.before) < 0)
		return;
	raw = self.before;
	cfmakeraw(&raw);
	raw.c_oflag |= OPOST;
	self.raw = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
}

static void restore_terminal(void)
{
	if (self.raw)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &self.before);
}

/*
 * Opens a terminal again: it counts as ready when it takes one byte, and O_NONBLOCK on the
 * descriptor itself would hit its other owners. Another stdout is used as it is.
 */
static int open_output(void)
{
	int fd = -1;

	if (isatty(STDOUT_FILENO))
		fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd >= 0 ? fd : STDOUT_FILENO;
}

static void open_flows(void)
{
	(void)fcntl(self.master, F_SETFL, O_RDWR | O_NONBLOCK);
	self.input.from = STDIN_FILENO;
	self.input.to = self.output.from = self.master;
	self.output.to = open_output();
}

static void close_master(void)
{
	close(self.master);
	self.master = self.input.from = self.output.from = -1;
}

static struct pollfd flow_waits_for(const struct flow *f)
{
	if (f->from >= 0 && f->start < f->end)
		return (struct pollfd){.fd = f->to, .events = POLLOUT};
	return (struct pollfd){.fd = f->from, .events = POLLIN};
}

/*
 * Does one step, a read or a write. Only poll(2) waits. A process that does not read its terminal
 * may still be writing to it, and somebody may want to end it. Returns false at the end of either
 * side.
 */
static bool flow(struct flow *f)
{
	bool reads = f->start == f->end;
	ssize_t n = reads ? read(f->from, f->data, sizeof(f->data))
			  : write(f->to, f->data + f->start, f->end - f->start);

	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (reads)
		f->start = 0, f->end = (size_t)n;
	else
		f->start += (size_t)n;
	return n > 0;
}

/* Reading a terminal fails with EIO once nobody else has it open. */
static void relay(const struct pollfd *input, const struct pollfd *output)
{
	if (output->revents && !flow(&self.output))
		close_master();
	if (input->revents && self.input.from >= 0 && !flow(&self.input))
		self.input.from = -1;
}

/* ---- until the process ends ---- */

static bool is_last_word(const struct signalfd_siginfo *info, bool over)
{
	switch (info->ssi_signo) {
	case SIGHUP:
		return over || info->ssi_code == SI_KERNEL;
	case SIGINT:
	case SIGQUIT:
	case SIGTERM:
		return over;
	default:
		return false;
	}
}

/*
 * Passes our signals on to the process, except SIGCHLD. Stops of our terminal do not come here. If
 * our terminal is hung up, so is the process's, and its shell ends. The kernel says so (SI_KERNEL):
 * a SIGHUP by kill(2) is passed on. Once the process has been reaped (`over`), its pid may be
 * somebody else's, and signals go to nobody. What is left is its output, and somebody who wants an
 * end does not wait until it is read.
 */
static void signal_event(pid_t pid, bool over)
{
	struct signalfd_siginfo info;

	if (read(self.signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGWINCH && self.master >= 0)
		copy_size();
	else if (self.master >= 0 && is_last_word(&info, over))
		close_master();
	else if (info.ssi_signo != SIGCHLD && !over)
		(void)kill(pid, (int)info.ssi_signo);
}

/*
 * Returns the process's status as of wait(2), once its terminal has been read to the end as well.
 */
static int wait_for(pid_t pid)
{
	int status = 0;
	bool over = has_ended(pid, &status);

	while (!over || self.master >= 0) {
		struct pollfd fds[] = {
			{.fd = self.signals, .events = POLLIN},
			flow_waits_for(&self.input),
			flow_waits_for(&self.output),
		};
		if (poll(fds, 3, -1) < 0)
			continue;
		relay(&fds[1], &fds[2]);
		if (fds[0].revents)
			signal_event(pid, over);
		over = over || has_ended(pid, &status);
	}
	return status;
}

static int take_signals(void)
{
	sigset_t all;

	sigfillset(&all);
	sigdelset(&all, SIGTSTP);
	sigdelset(&all, SIGTTIN);
	sigdelset(&all, SIGTTOU);
	sigdelset(&all, SIGPIPE);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_DFL); /* if the caller ignores it, nobody could be waited for */
	sigprocmask(SIG_SETMASK, &all, NULL);
	return signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The command that makes the process is the first `count` of `words`. */
static void keep_command(char **words, int count)
{
	self.command = calloc((size_t)count + 1, sizeof(*self.command));
	if (!self.command)
		fail("no memory");
	memcpy(self.command, words, (size_t)count * sizeof(*words));
}

int main(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+sf:")) != -1)
		if (c == 'f')
			self.failure = atoi(optarg);
		else if (c == 's')
			self.relays = true;
	int count = optind < argc ? atoi(argv[optind]) : 0;
	if (count < 1 || count > argc - optind - 1)
		failx("usage: foreground [-s] [-f STATUS] COUNT START-WORD… [END-WORD…]");
	char **words = argv + optind + 1;

	keep_command(words, count);
	self.signals = take_signals();
	if (self.signals < 0)
		give_up("wait for", "signals");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	make_meeting_place();
	tell_size();
	pid_t pid = start_process() ? read_pid() : 0;
	if (pid > 0)
		self.master = terminal_receive(self.listener);
	remove_meeting_place();
	if (pid == 0)
		return self.failure;
	if (self.master >= 0) {
		open_flows();
		copy_size();
		make_raw();
	}
	pass_kept_signals(pid);
	int status = exit_status(wait_for(pid));
	restore_terminal();
	if (words[count])
		clean_up(words + count, pid);
	return status;
}
