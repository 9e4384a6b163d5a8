/* SPDX-License-Identifier: Apache-2.0 */
/* The names and inodes of a share: found, made, moved, removed. Nothing here follows a link. */
#ifndef RUNX_FILES_TREE_H
#define RUNX_FILES_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>

/* Functions that return int return 0 or more, or a negative errno. */

#define TREE_NAME 256 /* a name of 255 bytes and its NUL */
#define TREE_LINK 16  /* the name of a descriptor in /proc/self/fd */

struct tree;

/*
 * One inode of the share. It stays the same inode when its name is replaced or removed. Its
 * descriptor may be closed while nobody holds it, and comes back by file handle.
 */
struct node {
	struct node *newer, *older; /* by last use, while fd is open */
	size_t references, holders;
	int fd;	       /* O_PATH; valid for holders */
	uint8_t stays; /* its descriptor stays open until so many mounts are known */
	mode_t type;   /* S_IFMT bits */
	dev_t device;
	ino_t inode;
	int mount;
	struct file_handle *handle; /* while fd is closed */
};

/*
 * Makes the tree below `root`, which has at most `descriptors` descriptors of nodes. `root` and
 * `proc` are as for session_new(). Returns NULL with errno.
 */
struct tree *tree_new(int root, int proc, size_t descriptors);

/* Frees the tree. Every node but the root must have been dropped. */
void tree_free(struct tree *tree);

struct node *tree_root(struct tree *tree);

/* Whether it is the root's inode. A walk up to it makes another node. */
bool tree_is_root(const struct tree *tree, const struct node *node);
int tree_proc(const struct tree *tree);

/* One more, one less reference. The last drop frees the node. */
void node_keep(struct tree *tree, struct node *node);
void node_drop(struct tree *tree, struct node *node);

/*
 * Lets node->fd be used until node_release(). `open` is an open descriptor of the same inode, or
 * -1. ENFILE: too many are used. ESTALE: it is gone.
 */
int node_hold(struct tree *tree, struct node *node, int open);
void node_release(struct tree *tree, struct node *node);

/* The nodes that are passed to the functions below are held. */

/*
 * Copies a name that a guest sent. EINVAL: it is empty, ".", "..", or has a '/' or a NUL.
 * ENAMETOOLONG: it has more than 255 bytes. Every name goes through this check.
 */
int tree_name(char to[TREE_NAME], const uint8_t *bytes, size_t size);

/*
 * Makes a node that has no inode yet, for which tree_fill() or tree_unreserve() is called. It
 * counts as one whose descriptor is open. ENFILE: too many are used.
 */
int tree_reserve(struct tree *tree, struct node **node);
void tree_unreserve(struct tree *tree, struct node *node);

/* Makes it the node of `fd`, an O_PATH descriptor of what `st` describes. The node owns `fd`. */
void tree_fill(struct tree *tree, struct node *node, int fd, const struct stat *st);

/* Makes the node of `fd`, as the two. On failure `fd` is closed. */
int tree_adopt(struct tree *tree, int fd, const struct stat *st, struct node **node);

/* Opens `name` in the directory of the descriptor `directory` as O_PATH. Returns a descriptor. */
int tree_step(int directory, const char *name, struct stat *st);

/* Opens the directory above `node` as O_PATH; that of the root is the root. As tree_step(). */
int tree_step_up(struct tree *tree, const struct node *node, struct stat *st);

/*
 * Opens the directory in which `node` lies now, as O_PATH, and writes its name there. Returns the
 * descriptor. ENOENT: it has been removed. EBUSY: it is the root.
 */
int tree_place(struct tree *tree, const struct node *node, char name[TREE_NAME]);

/* Returns a number for the inode that no other inode of the share has. */
uint64_t tree_number(struct tree *tree, dev_t device, ino_t inode);

/* Returns a number that differs from an earlier one if the inode was changed since then. */
uint32_t tree_version(const struct stat *st);

/* Makes the calling thread act as the server itself again. */
int tree_act_as_server(void);

/* Makes the calling thread act, for what it makes and writes, as `uid`, or as `uid` and `gid`. */
int tree_act_as(uid_t uid);
int tree_act_as_group(uid_t uid, gid_t gid);

/* Make what is named in a directory, and fill `st`. */
int tree_make_directory(const struct node *in, const char *name, mode_t mode, struct stat *st);
int tree_make_special(const struct node *in, const char *name, mode_t mode, unsigned int major,
		      unsigned int minor, struct stat *st);
int tree_make_symlink(const struct node *in, const char *name, const char *target, struct stat *st);

int tree_link(const struct node *node, const struct node *in, const char *name);
int tree_rename(const struct node *from, const char *old, const struct node *to, const char *name);
int tree_remove(const struct node *in, const char *name, bool directory);

/* Reads the target of a symbolic link to `target`. Returns its length. */
int node_target(const struct node *node, char *target, size_t room);

int node_stat(const struct node *node, struct stat *st);
int node_statfs(const struct node *node, struct statfs *st);

/* Which attributes node_change() sets, and to what. The bits are those of 9P2000.L. */
enum {
	CHANGE_MODE = 1,
	CHANGE_UID = 2,
	CHANGE_GID = 4,
	CHANGE_SIZE = 8,
	CHANGE_ATIME = 0x10, /* to now, or with the bit below to `atime` */
	CHANGE_MTIME = 0x20,
	CHANGE_CTIME = 0x40,
	CHANGE_ATIME_SET = 0x80,
	CHANGE_MTIME_SET = 0x100,
};

struct change {
	uint32_t what;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	off_t size;
	struct timespec atime, mtime;
};

/* `writable` is an open descriptor of the same inode, by which it can be truncated, or -1. */
int node_change(struct tree *tree, const struct node *node, int writable, const struct change *to);

/*
 * Reads the extended attribute `name`, or without a name the list of them, to a new buffer
 * `value`, which the caller frees. Returns its size.
 */
int node_xattr(const struct node *node, const char *name, char **value);

/* Sets an extended attribute, or removes it if `value` is NULL. `flags` as for setxattr(2). */
int node_set_xattr(const struct node *node, const char *name, const void *value, size_t size,
		   int flags);

#define XATTR_MOST 65536 /* bytes of a value, and of a list: the limit in Linux */

/* Writes the name of `fd` in the directory of tree_proc(). */
void tree_link_name(char link[TREE_LINK], int fd);

#endif
