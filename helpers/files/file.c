/* SPDX-License-Identifier: Apache-2.0 */
#include "file.h"

#include "helpers/shared/common.h"
#include "ranges.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * The locks of one process of the guest on one inode: one open file description. It goes when there
 * is no lock and no call at work on it, or with the last file by which locks were set.
 */
struct owner {
	struct owner *next;
	dev_t device;
	ino_t inode;
	uint32_t process;
	struct used *used;
	size_t calls;
	int fd;
	bool writable;
	short whole;	      /* what flock(2) has locked, or F_UNLCK */
	struct ranges ranges; /* what F_OFD_SETLK has locked */
};

/* That a file uses an owner. It is in a list of each. `in_*` is what points to it there. */
struct used {
	struct owner *owner;
	struct used *next_of_file, **in_file;
	struct used *next_of_owner, **in_owner;
};

static int result(int r)
{
	return r < 0 ? -errno : r;
}

void files_begin(struct files *files, struct tree *tree, size_t open_most, size_t ranges_most)
{
	*files = (struct files){.tree = tree, .open_most = open_most, .ranges_most = ranges_most};
	pthread_mutex_init(&files->lock, NULL);
}

void files_end(struct files *files)
{
	pthread_mutex_destroy(&files->lock);
}

/* ---- opening and closing ---- */

/* Opens the inode of `fd` once more. */
static int reopen(const struct files *files, int fd, int flags)
{
	char link[TREE_LINK];

	tree_link_name(link, fd);
	return result(openat(tree_proc(files->tree), link, flags | O_CLOEXEC | O_NOCTTY));
}

/* Counts one more descriptor, or returns -ENFILE. */
static int count(struct files *files)
{
	pthread_mutex_lock(&files->lock);
	bool room = files->open < files->open_most;
	files->open += room;
	pthread_mutex_unlock(&files->lock);
	return room ? 0 : -ENFILE;
}

static void uncount(struct files *files)
{
	pthread_mutex_lock(&files->lock);
	files->open--;
	pthread_mutex_unlock(&files->lock);
}

/* Makes the file of `fd`, which it owns, or of the error in `fd`. It has been counted. */
static int make_file(struct files *files, struct node *node, int fd, int flags, struct file **file)
{
	struct file *new = fd < 0 ? NULL : calloc(1, sizeof(*new));

	if (!new) {
		if (fd >= 0)
			close(fd);
		uncount(files);
		return fd < 0 ? fd : -ENOMEM;
	}
	*new = (struct file){.files = files,
			     .references = 1,
			     .fd = fd,
			     .writable = (flags & O_ACCMODE) != O_RDONLY,
			     .whole = F_UNLCK,
			     .node = node};
	node_keep(files->tree, node);
	pthread_mutex_init(&new->place, NULL);
	*file = new;
	return 0;
}

int file_open(struct files *files, struct node *node, int flags, struct file **file)
{
	if (S_ISLNK(node->type))
		return -ELOOP;
	if (!S_ISREG(node->type) && !S_ISDIR(node->type))
		return -ENXIO;
	int r = count(files);
	return r < 0 ? r : make_file(files, node, reopen(files, node->fd, flags), flags, file);
}

/*
 * Opens what has the name already. It is looked at first: a FIFO would be opened by O_CREAT, too.
 */
static int open_existing(struct files *files, const struct node *in, const char *name, int flags,
			 struct file **file, struct node **node, struct stat *st)
{
	int fd = tree_step(in->fd, name, st);
	int r = fd < 0 ? fd : tree_adopt(files->tree, fd, st, node);

	if (r < 0)
		return r;
	r = node_hold(files->tree, *node, -1);
	if (r == 0) {
		r = S_ISDIR((*node)->type) ? -EISDIR : file_open(files, *node, flags, file);
		node_release(files->tree, *node);
	}
	if (r < 0)
		node_drop(files->tree, *node);
	return r;
}

/* Counts the descriptors of a file and of its node, or returns -ENFILE. */
static int reserve(struct files *files, struct node **node)
{
	int r = count(files);

	if (r < 0)
		return r;
	r = tree_reserve(files->tree, node);
	if (r < 0)
		uncount(files);
	return r;
}

/*
 * Makes the file and its node. There is room for both before there is a file: a guest that tries
 * ENFILE again must not find its own file there.
 */
static int create(struct files *files, const struct node *in, const char *name, int flags,
		  mode_t mode, struct file **file, struct node **node, struct stat *st)
{
	struct node *new;
	int r = reserve(files, &new);

	if (r < 0)
		return r;
	int fd = result(openat(in->fd, name, flags | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY,
			       mode & 07777));
	r = fd < 0 ? fd : result(fstat(fd, st));
	int path = r < 0 ? r : reopen(files, fd, O_PATH);
	if (path < 0) {
		if (fd >= 0)
			close(fd);
		tree_unreserve(files->tree, new);
		uncount(files);
		return path;
	}
	tree_fill(files->tree, new, path, st);
	r = make_file(files, new, fd, flags, file);
	if (r < 0)
		node_drop(files->tree, new);
	else
		*node = new;
	return r;
}

int file_create(struct files *files, const struct node *in, const char *name, int flags,
		mode_t mode, struct file **file, struct node **node, struct stat *st)
{
	int exclusive = flags & O_EXCL, r = -EEXIST;

	flags &= ~O_EXCL;
	/* Others may make the name and remove it between the two. */
	for (int tries = 0; tries < 4; tries++) {
		r = create(files, in, name, flags & ~O_TRUNC, mode, file, node, st);
		if (r != -EEXIST || exclusive)
			return r;
		r = open_existing(files, in, name, flags, file, node, st);
		if (r != -ENOENT)
			return r;
	}
	return r;
}

void file_keep(struct file *file)
{
	__atomic_add_fetch(&file->references, 1, __ATOMIC_RELAXED);
}

static void remove_used(struct used *used)
{
	*used->in_file = used->next_of_file;
	if (used->next_of_file)
		used->next_of_file->in_file = used->in_file;
	*used->in_owner = used->next_of_owner;
	if (used->next_of_owner)
		used->next_of_owner->in_owner = used->in_owner;
	free(used);
}

/* Ends the owner, and with it its locks. The caller has the lock of the files. */
static void remove_owner(struct files *files, struct owner *owner)
{
	struct owner **at = &files->owners;

	while (*at != owner)
		at = &(*at)->next;
	*at = owner->next;
	while (owner->used)
		remove_used(owner->used);
	files->open--;
	files->ranges -= owner->ranges.count;
	close(owner->fd);
	free(owner->ranges.all);
	free(owner);
}

/* A call that uses an owner has the file, too. So an owner without files has no calls either. */
static void leave_owners(struct file *file)
{
	struct files *files = file->files;

	pthread_mutex_lock(&files->lock);
	while (file->owners) {
		struct owner *owner = file->owners->owner;
		remove_used(file->owners);
		if (!owner->used)
			remove_owner(files, owner);
	}
	pthread_mutex_unlock(&files->lock);
}

void file_drop(struct file *file)
{
	if (__atomic_sub_fetch(&file->references, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	leave_owners(file);
	close(file->fd);
	uncount(file->files);
	pthread_mutex_destroy(&file->place);
	node_drop(file->files->tree, (struct node *)file->node);
	free(file);
}

/* ---- content ---- */

ssize_t file_read(struct file *file, void *to, size_t size, uint64_t offset)
{
	if (offset > INT64_MAX)
		return -EINVAL;
	ssize_t n = pread(file->fd, to, size, (off_t)offset);
	return n < 0 ? -errno : n;
}

ssize_t file_write(struct file *file, const void *from, size_t size, uint64_t offset)
{
	if (offset > INT64_MAX)
		return -EINVAL;
	/* With O_APPEND, Linux takes the end and not the offset. */
	ssize_t n = pwrite(file->fd, from, size, (off_t)offset);
	return n < 0 ? -errno : n;
}

int file_sync(struct file *file, bool data_only)
{
	return result(data_only ? fdatasync(file->fd) : fsync(file->fd));
}

/* What getdents64(2) writes; the names follow. */
struct entry {
	uint64_t inode;
	int64_t next;
	uint16_t size;
	uint8_t type;
	char name[];
};

/* Passes on the entries in `bytes`. Returns false if one found no room. */
static bool pass(struct file *file, const char *bytes, size_t size, file_entry *entry, void *to)
{
	for (size_t at = 0; at < size;) {
		const struct entry *e = (const struct entry *)(bytes + at);
		if (!entry(to, e->inode, (uint64_t)e->next, e->type, e->name, strlen(e->name)))
			return false;
		file->position = e->next;
		at += e->size;
	}
	return true;
}

static int list(struct file *file, size_t room, file_entry *entry, void *to)
{
	_Alignas(struct entry) char bytes[8192];
	size_t passed = 0;

	for (;;) {
		/*
		 * An entry of 9P is at most 4 bytes larger than Linux's, which has at least 24. So
		 * nothing is read that finds no room: going back costs much in large directories.
		 */
		size_t fits = passed < room ? (room - passed) / 28 * 24 : 0;
		if (fits < 280 && passed > 0)
			return 0;
		fits = fits < 280 ? 280 : fits < sizeof(bytes) ? fits : sizeof(bytes);
		long n = syscall(SYS_getdents64, file->fd, bytes, fits);
		if (n <= 0)
			return n < 0 && passed == 0 ? -errno : 0;
		off_t before = file->position;
		if (!pass(file, bytes, (size_t)n, entry, to)) {
			bool nothing = file->position == before;
			if (lseek(file->fd, file->position, SEEK_SET) < 0)
				return -errno;
			return nothing && passed == 0 ? -EINVAL : 0;
		}
		passed += (size_t)n / 24 * 28;
	}
}

int file_list(struct file *file, uint64_t offset, size_t room, file_entry *entry, void *to)
{
	int r = 0;

	if (offset > INT64_MAX)
		return -EINVAL;
	pthread_mutex_lock(&file->place);
	/* At 0 the directory is read anew, with what was made meanwhile. */
	if (offset == 0 || (off_t)offset != file->position) {
		if (lseek(file->fd, (off_t)offset, SEEK_SET) < 0)
			r = -errno;
		else
			file->position = (off_t)offset;
	}
	if (r == 0)
		r = list(file, room, entry, to);
	pthread_mutex_unlock(&file->place);
	return r;
}

/* ---- locks ---- */

/* Finds the owner of the process's locks on the inode. The caller has the lock. */
static struct owner *find_owner(const struct file *file, uint32_t process)
{
	struct owner *owner = file->files->owners;

	while (owner && !(owner->device == file->node->device &&
			  owner->inode == file->node->inode && owner->process == process))
		owner = owner->next;
	return owner;
}

static bool uses(const struct file *file, const struct owner *owner)
{
	const struct used *used = file->owners;

	while (used && used->owner != owner)
		used = used->next_of_file;
	return used;
}

/*
 * Makes the owner. It is open for reading: a descriptor for writing would be in the way of the
 * host's execve(2) and of a mount that becomes read-only.
 */
static int make_owner(struct file *file, uint32_t process, struct owner **owner)
{
	struct files *files = file->files;
	struct owner *new = calloc(1, sizeof(*new));

	if (!new)
		return -ENOMEM;
	int fd = files->open < files->open_most ? reopen(files, file->fd, O_RDONLY) : -ENFILE;
	if (fd < 0) {
		free(new);
		return fd;
	}
	*new = (struct owner){.next = files->owners,
			      .device = file->node->device,
			      .inode = file->node->inode,
			      .process = process,
			      .fd = fd,
			      .whole = F_UNLCK};
	files->owners = new;
	files->open++;
	*owner = new;
	return 0;
}

static struct range as_range(const struct flock *f)
{
	return (struct range){f->l_start, f->l_len ? f->l_start + (f->l_len - 1) : INT64_MAX,
			      f->l_type};
}

static struct flock as_flock(struct range range)
{
	return (struct flock){.l_type = range.type,
			      .l_whence = SEEK_SET,
			      .l_start = range.start,
			      .l_len = range.end == INT64_MAX ? 0 : range.end - range.start + 1};
}

/*
 * Gives the owner, which is open for reading, a descriptor that can lock for writing. It has locked
 * only for reading so far, and two descriptors can do that at once. A call that waits with the old
 * description loses what it gets there, because nobody else has that description any more.
 */
static int make_writable(struct file *file, struct owner *owner)
{
	int fd = reopen(file->files, file->fd, O_RDWR);
	int r = 0;

	if (fd == -EPERM) /* chattr +a */
		fd = reopen(file->files, file->fd, O_RDWR | O_APPEND);
	if (fd < 0)
		return fd;
	for (size_t i = 0; i < owner->ranges.count && r == 0; i++) {
		struct flock f = as_flock(owner->ranges.all[i]);
		r = result(fcntl(fd, F_OFD_SETLK, &f));
	}
	if (r == 0 && owner->whole != F_UNLCK)
		r = result(flock(fd, (owner->whole == F_WRLCK ? LOCK_EX : LOCK_SH) | LOCK_NB));
	if (r == 0)
		r = result(dup3(fd, owner->fd, O_CLOEXEC));
	close(fd);
	if (r >= 0)
		owner->writable = true;
	return r;
}

static int note_used(struct file *file, struct owner *owner)
{
	struct used *used = malloc(sizeof(*used));

	if (!used)
		return -ENOMEM;
	*used = (struct used){.owner = owner,
			      .next_of_file = file->owners,
			      .in_file = &file->owners,
			      .next_of_owner = owner->used,
			      .in_owner = &owner->used};
	if (file->owners)
		file->owners->in_file = &used->next_of_file;
	if (owner->used)
		owner->used->in_owner = &used->next_of_owner;
	file->owners = owner->used = used;
	return 0;
}

/* The caller has the lock of the files. */
static void remove_if_idle(struct files *files, struct owner *owner)
{
	if (owner->calls == 0 && owner->ranges.count == 0 && owner->whole == F_UNLCK)
		remove_owner(files, owner);
}

/*
 * Finds or makes the owner for one call, which must leave it. Returns a negative errno, or whether
 * it can lock for writing, if that is `wanted`.
 */
static int enter_owner(struct file *file, uint32_t process, bool wanted, struct owner **owner)
{
	struct files *files = file->files;
	int r = 0;

	pthread_mutex_lock(&files->lock);
	*owner = find_owner(file, process);
	if (!*owner)
		r = make_owner(file, process, owner);
	if (r == 0 && !uses(file, *owner)) {
		r = note_used(file, *owner);
		if (r < 0 && !(*owner)->used)
			remove_owner(files, *owner);
	}
	if (r == 0) {
		(*owner)->calls++;
		r = (*owner)->writable ||
		    (wanted && file->writable && make_writable(file, *owner) >= 0);
	}
	pthread_mutex_unlock(&files->lock);
	return r;
}

static void leave_owner(struct files *files, struct owner *owner)
{
	pthread_mutex_lock(&files->lock);
	owner->calls--;
	remove_if_idle(files, owner);
	pthread_mutex_unlock(&files->lock);
}

/*
 * The signal may come just before the call that waits, or just after it. So it does not end the
 * call, but leaves the function from wherever it is. What was locked is then unknown, and given up.
 */
static __thread sigjmp_buf way_out;
static __thread volatile sig_atomic_t waits;

void file_stop_waiting(int signal)
{
	(void)signal;
	if (waits)
		siglongjmp(way_out, 1);
}

/* Takes flock(2)'s lock, or the one of `range`. */
static int take(int fd, short type, struct flock *range, bool wait)
{
	int how = (type == F_WRLCK ? LOCK_EX : LOCK_SH) | (wait ? 0 : LOCK_NB);
	int r = range ? fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, range) : flock(fd, how);

	return r < 0 && (errno == EWOULDBLOCK || errno == EACCES) ? -EAGAIN : result(r);
}

/* The same, and waits for the lock if there is a `stop`. Within it are only system calls. */
static int take_or_wait(int fd, short type, struct flock *range, const bool *stop)
{
	int r = -EINTR;

	if (!stop)
		return take(fd, type, range, false);
	if (sigsetjmp(way_out, 0)) {
		waits = 0;
		return -EINTR;
	}
	waits = 1;
	if (!__atomic_load_n(stop, __ATOMIC_ACQUIRE))
		r = take(fd, type, range, true);
	waits = 0;
	return r;
}

/*
 * Locks a range or gives it up, without waiting. The caller has the lock of the files. Linux limits
 * nobody's number of ranges (RLIMIT_LOCKS counts nothing since 2.4.25), and each is memory of the
 * host's kernel. Giving up may cut one in two.
 */
static int set_range(struct files *files, struct owner *owner, struct flock *range)
{
	size_t before = owner->ranges.count;
	struct ranges after;
	int r = ranges_change(&owner->ranges, as_range(range), &after);

	if (r < 0)
		return r;
	if (after.count > before && files->ranges - before + after.count > files->ranges_most)
		r = -ENOLCK;
	else
		r = take(owner->fd, range->l_type, range, false);
	if (r < 0) {
		free(after.all);
		return r;
	}
	files->ranges += after.count - before;
	free(owner->ranges.all);
	owner->ranges = after;
	return 0;
}

/*
 * Makes the kernel's locks in the range what they were before a wait that ended without one. What
 * was locked for writing and is now locked for reading may stay so, if others read too.
 */
static void restore(struct files *files, struct owner *owner, const struct flock *range)
{
	struct range left = as_range(range), part;
	struct flock f;

	pthread_mutex_lock(&files->lock);
	for (;; left.start = part.end + 1) {
		part = ranges_first(&owner->ranges, left);
		f = as_flock(part);
		(void)fcntl(owner->fd, F_OFD_SETLK, &f);
		if (part.end == left.end)
			break;
	}
	pthread_mutex_unlock(&files->lock);
}

/*
 * Locks the range. The call that waits is not under the lock of the files, so the process may have
 * changed its locks since: the second call makes what is noted and what is locked the same.
 */
static int lock_range(struct files *files, struct owner *owner, struct flock *range,
		      const bool *stop)
{
	int r;

	do {
		r = stop ? take_or_wait(owner->fd, range->l_type, range, stop) : 0;
		if (r == 0) {
			pthread_mutex_lock(&files->lock);
			r = set_range(files, owner, range);
			pthread_mutex_unlock(&files->lock);
		}
	} while (stop && r == -EAGAIN);
	if (stop && r < 0)
		restore(files, owner, range);
	return r;
}

/*
 * flock(2)'s lock, without waiting. The caller has the lock of the files. `whole` is the note of
 * what is locked. The kernel gives up a lock of another kind before it takes the new one.
 */
static int set_whole(int fd, short *whole, short type)
{
	int r = type == F_UNLCK ? result(flock(fd, LOCK_UN)) : take(fd, type, NULL, false);

	if (r == 0)
		*whole = type;
	else if (*whole != type)
		*whole = F_UNLCK;
	return r;
}

/* As lock_range(). Several calls may be at work on one descriptor, and have its lock together. */
static int lock_whole(struct files *files, int fd, short *whole, short type, const bool *stop)
{
	int r;

	do {
		r = stop ? take_or_wait(fd, type, NULL, stop) : 0;
		pthread_mutex_lock(&files->lock);
		if (r == 0)
			r = set_whole(fd, whole, type);
		else
			(void)set_whole(fd, whole, *whole);
		pthread_mutex_unlock(&files->lock);
	} while (stop && r == -EAGAIN);
	return r;
}

static void unlock_whole(struct files *files, int fd, short *whole)
{
	pthread_mutex_lock(&files->lock);
	(void)set_whole(fd, whole, F_UNLCK);
	pthread_mutex_unlock(&files->lock);
}

/* Gives up what the process has of the range. */
static int unlock_for_process(struct file *file, const struct lock *lock, struct flock *range)
{
	struct files *files = file->files;
	struct owner *owner;
	int r = 0;

	pthread_mutex_lock(&files->lock);
	owner = find_owner(file, lock->process);
	if (owner) {
		r = set_range(files, owner, range);
		if (lock->of_file)
			(void)set_whole(owner->fd, &owner->whole, F_UNLCK);
		remove_if_idle(files, owner);
	}
	pthread_mutex_unlock(&files->lock);
	return r;
}

static int lock_for_process(struct file *file, const struct lock *lock, struct flock *range,
			    const bool *stop)
{
	struct files *files = file->files;
	struct owner *owner;
	int writable = enter_owner(file, lock->process, lock->type == F_WRLCK, &owner), r = 0;

	if (writable < 0)
		return writable;
	bool can = lock->type == F_RDLCK || writable;
	if (lock->of_file)
		r = lock_whole(files, owner->fd, &owner->whole, lock->type, stop);
	/* A file that is not open for writing has no write range: only flock(2)'s lock is set. */
	else if (!can)
		r = -EBADF;
	if (r == 0 && can) {
		r = lock_range(files, owner, range, stop);
		if (r < 0 && lock->of_file)
			unlock_whole(files, owner->fd, &owner->whole);
	}
	leave_owner(files, owner);
	return r;
}

/* Sets `range` to what the lock is about, in fcntl(2)'s words. */
static int range_of(const struct lock *lock, struct flock *range)
{
	if (lock->start < 0 || lock->length < 0)
		return -EINVAL;
	if (lock->length > 0 && lock->length - 1 > INT64_MAX - lock->start)
		return -EOVERFLOW;
	*range = (struct flock){.l_type = lock->type,
				.l_whence = SEEK_SET,
				.l_start = lock->start,
				.l_len = lock->length};
	return 0;
}

int file_lock(struct file *file, const struct lock *lock, const bool *stop)
{
	struct flock range;
	int r = range_of(lock, &range);

	if (r < 0)
		return r;
	if (lock->of_process)
		return lock->type == F_UNLCK ? unlock_for_process(file, lock, &range)
					     : lock_for_process(file, lock, &range, stop);
	if (lock->type != F_UNLCK)
		return lock_whole(file->files, file->fd, &file->whole, lock->type, stop);
	unlock_whole(file->files, file->fd, &file->whole);
	return 0;
}

int file_test_lock(struct file *file, struct lock *lock)
{
	struct flock range;
	struct owner *owner;
	int r = range_of(lock, &range);

	if (r < 0)
		return r;
	pthread_mutex_lock(&file->files->lock);
	owner = find_owner(file, lock->process);
	r = result(fcntl(owner ? owner->fd : file->fd, F_OFD_GETLK, &range));
	pthread_mutex_unlock(&file->files->lock);
	if (r == 0)
		*lock = (struct lock){.type = range.l_type,
				      .start = range.l_start,
				      .length = range.l_len,
				      .process = range.l_pid > 0 ? (uint32_t)range.l_pid : 0};
	return r;
}
