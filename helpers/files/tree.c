/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A descriptor is reopened by its name in /proc/self/fd ("N" below the working directory, see
 * session_prepare()): this reaches the inode, whatever its names are now.
 */
#include "tree.h"

#include "helpers/shared/common.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MOUNTS	 64	   /* more mounts than these: their nodes keep their descriptors */
#define FOR_EVER UINT8_MAX /* more mounts than can be known: see node->stays */
#define PREFIXES 256	   /* see tree_number() */

/* Inodes of one device whose numbers have the same upper bits. */
struct prefix {
	dev_t device;
	uint64_t upper;
};

/* A descriptor by which handles of a mount are opened. It may not be an O_PATH one. */
struct mount {
	int id, fd;
};

struct tree {
	struct node *root;
	int proc;
	pthread_mutex_t lock; /* of all that follows, and of the nodes but fd, while it is held */
	struct node *newest, *oldest;
	size_t open, open_most;
	struct mount mounts[MOUNTS];
	size_t mount_count;
	struct prefix prefixes[PREFIXES];
	size_t prefix_count;
};

static int result(int r)
{
	return r < 0 ? -errno : r;
}

void tree_link_name(char link[TREE_LINK], int fd)
{
	snprintf(link, TREE_LINK, "%d", fd);
}

/* ---- nodes ---- */

static void list_remove(struct tree *tree, struct node *node)
{
	*(node->newer ? &node->newer->older : &tree->newest) = node->older;
	*(node->older ? &node->older->newer : &tree->oldest) = node->newer;
	tree->open--;
}

static void list_add(struct tree *tree, struct node *node)
{
	node->newer = NULL;
	node->older = tree->newest;
	*(node->older ? &node->older->newer : &tree->oldest) = node;
	tree->newest = node;
	tree->open++;
}

/* Whether the node may be opened for handles of a mount that is not known yet. */
static bool opens_mount(const struct tree *tree, const struct node *node)
{
	return tree->mount_count < MOUNTS && (S_ISDIR(node->type) || S_ISREG(node->type));
}

/* Returns a descriptor for handles of the mount `id`, on which `node` lies, or -1. */
static int mount_fd(struct tree *tree, const struct node *node, int id)
{
	char link[TREE_LINK];
	size_t i = 0;

	while (i < tree->mount_count && tree->mounts[i].id != id)
		i++;
	if (i < tree->mount_count)
		return tree->mounts[i].fd;
	if (!opens_mount(tree, node))
		return -1;
	tree_link_name(link, node->fd);
	int fd = openat(tree->proc, link, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd >= 0)
		tree->mounts[tree->mount_count++] = (struct mount){id, fd};
	return fd;
}

struct handle {
	struct file_handle head;
	unsigned char bytes[MAX_HANDLE_SZ];
};

/* Finds the handle that can open the node again. If there is none, it sets how long it `stays`. */
static bool find_handle(struct tree *tree, struct node *node, struct handle *handle)
{
	struct stat st;

	handle->head.handle_bytes = MAX_HANDLE_SZ;
	if (fstat(node->fd, &st))
		return false;
	/* A file without a name is gone with its last descriptor. */
	if (st.st_nlink == 0) {
		node->stays = FOR_EVER;
		return false;
	}
	if (name_to_handle_at(node->fd, "", &handle->head, &node->mount, AT_EMPTY_PATH)) {
		/* The file system has no handles, or none for this inode. */
		if (errno == EOPNOTSUPP || errno == EOVERFLOW)
			node->stays = FOR_EVER;
		return false;
	}
	if (mount_fd(tree, node, node->mount) >= 0)
		return true;
	if (!opens_mount(tree, node))
		node->stays = (uint8_t)(tree->mount_count + 1);
	return false;
}

/* Closes the node's descriptor if a handle can open it again. */
static bool close_node(struct tree *tree, struct node *node)
{
	struct handle handle;

	if (!find_handle(tree, node, &handle))
		return false;
	size_t size = sizeof(handle.head) + handle.head.handle_bytes;
	node->handle = malloc(size);
	if (!node->handle)
		return false;
	memcpy(node->handle, &handle, size);
	list_remove(tree, node);
	close(node->fd);
	node->fd = -1;
	return true;
}

/* Makes room for one more descriptor. Returns 0, or -ENFILE if too many cannot be closed. */
static int make_room(struct tree *tree)
{
	struct node *node, *newer, *last = tree->newest;

	for (node = tree->oldest; node && tree->open >= tree->open_most; node = newer) {
		newer = node == last ? NULL : node->newer;
		if (node->holders > 0 || node->stays > tree->mount_count)
			continue;
		/* What cannot be closed now goes to the end, so that it is not tried each time. */
		if (!close_node(tree, node)) {
			list_remove(tree, node);
			list_add(tree, node);
		}
	}
	return tree->open < tree->open_most ? 0 : -ENFILE;
}

static int open_node(struct tree *tree, struct node *node, int open)
{
	char link[TREE_LINK];
	struct stat st;
	int room = make_room(tree);

	if (room < 0)
		return room;
	tree_link_name(link, open);
	node->fd = open >= 0 ? openat(tree->proc, link, O_PATH | O_CLOEXEC)
			     : open_by_handle_at(mount_fd(tree, node, node->mount), node->handle,
						 O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (node->fd < 0)
		return -errno;
	if (fstat(node->fd, &st) || st.st_dev != node->device || st.st_ino != node->inode ||
	    (st.st_mode & S_IFMT) != node->type) {
		close(node->fd);
		node->fd = -1;
		return -ESTALE;
	}
	free(node->handle);
	node->handle = NULL;
	list_add(tree, node);
	return 0;
}

int node_hold(struct tree *tree, struct node *node, int open)
{
	int r = 0;

	pthread_mutex_lock(&tree->lock);
	if (node->fd < 0)
		r = open_node(tree, node, open);
	if (r == 0) {
		node->holders++;
		if (tree->newest != node) {
			list_remove(tree, node);
			list_add(tree, node);
		}
	}
	pthread_mutex_unlock(&tree->lock);
	return r;
}

void node_release(struct tree *tree, struct node *node)
{
	pthread_mutex_lock(&tree->lock);
	node->holders--;
	pthread_mutex_unlock(&tree->lock);
}

void node_keep(struct tree *tree, struct node *node)
{
	pthread_mutex_lock(&tree->lock);
	node->references++;
	pthread_mutex_unlock(&tree->lock);
}

void node_drop(struct tree *tree, struct node *node)
{
	pthread_mutex_lock(&tree->lock);
	bool last = --node->references == 0;
	if (last && node->fd >= 0)
		list_remove(tree, node);
	pthread_mutex_unlock(&tree->lock);
	if (!last)
		return;
	if (node->fd >= 0)
		close(node->fd);
	free(node->handle);
	free(node);
}

int tree_reserve(struct tree *tree, struct node **node)
{
	struct node *new = calloc(1, sizeof(*new));

	if (!new)
		return -ENOMEM;
	pthread_mutex_lock(&tree->lock);
	int r = make_room(tree);
	tree->open += r == 0;
	pthread_mutex_unlock(&tree->lock);
	if (r == 0)
		*node = new;
	else
		free(new);
	return r;
}

void tree_unreserve(struct tree *tree, struct node *node)
{
	pthread_mutex_lock(&tree->lock);
	tree->open--;
	pthread_mutex_unlock(&tree->lock);
	free(node);
}

void tree_fill(struct tree *tree, struct node *node, int fd, const struct stat *st)
{
	*node = (struct node){.references = 1,
			      .fd = fd,
			      .type = st->st_mode & S_IFMT,
			      .device = st->st_dev,
			      .inode = st->st_ino};
	pthread_mutex_lock(&tree->lock);
	tree->open--;
	list_add(tree, node); /* which counts it again */
	pthread_mutex_unlock(&tree->lock);
}

int tree_adopt(struct tree *tree, int fd, const struct stat *st, struct node **node)
{
	int r = tree_reserve(tree, node);

	if (r == 0)
		tree_fill(tree, *node, fd, st);
	else
		close(fd);
	return r;
}

struct tree *tree_new(int root, int proc, size_t descriptors)
{
	struct tree *tree = calloc(1, sizeof(*tree));
	struct stat st;
	int fd = fcntl(root, F_DUPFD_CLOEXEC, 3);

	if (!tree || fd < 0 || fstat(fd, &st)) {
		if (fd >= 0)
			close(fd);
		free(tree);
		return NULL;
	}
	pthread_mutex_init(&tree->lock, NULL);
	tree->proc = proc;
	tree->open_most = descriptors;
	int r = tree_adopt(tree, fd, &st, &tree->root);
	if (r < 0) {
		errno = -r;
		free(tree);
		return NULL;
	}
	tree->root->stays = FOR_EVER;
	tree_number(tree, st.st_dev, st.st_ino);
	return tree;
}

void tree_free(struct tree *tree)
{
	node_drop(tree, tree->root);
	for (size_t i = 0; i < tree->mount_count; i++)
		close(tree->mounts[i].fd);
	pthread_mutex_destroy(&tree->lock);
	free(tree);
}

struct node *tree_root(struct tree *tree)
{
	return tree->root;
}

bool tree_is_root(const struct tree *tree, const struct node *node)
{
	return node->device == tree->root->device && node->inode == tree->root->inode;
}

int tree_proc(const struct tree *tree)
{
	return tree->proc;
}

/* ---- names ---- */

int tree_name(char to[TREE_NAME], const uint8_t *bytes, size_t size)
{
	if (size >= TREE_NAME)
		return -ENAMETOOLONG;
	if (size == 0 || memchr(bytes, '/', size) || memchr(bytes, '\0', size))
		return -EINVAL;
	if (bytes[0] == '.' && (size == 1 || (size == 2 && bytes[1] == '.')))
		return -EINVAL;
	memcpy(to, bytes, size);
	to[size] = '\0';
	return 0;
}

/* Fills `st`, and passes `fd` on. */
static int described(int fd, struct stat *st)
{
	if (fd < 0)
		return -errno;
	if (fstat(fd, st) == 0)
		return fd;
	int error = errno;
	close(fd);
	return -error;
}

int tree_step(int directory, const char *name, struct stat *st)
{
	return described(openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), st);
}

/* The path of a descriptor as the kernel knows it. It only finds a place, which is then checked. */
static int path_of(const struct tree *tree, int fd, char path[PATH_MAX])
{
	char link[TREE_LINK];

	tree_link_name(link, fd);
	ssize_t size = readlinkat(tree->proc, link, path, PATH_MAX - 1);
	if (size < 0)
		return -errno;
	path[size] = '\0';
	return (int)size;
}

int tree_place(struct tree *tree, const struct node *node, char name[TREE_NAME])
{
	struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
	char root[PATH_MAX], path[PATH_MAX], *last;
	int size = path_of(tree, tree->root->fd, root), r = path_of(tree, node->fd, path);
	struct stat st;

	if (tree_is_root(tree, node))
		return -EBUSY;
	if (size < 0 || r < 0)
		return size < 0 ? size : r;
	size = size == 1 ? 0 : size; /* "/" */
	if (strncmp(path, root, (size_t)size) != 0 || path[size] != '/')
		return -ENOENT;
	last = strrchr(path + size, '/');
	r = tree_name(name, (uint8_t *)last + 1, strlen(last + 1));
	if (r < 0)
		return r;
	*last = '\0';
	int fd = (int)syscall(SYS_openat2, tree->root->fd,
			      last == path + size ? "." : path + size + 1, &how, sizeof(how));
	if (fd < 0)
		return -errno;
	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) || st.st_dev != node->device ||
	    st.st_ino != node->inode) {
		close(fd);
		return -ENOENT;
	}
	return fd;
}

int tree_step_up(struct tree *tree, const struct node *node, struct stat *st)
{
	char name[TREE_NAME];
	int fd;

	if (!S_ISDIR(node->type))
		return -ENOTDIR;
	fd = tree_place(tree, node, name);
	if (fd == -EBUSY)
		return described(fcntl(tree->root->fd, F_DUPFD_CLOEXEC, 3), st);
	if (fd < 0)
		return fd;
	return described(fd, st);
}

/* ---- identity ---- */

/*
 * A share can have several devices, and some file systems use all 64 bits of an inode's number. So
 * each pair of a device and the upper 16 bits gets a number, which replaces the upper bits; the
 * first pair, as a rule the only one of its device, gets 0. Beyond PREFIXES pairs, numbers are
 * mixed, and two files may look like one; no file system that is known to us gets there.
 */
uint64_t tree_number(struct tree *tree, dev_t device, ino_t inode)
{
	uint64_t upper = (uint64_t)inode >> 48, lower = (uint64_t)inode & 0xffffffffffff;
	size_t i;

	pthread_mutex_lock(&tree->lock);
	for (i = 0; i < tree->prefix_count; i++)
		if (tree->prefixes[i].device == device && tree->prefixes[i].upper == upper)
			break;
	if (i == tree->prefix_count && i < PREFIXES)
		tree->prefixes[tree->prefix_count++] = (struct prefix){device, upper};
	pthread_mutex_unlock(&tree->lock);
	if (i < PREFIXES)
		return (uint64_t)i << 48 | lower;
	return (((uint64_t)device * 0x9e3779b97f4a7c15 ^ upper << 32 ^ lower) & 0xffffffffffff) |
	       (uint64_t)0xffff << 48;
}

/* Two changes within a tick have the same ctime. A tick lasts at most 10 ms. */
#define TICKS_NS 20000000
/* A full second may be all that the file system keeps: of one second (ext4), or of two (vfat). */
#define COARSE_NS (2000000000 + TICKS_NS)

uint32_t tree_version(const struct stat *st)
{
	static uint64_t recent;
	struct timespec now;
	uint64_t mixed = (uint64_t)st->st_ctim.tv_sec * 1000000000 + (uint64_t)st->st_ctim.tv_nsec;
	uint64_t window = st->st_ctim.tv_nsec == 0 ? COARSE_NS : TICKS_NS;

	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	uint64_t time = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	/* An inode that changed just now may change again without a trace. */
	if (time - mixed < window || mixed > time)
		mixed += __atomic_add_fetch(&recent, 1, __ATOMIC_RELAXED) << 40;
	mixed ^= (uint64_t)st->st_size << 20;
	mixed *= 0x9e3779b97f4a7c15;
	/* Linux's client keeps no page of a file of version 0. */
	return (uint32_t)(mixed >> 32) ?: 1;
}

static __thread bool acted;
static __thread uid_t acts_uid;
static __thread gid_t acts_gid;

int tree_act_as(uid_t uid)
{
	if (acted && acts_uid == uid)
		return 0;
	setfsuid(uid);
	/* setfsuid() does not say whether it did what it should. */
	acts_uid = (uid_t)setfsuid((uid_t)-1);
	if (!acted)
		acts_gid = (gid_t)setfsgid((gid_t)-1);
	acted = true;
	return acts_uid == uid ? 0 : -EPERM;
}

int tree_act_as_server(void)
{
	return acted ? tree_act_as(0) : 0;
}

int tree_act_as_group(uid_t uid, gid_t gid)
{
	int r = tree_act_as(uid);

	if (r < 0 || acts_gid == gid)
		return r;
	setfsgid(gid);
	acts_gid = (gid_t)setfsgid((gid_t)-1);
	return acts_gid == gid ? 0 : -EPERM;
}

/* ---- making, moving and removing ---- */

/* If `r` is 0, describes what has the name now. Another process may have replaced it. */
static int made(int r, const struct node *in, const char *name, struct stat *st)
{
	if (r == 0)
		r = fstatat(in->fd, name, st, AT_SYMLINK_NOFOLLOW);
	return result(r);
}

int tree_make_directory(const struct node *in, const char *name, mode_t mode, struct stat *st)
{
	return made(mkdirat(in->fd, name, mode & 07777), in, name, st);
}

int tree_make_special(const struct node *in, const char *name, mode_t mode, unsigned int major,
		      unsigned int minor, struct stat *st)
{
	return made(mknodat(in->fd, name, mode & (S_IFMT | 07777), makedev(major, minor)), in, name,
		    st);
}

int tree_make_symlink(const struct node *in, const char *name, const char *target, struct stat *st)
{
	return made(symlinkat(target, in->fd, name), in, name, st);
}

int tree_link(const struct node *node, const struct node *in, const char *name)
{
	return result(linkat(node->fd, "", in->fd, name, AT_EMPTY_PATH));
}

int tree_rename(const struct node *from, const char *old, const struct node *to, const char *name)
{
	return result(renameat(from->fd, old, to->fd, name));
}

int tree_remove(const struct node *in, const char *name, bool directory)
{
	return result(unlinkat(in->fd, name, directory ? AT_REMOVEDIR : 0));
}

/* ---- attributes ---- */

int node_target(const struct node *node, char *target, size_t room)
{
	if (!S_ISLNK(node->type))
		return -EINVAL;
	return result((int)readlinkat(node->fd, "", target, room));
}

int node_stat(const struct node *node, struct stat *st)
{
	return result(fstat(node->fd, st));
}

int node_statfs(const struct node *node, struct statfs *st)
{
	return result(fstatfs(node->fd, st));
}

static int truncate_to(const struct node *node, int writable, const char *link, off_t size)
{
	if (writable >= 0)
		return ftruncate(writable, size);
	/* truncate(2) opens nothing, and refuses everything but regular files. */
	if (S_ISLNK(node->type)) {
		errno = EINVAL;
		return -1;
	}
	return truncate(link, size);
}

/* The order matters: chown takes setuid away, and a new size sets the time. */
int node_change(struct tree *tree, const struct node *node, int writable, const struct change *to)
{
	const uint32_t what = to->what, times = CHANGE_ATIME | CHANGE_MTIME;
	char link[TREE_LINK];

	tree_link_name(link, node->fd);
	/* A change of ctime alone is a chown that changes nothing. */
	if (what & (CHANGE_UID | CHANGE_GID) || what == CHANGE_CTIME) {
		uid_t uid = what & CHANGE_UID ? to->uid : (uid_t)-1;
		gid_t gid = what & CHANGE_GID ? to->gid : (gid_t)-1;
		if (fchownat(node->fd, "", uid, gid, AT_EMPTY_PATH))
			return -errno;
	}
	if (what & CHANGE_MODE) {
		if (S_ISLNK(node->type))
			return -EOPNOTSUPP;
		if (fchmodat(tree->proc, link, to->mode & 07777, 0))
			return -errno;
	}
	if (what & CHANGE_SIZE && truncate_to(node, writable, link, to->size))
		return -errno;
	if (what & times) {
		struct timespec now = {.tv_nsec = UTIME_NOW}, none = {.tv_nsec = UTIME_OMIT};
		struct timespec set[2] = {!(what & CHANGE_ATIME)    ? none
					  : what & CHANGE_ATIME_SET ? to->atime
								    : now,
					  !(what & CHANGE_MTIME)    ? none
					  : what & CHANGE_MTIME_SET ? to->mtime
								    : now};
		if (utimensat(tree->proc, link, set, 0))
			return -errno;
	}
	return 0;
}

int node_xattr(const struct node *node, const char *name, char **value)
{
	char link[TREE_LINK], *buffer = malloc(XATTR_MOST), *fitting;

	if (!buffer)
		return -ENOMEM;
	tree_link_name(link, node->fd);
	/* With all the room there can be, the size cannot change between two calls. */
	ssize_t size = *name ? getxattr(link, name, buffer, XATTR_MOST)
			     : listxattr(link, buffer, XATTR_MOST);
	if (size < 0) {
		int error = errno;
		free(buffer);
		return -error;
	}
	fitting = realloc(buffer, size ? (size_t)size : 1);
	if (fitting)
		buffer = fitting;
	*value = buffer;
	return (int)size;
}

int node_set_xattr(const struct node *node, const char *name, const void *value, size_t size,
		   int flags)
{
	char link[TREE_LINK];

	tree_link_name(link, node->fd);
	return result(value ? setxattr(link, name, value, size, flags) : removexattr(link, name));
}
