/* SPDX-License-Identifier: Apache-2.0 */
/* PID 1 of the smallest VM: it writes one line to the console, and does nothing more. */
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void)
{
	mkdir("/dev", 0755);
	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	int console = open("/dev/hvc0", O_WRONLY | O_NOCTTY);
	(void)!write(console, "up\n", 3);
	for (;;)
		pause();
}
