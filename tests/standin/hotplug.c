/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As tools/libs/light/libxl_linux.c and libxl_device.c have it (Xen 4.17): what a script gets in
 * its environment, what it is told, and how its failure is said. A device that could not be added
 * to a running domain stays until the domain ends, as libxl leaves it.
 */
#include "hotplug.h"

#include "ask.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct device {
	const char *domid, *kind;
	char devid[16], script[1024];
};

static bool refused(const char *what, const char *problem)
{
	warnx("libxl: error: libxl_device.c:1: %s: %s", what, problem);
	return false;
}

/* Copies the value of `key` in "key=value,key=value". False: it is not there. */
static bool value_of(const char *words, const char *key, char *value, size_t size)
{
	const size_t length = strlen(key);

	for (const char *at = words; *at; at += strcspn(at, ","), at += *at == ',')
		if (!strncmp(at, key, length) && at[length] == '=') {
			at += length + 1;
			snprintf(value, size, "%.*s", (int)strcspn(at, ","), at);
			return true;
		}
	return false;
}

/* ---- scripts ---- */

__attribute__((noreturn)) static void be_script(const struct device *d, const char *action)
{
	char path[64], vif[32];
	bool network = !strcmp(d->kind, "vif");

	snprintf(path, sizeof(path), "backend/%s/%s/%s", d->kind, d->domid, d->devid);
	snprintf(vif, sizeof(vif), "vif%s.%s", d->domid, d->devid);
	setenv("script", d->script, 1);
	setenv("XENBUS_TYPE", d->kind, 1);
	setenv("XENBUS_PATH", path, 1);
	setenv("XENBUS_BASE_PATH", "backend", 1);
	if (network)
		setenv("vif", vif, 1);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	execl(d->script, d->script, action, network ? "type_if=vif" : NULL, NULL);
	_exit(127);
}

/* False where it failed; what it wrote to xenstore has then been said. */
static bool run_script(const struct device *d, bool add)
{
	const char *problem, *error, *action;
	int status;

	if (!strcmp(d->kind, "vif"))
		action = add ? "online" : "offline";
	else
		action = add ? "add" : "remove";
	pid_t pid = fork();
	if (pid < 0)
		return refused("fork", strerror(errno));
	if (pid == 0)
		be_script(d, action);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status == 0)
		return true;
	warnx("libxl: error: libxl_exec.c:117:libxl_report_child_exitstatus: Domain %s:%s %s [%d] "
	      "%s %d",
	      d->domid, d->script, action, pid,
	      WIFEXITED(status) ? "exited with error status" : "died due to fatal signal",
	      WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	error = ask(&problem, "read", "/local/domain/0/backend/%s/%s/%s/hotplug-error", d->kind,
		    d->domid, d->devid);
	if (error)
		warnx("libxl: error: libxl_device.c:1262:device_hotplug_child_death_cb: Domain "
		      "%s:script: %s",
		      d->domid, error);
	return false;
}

/* ---- devices ---- */

/* The nodes of a device that its script reads. */
static void nodes_of(const char *kind, const char *words, char *nodes, size_t size)
{
	static const struct {
		const char *kind, *word, *node;
	} read[] = {{"vbd", "target", "params"}, {"vbd", "access", "mode"},
		    {"vbd", "vdev", "dev"},	 {"vif", "mac", "mac"},
		    {"vif", "bridge", "bridge"}, {"9pfs", "path", "path"}};
	char value[2048];
	size_t used = 0;

	*nodes = '\0';
	for (size_t i = 0; i < sizeof(read) / sizeof(read[0]) && used < size; i++) {
		if (strcmp(read[i].kind, kind) != 0 ||
		    !value_of(words, read[i].word, value, sizeof(value)))
			continue;
		/* libxl knows r and w, and xl.cfg knows ro and rw as well. */
		if (!strcmp(read[i].node, "mode"))
			snprintf(value, sizeof(value), "%s", strchr(value, 'w') ? "w" : "r");
		used += (size_t)snprintf(nodes + used, size - used, "%s=%s\n", read[i].node, value);
	}
}

bool hotplug_add(const char *domid, const char *kind, const char *words)
{
	struct device d = {.domid = domid, .kind = kind};
	const char *problem, *answer;
	char nodes[3000];

	(void)value_of(words, "script", d.script, sizeof(d.script));
	nodes_of(kind, words, nodes, sizeof(nodes));
	answer = ask(&problem, "device-add", "%s\n%s\nscript=%s\n%s", domid, kind, d.script, nodes);
	if (!answer)
		return refused(kind, problem);
	snprintf(d.devid, sizeof(d.devid), "%.*s", (int)strcspn(answer, "\n"), answer);
	if (*d.script && !run_script(&d, true))
		return false;
	if (!ask(&problem, "device-connect", "%s\n%s\n%s", domid, kind, d.devid))
		return refused(kind, problem);
	return true;
}

static void remove_device(const struct device *d)
{
	const char *problem;

	(void)ask(&problem, "device-close", "%s\n%s\n%s", d->domid, d->kind, d->devid);
	if (*d->script)
		(void)run_script(d, false);
	(void)ask(&problem, "device-remove", "%s\n%s\n%s", d->domid, d->kind, d->devid);
}

void hotplug_remove_all(const char *domid)
{
	const char *problem, *answer = ask(&problem, "device-list", "%s", domid);
	char *lines = answer ? strdup(answer) : NULL, kind[16], *at;
	struct device d = {.domid = domid, .kind = kind};

	for (at = lines; at && *at; at = strchrnul(at, '\n'), at += *at == '\n') {
		d.script[0] = '\0';
		if (sscanf(at, "%15s %15s %1023[^\n]", kind, d.devid, d.script) >= 2)
			remove_device(&d);
	}
	free(lines);
}

/* ---- QEMU ---- */

/* Holds its mount namespace, which is that of xl, and does nothing else. */
__attribute__((noreturn)) static void be_qemu(const char *domid, int ready)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char byte = 0;

	(void)prctl(PR_SET_NAME, "standin-qemu");
	setsid();
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		(void)dup2(null, fd);
	int domain = ask_and_stay("qemu", "%s", domid);
	if (domain < 0)
		_exit(1);
	(void)!write(ready, &byte, 1);
	close(ready);
	(void)recv(domain, &byte, 1, 0);
	_exit(0);
}

bool hotplug_start_qemu(const char *domid)
{
	int ends[2];
	char byte;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return refused("pipe", strerror(errno));
	pid_t pid = fork();
	if (pid == 0)
		be_qemu(domid, ends[1]);
	close(ends[1]);
	bool up = pid > 0 && read(ends[0], &byte, 1) == 1;
	close(ends[0]);
	return up || refused("device model did not start", strerror(errno));
}
