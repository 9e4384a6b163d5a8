/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The console socket's protocol is in runc's docs/terminals.md: one message with at least one byte
 * and exactly one descriptor.
 */
#include "terminal.h"

#include "common.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

void terminal_raw(int slave)
{
	struct termios t;

	if (tcgetattr(slave, &t) < 0)
		return;
	cfmakeraw(&t);
	tcsetattr(slave, TCSANOW, &t);
}

void terminal_size(int slave, uint32_t *rows, uint32_t *columns)
{
	struct winsize w = {0};

	(void)ioctl(slave, TIOCGWINSZ, &w);
	*rows = w.ws_row;
	*columns = w.ws_col;
}

void terminal_parse_size(const char *text, uint16_t *rows, uint16_t *columns)
{
	unsigned int r, c;

	if (sscanf(text, "%ux%u", &r, &c) != 2)
		return;
	*rows = (uint16_t)r;
	*columns = (uint16_t)c;
}

void terminal_control(int slave)
{
	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		fail("cannot make the pty the controlling terminal");
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/*
	 * In a deep temporary folder the path is longer than the 108 bytes of sun_path. So the
	 * address names a descriptor of it, as in runc.
	 */
	int at = open(path, O_PATH | O_CLOEXEC);

	if (s < 0 || at < 0)
		fail("cannot open the console socket %s", path);
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d", at);
	if (connect(s, (struct sockaddr *)&address, sizeof(address)) < 0)
		fail("cannot connect to the console socket %s", path);
	close(at);
	return s;
}

static void send_master(int s, int master, char *name)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec data = {.iov_base = name, .iov_len = strlen(name)};
	struct msghdr m = {.msg_iov = &data,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &master, sizeof(int));
	if (sendmsg(s, &m, MSG_NOSIGNAL) < 0)
		fail("cannot send the terminal to the console socket");
}

/* It came as one message with one descriptor (runc's docs/terminals.md). */
int terminal_receive(int listener)
{
	char name[4096], space[CMSG_SPACE(sizeof(int))];
	struct iovec data = {.iov_base = name, .iov_len = sizeof(name)};
	struct msghdr m = {.msg_iov = &data,
			   .msg_iovlen = 1,
			   .msg_control = space,
			   .msg_controllen = sizeof(space)};
	int master = -1, s = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (s < 0)
		return -1;
	struct cmsghdr *c = recvmsg(s, &m, MSG_CMSG_CLOEXEC) > 0 ? CMSG_FIRSTHDR(&m) : NULL;
	if (c)
		memcpy(&master, CMSG_DATA(c), sizeof(master));
	close(s);
	return master;
}

int terminal_open(const char *path, uint16_t rows, uint16_t columns)
{
	struct winsize size = {.ws_row = rows, .ws_col = columns};
	char name[64];
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 ||
	    ptsname_r(master, name, sizeof(name)) != 0)
		fail("cannot make a terminal");
	int slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		fail("cannot open the terminal %s", name);
	terminal_raw(slave);
	if (rows && columns)
		(void)ioctl(slave, TIOCSWINSZ, &size);

	int s = connect_to(path);
	send_master(s, master, name);
	close(s);
	close(master);
	return slave;
}
