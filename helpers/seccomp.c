/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns a container's seccomp profile into the program that the guest's kernel will run.
 *
 * usage: seccomp <PROFILE >>DESCRIPTION
 *
 * The profile is a list of `key=value` records, each ended by a NUL (lib/json/plan.jq):
 *
 *   default=ACTION    the action if no rule matches: a SECCOMP_RET_* with its data, decimal
 *   flags=MASK        flags of seccomp(2) in the guest, decimal
 *   arch=NAME         an architecture by libseccomp's name; once for each
 *   action=ACTION     begins a rule
 *   arg=INDEX:OPERATOR:VALUE:VALUE
 *                     a condition of the rule; OPERATOR is a number of enum scmp_compare
 *   name=SYSCALL      a system call of the rule; once for each, after its conditions
 *
 * The output is one record, `seccomp=FLAGS:PROGRAM` (docs/guest-interface.md). The guest's kernel
 * has the architecture of this program, but it is not the kernel that runs here. So the kernel here
 * is not asked what it supports.
 */
#include "helpers/shared/common.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define ARCHES_MAX     3 /* one kernel has no more */
#define CONDITIONS_MAX 64
#define CALL_ARGUMENTS 6
/*
 * Five rules for one system call, with six conditions each, keep libseccomp 2.5.4 busy for ever.
 * Docker's profile takes hundredths of a second.
 */
#define SECONDS_MAX 10
/*
 * All system calls have numbers below this. Above it are the numbers of x32 and the private ones of
 * 32-bit Arm.
 */
#define NUMBERS_END 0xf0000

struct profile {
	scmp_filter_ctx filter;
	uint32_t default_action;
	unsigned int flags;
	struct {
		uint32_t token;
		int newest; /* highest number of the system calls that the profile names */
	} arches[ARCHES_MAX];
	unsigned int arch_count;

	/* The rule that was begun last. */
	bool in_rule;
	uint32_t action;
	struct scmp_arg_cmp conditions[CONDITIONS_MAX];
	unsigned int condition_count;
	unsigned int rule_count;
};

static void must(int result, const char *doing, const char *name)
{
	if (result >= 0 || result == -EEXIST)
		return;
	errno = -result;
	fail("linux.seccomp: libseccomp cannot %s%s", doing, name);
}

static uint64_t number(const char *text, char **end)
{
	errno = 0;
	uint64_t value = strtoull(text, end, 10);

	if (errno || *end == text)
		failx("linux.seccomp: not a 64-bit number: %s", text);
	return value;
}

/*
 * True if the guest can run programs of this architecture. Rules for other architectures would only
 * make the program longer, because their calls cannot be made in the guest.
 */
static bool runs_here(uint32_t arch)
{
	static const uint32_t compatible[][2] = {
		{SCMP_ARCH_X86_64, SCMP_ARCH_X86},
		{SCMP_ARCH_X86_64, SCMP_ARCH_X32},
		{SCMP_ARCH_AARCH64, SCMP_ARCH_ARM},
	};
	uint32_t native = seccomp_arch_native();

	for (size_t i = 0; i < ARRAY_SIZE(compatible); i++)
		if (compatible[i][0] == native && compatible[i][1] == arch)
			return true;
	return arch == native;
}

static void add_arch(struct profile *p, uint32_t arch)
{
	for (unsigned int i = 0; i < p->arch_count; i++)
		if (p->arches[i].token == arch)
			return;
	if (p->arch_count == ARCHES_MAX)
		failx("linux.seccomp: too many architectures");
	p->arches[p->arch_count++].token = arch;
	must(seccomp_arch_add(p->filter, arch), "add an architecture", "");
}

static void begin(struct profile *p, uint32_t action)
{
	/*
	 * Otherwise libseccomp asks the kernel here what it supports. Level 4 has everything except
	 * SCMP_ACT_NOTIFY.
	 */
	must(seccomp_api_set(4), "set the API level", "");
	p->filter = seccomp_init(action);
	if (!p->filter)
		failx("linux.seccomp: libseccomp does not accept the default action");
	p->default_action = action;
	add_arch(p, seccomp_arch_native());
}

static void add_condition(struct profile *p, const char *value)
{
	uint64_t fields[4];
	char *at = NULL;

	if (p->condition_count == CONDITIONS_MAX)
		failx("linux.seccomp: a rule has more than %d args", CONDITIONS_MAX);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		fields[i] = number(at ? at + 1 : value, &at);
		if (*at != (i < ARRAY_SIZE(fields) - 1 ? ':' : '\0'))
			failx("linux.seccomp: not INDEX:OPERATOR:VALUE:VALUE: %s", value);
	}
	if (fields[0] >= CALL_ARGUMENTS)
		failx("linux.seccomp: no system call has an argument with this index: %s", value);
	p->conditions[p->condition_count++] = (struct scmp_arg_cmp){
		(unsigned int)fields[0], (enum scmp_compare)fields[1], fields[2], fields[3]};
}

/*
 * True if two conditions are about the same argument. With runc they are alternatives. libseccomp
 * has no such rules, so each condition becomes a rule of its own.
 */
static bool are_alternatives(const struct profile *p)
{
	unsigned int seen = 0;

	for (unsigned int i = 0; i < p->condition_count; i++) {
		if (seen & 1u << p->conditions[i].arg)
			return true;
		seen |= 1u << p->conditions[i].arg;
	}
	return false;
}

static void note_number(struct profile *p, const char *name)
{
	for (unsigned int i = 0; i < p->arch_count; i++) {
		int nr = seccomp_syscall_resolve_name_arch(p->arches[i].token, name);
		if (nr > p->arches[i].newest && nr < NUMBERS_END)
			p->arches[i].newest = nr;
	}
}

/* Unknown names are ignored, as runtime-spec wants. */
static void add_rule(struct profile *p, const char *name)
{
	int nr = seccomp_syscall_resolve_name(name);

	if (nr == __NR_SCMP_ERROR)
		return;
	note_number(p, name);
	if (p->action == p->default_action)
		return;
	p->rule_count++;
	if (!are_alternatives(p)) {
		must(seccomp_rule_add_array(p->filter, p->action, nr, p->condition_count,
					    p->conditions),
		     "add a rule for ", name);
		return;
	}
	for (unsigned int i = 0; i < p->condition_count; i++)
		must(seccomp_rule_add_array(p->filter, p->action, nr, 1, &p->conditions[i]),
		     "add a rule for ", name);
}

static void take(struct profile *p, const char *key, const char *value)
{
	char *end;

	if (!strcmp(key, "default") && !p->filter)
		begin(p, (uint32_t)number(value, &end));
	else if (!p->filter)
		failx("linux.seccomp: the profile does not begin with a default action");
	else if (!strcmp(key, "flags"))
		p->flags = (unsigned int)number(value, &end);
	else if (!strcmp(key, "arch")) {
		uint32_t arch = seccomp_arch_resolve_name(value);
		if (runs_here(arch))
			add_arch(p, arch);
	} else if (!strcmp(key, "action")) {
		p->action = (uint32_t)number(value, &end);
		p->in_rule = true;
		p->condition_count = 0;
	} else if (!strcmp(key, "arg") && p->in_rule)
		add_condition(p, value);
	else if (!strcmp(key, "name") && p->in_rule)
		add_rule(p, value);
	else
		failx("linux.seccomp: the profile has an unknown record: %s", key);
}

static void read_profile(struct profile *p)
{
	char *record = NULL;
	size_t size = 0;
	ssize_t length;

	while ((length = getdelim(&record, &size, '\0', stdin)) > 0) {
		char *value = strchr(record, '=');
		if (!value || record[length - 1] != '\0')
			failx("linux.seccomp: the profile is incomplete");
		*value = '\0';
		take(p, record, value + 1);
	}
	if (ferror(stdin) || !p->filter)
		failx("linux.seccomp: the profile is empty or cannot be read");
	free(record);
}

/*
 * Writes the part of the program that comes first, and returns its number of instructions. A system
 * call that is newer than all calls in the profile fails with ENOSYS instead of the default action.
 * C libraries try the newest call first. After ENOSYS they do without it, but they take EPERM for
 * the answer. runc does the same. If the default action lets the call pass, this part is not
 * needed.
 */
static size_t make_stub(const struct profile *p, struct sock_filter *program)
{
	uint32_t action = p->default_action & SECCOMP_RET_ACTION_FULL;
	size_t count = 0;

	if (action == SECCOMP_RET_ALLOW || action == SECCOMP_RET_LOG || action == SECCOMP_RET_TRACE)
		return 0;
	for (unsigned int i = 0; i < p->arch_count; i++) {
		const struct sock_filter section[] = {
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
			BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, p->arches[i].token, 0, 4),
			BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
			BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, (uint32_t)p->arches[i].newest, 0, 2),
			BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, NUMBERS_END, 1, 0),
			BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		};
		/*
		 * The kernel never reports x32's token. x32's calls are x86_64's with one bit set.
		 */
		if (!p->arches[i].newest || p->arches[i].token == SCMP_ARCH_X32)
			continue;
		memcpy(program + count, section, sizeof(section));
		count += ARRAY_SIZE(section);
	}
	return count;
}

/* libseccomp before 2.6 exports only to a descriptor. */
static size_t export(const struct profile *p, struct sock_filter *program, size_t room)
{
	int fd = memfd_create("seccomp", MFD_CLOEXEC);

	if (fd < 0)
		fail("linux.seccomp: no memory for the program");
	/*
	 * With more than 32 rules a tree replaces the list, as in runc. Small profiles gain nothing
	 * by it.
	 */
	if (p->rule_count > 32)
		must(seccomp_attr_set(p->filter, SCMP_FLTATR_CTL_OPTIMIZE, 2),
		     "set the optimisation level", "");
	must(seccomp_export_bpf(p->filter, fd), "make the program", "");
	off_t size = lseek(fd, 0, SEEK_END);
	if (size > (off_t)(room * sizeof(*program)))
		failx("linux.seccomp: the profile is too long: the kernel takes %d instructions",
		      BPF_MAXINSNS);
	if (size <= 0 || pread(fd, program, (size_t)size, 0) != size)
		fail("linux.seccomp: cannot read the program");
	close(fd);
	return (size_t)size / sizeof(*program);
}

static void out_of_time(int signal_number)
{
	static const char words[] = "linux.seccomp: libseccomp needs too much time for the "
				    "conditions (args) of the profile: use fewer\n";

	(void)signal_number;
	(void)!write(STDERR_FILENO, words, sizeof(words) - 1);
	_exit(EXIT_HELPER);
}

/* A lower limit of the caller stays. */
static void limit_time(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_CPU, &limit) < 0)
		return;
	if (limit.rlim_cur > SECONDS_MAX)
		limit.rlim_cur = SECONDS_MAX;
	signal(SIGXCPU, out_of_time);
	(void)setrlimit(RLIMIT_CPU, &limit);
}

int main(void)
{
	static struct sock_filter program[BPF_MAXINSNS];
	struct profile profile = {0};

	limit_time();
	read_profile(&profile);
	size_t count = make_stub(&profile, program);
	count += export(&profile, program + count, BPF_MAXINSNS - count);
	seccomp_release(profile.filter);

	printf("seccomp=%u:", profile.flags);
	for (size_t i = 0; i < count; i++)
		printf("%04x%02x%02x%08x", program[i].code, program[i].jt, program[i].jf,
		       program[i].k);
	putchar('\0');
	if (fflush(stdout) < 0)
		fail("cannot write the container's seccomp program");
	return 0;
}
