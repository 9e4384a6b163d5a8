/* SPDX-License-Identifier: Apache-2.0 */
#include "confine.h"

#include "helpers/shared/common.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The headers of linux-libc-dev use these two types but define them nowhere. */
typedef uint16_t domid_t;
#include <xen/evtchn.h>

/* sys/mount.h cannot be used beside linux/mount.h. */
#define MNT_DETACH 2

/* ---- names ---- */

int confine_proc(void)
{
	int proc = (int)syscall(SYS_open_tree, AT_FDCWD, "/proc/self/fd",
				OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (proc < 0)
		fail("cannot open /proc/self/fd");
	return proc;
}

/*
 * The old root lies below the new one for a moment, at the same place. pivot_root(2) refuses an
 * initramfs as the old root. There, the directory is moved over it, as switch_root does. Nobody who
 * has no CAP_SYS_CHROOT, and no descriptor from outside, gets out of that.
 */
void confine_tree(const char *directory)
{
	if (chdir(directory) < 0)
		fail("cannot enter %s", directory);
	if (syscall(SYS_pivot_root, ".", ".") == 0) {
		if (syscall(SYS_umount2, ".", MNT_DETACH) < 0)
			fail("cannot unmount what lies around %s", directory);
	} else if (errno != EINVAL || syscall(SYS_mount, ".", "/", NULL, MS_MOVE, NULL) < 0 ||
		   chroot(".") < 0) {
		fail("cannot make %s the root directory", directory);
	}
	if (chdir("/") < 0)
		fail("cannot change to the root directory");
}

/* ---- privileges ---- */

/*
 * Not among them: SYS_ADMIN, which trusted.* attributes and most security.* ones need, but which
 * also mounts; SYS_RESOURCE, with which no quota would hold; LINUX_IMMUTABLE and LEASE.
 */
static const unsigned int kept_capabilities[] = {
	CAP_CHOWN,	     /* owners that the guest gives to files */
	CAP_DAC_OVERRIDE,    /* the guest's kernel has checked the permissions */
	CAP_DAC_READ_SEARCH, /* files are opened again by their handles */
	CAP_FOWNER,	     /* modes, times and attributes of files of others */
	CAP_FSETID,	     /* setgid bits that the guest sets stay */
	CAP_MKNOD,	     /* device nodes, which nobody opens here */
	CAP_SETGID,	     /* the group of what is made */
	CAP_SETUID,	     /* and its owner */
	CAP_SETFCAP,	     /* the attribute security.capability */
};

/* Descriptors: 2 sessions' limits (session.h), and a few of our own. */
#define DESCRIPTORS 65536
#define MEMORY	    (256UL << 20)

static void limit(int resource, rlim_t most)
{
	const struct rlimit both = {most, most};
	struct rlimit now;

	if (setrlimit(resource, &both) == 0)
		return;
	/* In a container that itself has few, we have what there is. */
	if (getrlimit(resource, &now) < 0)
		fail("cannot read a limit of resources");
	now.rlim_cur = now.rlim_max;
	if (setrlimit(resource, &now) < 0)
		fail("cannot set a limit of resources");
}

static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct sets[2] = {0};

	for (size_t i = 0; i < ARRAY_SIZE(kept_capabilities); i++)
		sets[kept_capabilities[i] / 32].permitted |= 1U << kept_capabilities[i] % 32;
	/* EINVAL: the kernel knows no more. */
	for (unsigned int i = 0; i < 64; i++)
		if (!(sets[i / 32].permitted & 1U << i % 32) &&
		    prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0 && errno != EINVAL)
			fail("cannot drop capabilities");
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		sets[i].effective = sets[i].permitted;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
	    syscall(SYS_capset, &header, sets) < 0)
		fail("cannot drop capabilities");
}

void confine_privileges(void)
{
	limit(RLIMIT_NOFILE, DESCRIPTORS);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_MEMLOCK, 0);
#ifndef __SANITIZE_ADDRESS__ /* whose shadow takes terabytes of addresses */
	limit(RLIMIT_AS, MEMORY);
#endif
	drop_capabilities();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		fail("cannot give up privileges");
}

/* ---- system calls ---- */

#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#elif defined(__arm__)
#define MACHINE AUDIT_ARCH_ARM
#else
/* cppcheck-suppress preprocessorErrorDirective ; cppcheck stands for no machine */
#error "no list of system calls for this machine"
#endif

/*
 * The most frequent ones come first. Not all machines have all of them, nor under the same name:
 * 32-bit machines have wider variants of some.
 */
static const unsigned int allowed_calls[] = {
	/* the rings, threads and memory */
	SYS_read,
	SYS_write,
	SYS_futex,
	SYS_ppoll,
	SYS_madvise,
	SYS_munmap,
	SYS_brk,
	SYS_mremap,
	SYS_exit,
	SYS_exit_group,
	SYS_rt_sigprocmask,
	SYS_rt_sigaction,
	SYS_rt_sigreturn,
	SYS_sigaltstack,
	SYS_restart_syscall,
	SYS_gettid,
	SYS_getpid,
	SYS_tkill,
	SYS_tgkill,
	SYS_sched_yield,
	SYS_set_robust_list,
	SYS_set_tid_address,
#ifdef SYS_clock_gettime
	SYS_clock_gettime,
	SYS_clock_nanosleep,
#else /* musl's names for 32-bit machines */
	SYS_clock_gettime32,
	SYS_clock_nanosleep_time32,
#endif
	SYS_nanosleep,
	SYS_getrandom,
	/* files */
	SYS_openat,
	SYS_openat2,
	SYS_close,
	SYS_statx,
	SYS_fstat,
	SYS_pread64,
	SYS_pwrite64,
	SYS_getdents64,
	SYS_readlinkat,
	SYS_lseek,
	SYS_fcntl,
	SYS_dup3,
	SYS_fsync,
	SYS_fdatasync,
	SYS_fstatfs,
	SYS_ftruncate,
	SYS_truncate,
	SYS_flock,
	SYS_fchmod,
	SYS_fchmodat,
	SYS_fchown,
	SYS_fchownat,
	SYS_utimensat,
	SYS_mkdirat,
	SYS_mknodat,
	SYS_symlinkat,
	SYS_linkat,
	SYS_unlinkat,
	SYS_renameat2,
	SYS_setfsuid,
	SYS_setfsgid,
	SYS_name_to_handle_at,
	SYS_open_by_handle_at,
	/* their attributes, by the name of a descriptor in /proc/self/fd */
	SYS_getxattr,
	SYS_setxattr,
	SYS_listxattr,
	SYS_removexattr,
#ifdef SYS_newfstatat
	SYS_newfstatat,
#endif
#ifdef SYS_renameat
	SYS_renameat,
#endif
#ifdef SYS_poll
	SYS_poll,
#endif
#ifdef SYS_pause
	SYS_pause,
#endif
#ifdef SYS_fchmodat2
	SYS_fchmodat2,
#endif
#ifdef SYS_rseq
	SYS_rseq,
#endif
#ifdef __arm__
	SYS_fstat64,
	SYS_fstatat64,
	SYS__llseek,
	SYS_fcntl64,
	SYS_fstatfs64,
	SYS_ftruncate64,
	SYS_truncate64,
	SYS_fchown32,
	SYS_setfsuid32,
	SYS_setfsgid32,
	SYS_sigreturn,
#ifdef SYS_clock_gettime64
	SYS_clock_gettime64,
	SYS_clock_nanosleep_time64,
	SYS_futex_time64,
	SYS_ppoll_time64,
	SYS_utimensat_time64,
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
	SYS_prctl,
	SYS_sched_getaffinity,
	SYS_prlimit64,
	SYS_readlink,
#endif
};

#ifdef SYS_mmap2
#define SYS_MMAP SYS_mmap2
#else
#define SYS_MMAP SYS_mmap
#endif

/* A call that is allowed if `value` is what `mask` leaves of its argument (from 0, the low half).
 */
static const struct {
	unsigned int call, argument;
	uint32_t mask, value;
} allowed_arguments[] = {
	{SYS_ioctl, 1, UINT32_MAX, IOCTL_EVTCHN_NOTIFY},
	{SYS_MMAP, 2, PROT_EXEC, 0},
	{SYS_mprotect, 2, PROT_EXEC, 0},
	{SYS_clone, 0, CLONE_THREAD, CLONE_THREAD},
};

/*
 * What is not allowed fails with EPERM, and does not end the server: it may be a call that a new C
 * library tries first. clone3, whose flags a filter cannot see, fails with ENOSYS, and the library
 * uses clone.
 */
#define REFUSE(error)	    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
#define LOAD(offset)	    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offset))
#define ALLOW		    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define KILL		    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
#define UNLESS(value, over) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, over)

struct program {
	unsigned short count;
	struct sock_filter
		code[16 + 2 * ARRAY_SIZE(allowed_calls) + 6 * ARRAY_SIZE(allowed_arguments)];
};

static void add(struct program *p, struct sock_filter instruction)
{
	p->code[p->count++] = instruction;
}

static void add_machine(struct program *p)
{
	add(p, (struct sock_filter)LOAD(offsetof(struct seccomp_data, arch)));
	add(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0));
	add(p, (struct sock_filter)KILL);
	add(p, (struct sock_filter)LOAD(offsetof(struct seccomp_data, nr)));
}

/* Numbers from 2^30 are x32's on x86_64; they are in no list. */
static void add_calls(struct program *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(allowed_calls); i++) {
		add(p, (struct sock_filter)UNLESS(allowed_calls[i], 1));
		add(p, (struct sock_filter)ALLOW);
	}
}

static void add_arguments(struct program *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(allowed_arguments); i++) {
		add(p, (struct sock_filter)UNLESS(allowed_arguments[i].call, 5));
		add(p, (struct sock_filter)LOAD(offsetof(struct seccomp_data, args) +
						8 * allowed_arguments[i].argument));
		add(p, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K,
						    allowed_arguments[i].mask));
		add(p, (struct sock_filter)UNLESS(allowed_arguments[i].value, 1));
		add(p, (struct sock_filter)ALLOW);
		add(p, (struct sock_filter)REFUSE(EPERM));
	}
}

void confine_calls(void)
{
	static struct program p;

	add_machine(&p);
	add_calls(&p);
	add_arguments(&p);
	add(&p, (struct sock_filter)UNLESS(SYS_clone3, 1));
	add(&p, (struct sock_filter)REFUSE(ENOSYS));
	add(&p, (struct sock_filter)REFUSE(EPERM));
	const struct sock_fprog whole = {.len = p.count, .filter = p.code};
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &whole) < 0)
		fail("cannot restrict system calls (the kernel needs CONFIG_SECCOMP_FILTER)");
}
