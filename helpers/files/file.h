/* SPDX-License-Identifier: Apache-2.0 */
/* Opened files and directories of a share, and their locks. Only these two kinds are ever opened.
 */
#ifndef RUNX_FILES_FILE_H
#define RUNX_FILES_FILE_H

#include "tree.h"

#include <pthread.h>
#include <sys/types.h>

/* Functions that return int or ssize_t return 0 or more, or a negative errno. */

struct owner;

/* All opened files of one share. */
struct files {
	struct tree *tree;
	pthread_mutex_t lock; /* of what follows */
	struct owner *owners;
	size_t open, open_most;	    /* descriptors of files and of owners */
	size_t ranges, ranges_most; /* of all owners */
};

/* An opened file. Several threads may use it. */
struct file {
	struct files *files;
	size_t references;
	int fd;
	bool writable;
	const struct node *node; /* valid as long as the file */
	pthread_mutex_t place;	 /* of a directory: */
	off_t position;		 /* where the descriptor stands */
	short whole;	     /* under the lock of the files: what flock(2) has locked, or F_UNLCK */
	struct used *owners; /* the same: of locks that were set by this file */
};

void files_begin(struct files *files, struct tree *tree, size_t open_most, size_t ranges_most);
void files_end(struct files *files);

/*
 * Opens `node`, which is held. `flags` are O_RDONLY, O_WRONLY or O_RDWR, with O_APPEND, O_TRUNC,
 * O_SYNC, O_DSYNC, O_NOATIME, O_DIRECTORY or without. ENXIO: special files. ENFILE: too many.
 */
int file_open(struct files *files, struct node *node, int flags, struct file **file);

/*
 * Makes a regular file, or opens it if there is one and `flags` have no O_EXCL. Sets its node, too.
 */
int file_create(struct files *files, const struct node *in, const char *name, int flags,
		mode_t mode, struct file **file, struct node **node, struct stat *st);

void file_keep(struct file *file);
/* The last drop closes the file, and gives its locks up. */
void file_drop(struct file *file);

ssize_t file_read(struct file *file, void *to, size_t count, uint64_t offset);
ssize_t file_write(struct file *file, const void *from, size_t count, uint64_t offset);
int file_sync(struct file *file, bool data_only);

/* What directory entries are given to. Returns false if there is no room for the entry. */
typedef bool file_entry(void *to, uint64_t inode, uint64_t next, uint8_t type, const char *name,
			size_t size);

/*
 * Passes on the entries from `offset`, which is 0 or the `next` of an entry, until `entry` returns
 * false or, roughly, `room` bytes. EINVAL: there is no room for even one.
 */
int file_list(struct file *file, uint64_t offset, size_t room, file_entry *entry, void *to);

/*
 * How a lock is held. A lock of a process is one with all locks of the process on this inode, as
 * fcntl(2) demands. A lock of the file is flock(2)'s. Both hold against the host's programs.
 */
struct lock {
	bool of_process, of_file;
	short type; /* F_RDLCK, F_WRLCK, F_UNLCK */
	off_t start, length;
	uint32_t process;
};

/*
 * Sets a lock or gives it up. EAGAIN: another has it. With `stop` it waits until the lock is free:
 * for a thread of its own. EINTR: `*stop` was true, or became true and then the thread got the
 * signal whose handler is file_stop_waiting(). The process then still has the locks that it had in
 * the range. ENOLCK: the guest has as many ranges as it may have.
 */
int file_lock(struct file *file, const struct lock *lock, const bool *stop);
void file_stop_waiting(int signal);

/* Finds who is in the way of a lock of a process. Sets the type F_UNLCK if nobody is. */
int file_test_lock(struct file *file, struct lock *lock);

#endif
