/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table `rules` says for each message in which states of its fid it may come, and what is
 * checked before it is done. What a request works with are references to a node and to an opened
 * file, which live until it ends: so another request may clunk the fid meanwhile.
 */
#include "session.h"

#include "fid.h"
#include "file.h"
#include "message.h"
#include "running.h"
#include "tree.h"

#include "helpers/shared/common.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/securebits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#define VERSION	      "9P2000.L"
#define NO_UID	      65534 /* of a guest that does not say who it is */
#define QID_DIRECTORY 0x80
#define QID_SYMLINK   0x02
#define STATS_BASIC   0x7ff /* of Tgetattr: all but the last three fields */

struct session {
	struct tree *tree;
	struct files files;
	struct requests requests;
	struct fids fids;
	size_t msize;
	size_t agreed; /* msize since Tversion, or 0 */
};

/* One request. */
struct call {
	struct session *session;
	struct running *running;
	const struct request *request;
	struct reply reply;
	struct fid fid, other; /* copies, whose references the call holds */
	char name[TREE_NAME], second[TREE_NAME];
};

/* What a function of a message returns: 0, a negative errno, or this: the answer comes later. */
#define LATER 1

/* ---- parts of answers ---- */

static void put_qid(struct call *call, const struct stat *st)
{
	uint8_t type = S_ISDIR(st->st_mode)   ? QID_DIRECTORY
		       : S_ISLNK(st->st_mode) ? QID_SYMLINK
					      : 0;

	reply_put(&call->reply, "bdq", type, tree_version(st),
		  tree_number(call->session->tree, st->st_dev, st->st_ino));
}

/* Ends a message that made something. */
static int made(struct call *call, int r, const struct stat *st)
{
	if (r == 0)
		put_qid(call, st);
	return r;
}

/* The most bytes of data that an answer can have besides its header and a count. */
static size_t data_room(const struct call *call)
{
	size_t room = (size_t)(call->reply.end - call->reply.at) - 4;

	return call->request->count < room ? call->request->count : room;
}

/* ---- the session ---- */

static int do_version(struct call *call)
{
	const struct request *r = call->request;
	struct session *session = call->session;
	bool known = r->name.size == strlen(VERSION) &&
		     !memcmp(r->name.bytes, VERSION, strlen(VERSION)) &&
		     r->count >= SESSION_MSIZE_LEAST;
	size_t agreed = r->count < session->msize ? r->count : session->msize;

	running_stop(&session->requests, NULL);
	fids_clear(&session->fids);
	__atomic_store_n(&session->agreed, known ? agreed : 0, __ATOMIC_RELEASE);
	reply_put(&call->reply, "d", agreed);
	reply_text(&call->reply, known ? VERSION : "unknown", known ? strlen(VERSION) : 7);
	return 0;
}

static int do_attach(struct call *call)
{
	const struct request *r = call->request;
	struct node *root = tree_root(call->session->tree);
	bool whole = r->second.size == 0 || (r->second.size == 1 && r->second.bytes[0] == '/');
	struct stat st;

	/* There is one tree, and nobody is asked who he is. */
	if (!whole || r->other != MESSAGE_NO_FID)
		return whole ? -EOPNOTSUPP : -ENOENT;
	int error = node_stat(root, &st);
	if (error < 0)
		return error;
	node_keep(call->session->tree, root);
	uid_t uid = r->uid == UINT32_MAX ? NO_UID : r->uid;
	return made(call,
		    fid_new(&call->session->fids, r->fid,
			    &(struct fid){.uid = uid, .state = PLAIN, .node = root}),
		    &st);
}

static int do_flush(struct call *call)
{
	const struct request *r = call->request;

	return running_flush(&call->session->requests, r->old_tag, r->tag) ? LATER : 0;
}

/* ---- fids ---- */

/* Goes one name on from `from`. Returns a descriptor. */
static int step(struct call *call, int from, const struct node *node, const struct text *text,
		struct stat *st)
{
	char name[TREE_NAME];
	int r;

	if (text->size == 2 && !memcmp(text->bytes, "..", 2)) {
		/* Only the way up from a node that is known is worth its code. Linux uses none. */
		return from == node->fd ? tree_step_up(call->session->tree, node, st) : -EINVAL;
	}
	r = tree_name(name, text->bytes, text->size);
	return r < 0 ? r : tree_step(from, name, st);
}

/* Walks all names, and writes their qids. Returns the descriptor of the last, or an error. */
static int walk_steps(struct call *call, struct stat *st, uint16_t *done)
{
	const struct request *r = call->request;
	const struct node *node = call->fid.node;
	int at = node->fd;

	for (*done = 0; *done < r->steps; ++*done) {
		int next = step(call, at, node, &r->walk[*done], st);
		if (at != node->fd)
			close(at);
		if (next < 0)
			return next;
		at = next;
		put_qid(call, st);
	}
	return at;
}

static int do_walk(struct call *call)
{
	const struct request *r = call->request;
	struct session *session = call->session;
	struct fid to = {.uid = call->fid.uid, .state = PLAIN, .node = call->fid.node};
	uint8_t *count = call->reply.at;
	struct stat st;
	uint16_t done;

	reply_put(&call->reply, "w", r->steps);
	if (r->steps == 0) {
		if (r->other == r->fid)
			return 0;
		node_keep(session->tree, to.node);
		return fid_new(&session->fids, r->other, &to);
	}
	int fd = walk_steps(call, &st, &done);
	if (fd < 0) {
		/* A walk that got on a part of its way fails by the number of its qids. */
		count[0] = (uint8_t)done;
		return done > 0 ? 0 : fd;
	}
	int error = tree_adopt(session->tree, fd, &st, &to.node);
	if (error < 0)
		return error;
	return r->other == r->fid ? fid_turn(&session->fids, &call->fid, &to)
				  : fid_new(&session->fids, r->other, &to);
}

/* A new attribute is set when it is complete. */
static int set_value(struct call *call)
{
	struct value *value = call->fid.value;

	if (!value_finish(&call->session->fids, value))
		return -EINVAL;
	int r = node_hold(call->session->tree, call->fid.node, -1);
	if (r < 0)
		return r;
	bool removal = value->size == 0 &&
		       (value->flags & (XATTR_REPLACE | P9_XATTR_EMPTY)) == XATTR_REPLACE;
	r = node_set_xattr(call->fid.node, value->name, removal ? NULL : value->bytes, value->size,
			   value->flags & ~P9_XATTR_EMPTY);
	node_release(call->session->tree, call->fid.node);
	return r;
}

static int do_clunk(struct call *call)
{
	if (!fid_remove(&call->session->fids, call->request->fid))
		return -EBADF;
	return call->fid.state == NEW_VALUE ? set_value(call) : 0;
}

static int do_remove(struct call *call)
{
	struct node in = {0};
	char name[TREE_NAME];

	/* The fid is gone in any case. */
	if (!fid_remove(&call->session->fids, call->request->fid))
		return -EBADF;
	int r = node_hold(call->session->tree, call->fid.node, -1);
	if (r < 0)
		return r;
	in.fd = tree_place(call->session->tree, call->fid.node, name);
	node_release(call->session->tree, call->fid.node);
	if (in.fd < 0)
		return in.fd;
	r = tree_remove(&in, name, S_ISDIR(call->fid.node->type));
	close(in.fd);
	return r;
}

/* ---- opening, and what is open ---- */

/* The flags of 9P2000.L are the same on all machines. All others are left out. */
static int open_flags(uint32_t flags)
{
	static const struct {
		uint32_t theirs;
		int ours;
	} map[] = {{0200, O_EXCL},    {01000, O_TRUNC},	      {02000, O_APPEND},
		   {010000, O_DSYNC}, {0200000, O_DIRECTORY}, {01000000, O_NOATIME},
		   {04000000, O_SYNC}};
	int ours = (int)(flags & 3);

	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		if ((flags & map[i].theirs) == map[i].theirs)
			ours |= map[i].ours;
	return ours;
}

static int opened(struct call *call, struct fid *to, const struct stat *st)
{
	to->uid = call->fid.uid;
	to->state = S_ISDIR(to->node->type) ? DIRECTORY_OPEN : FILE_OPEN;
	int r = fid_turn(&call->session->fids, &call->fid, to);
	if (r < 0)
		return r;
	put_qid(call, st);
	/* No unit of transfers: the guest takes what msize allows. */
	reply_put(&call->reply, "d", 0);
	return 0;
}

static int do_lopen(struct call *call)
{
	struct fid to = {.node = call->fid.node};
	int flags = open_flags(call->request->flags) & ~O_EXCL;
	struct stat st;
	int r;

	if ((flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	r = file_open(&call->session->files, to.node, flags, &to.file);
	if (r < 0)
		return r;
	r = node_stat(to.node, &st);
	if (r < 0) {
		file_drop(to.file);
		return r;
	}
	node_keep(call->session->tree, to.node);
	return opened(call, &to, &st);
}

static int do_lcreate(struct call *call)
{
	struct fid to = {0};
	int flags = open_flags(call->request->flags) & ~O_DIRECTORY;
	struct stat st;

	if ((flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	int r = file_create(&call->session->files, call->fid.node, call->name, flags,
			    call->request->mode, &to.file, &to.node, &st);
	return r < 0 ? r : opened(call, &to, &st);
}

static int do_read(struct call *call)
{
	const struct request *r = call->request;
	size_t room = data_room(call);
	uint8_t *count = call->reply.at;
	ssize_t n;

	if (call->fid.state == VALUE) {
		const struct value *value = call->fid.value;
		size_t left = r->offset < value->size ? value->size - (size_t)r->offset : 0;
		n = (ssize_t)(left < room ? left : room);
		if (n > 0)
			memcpy(count + 4, value->bytes + r->offset, (size_t)n);
	} else {
		n = file_read(call->fid.file, count + 4, room, r->offset);
	}
	if (n < 0)
		return (int)n;
	reply_set(count, (uint32_t)n);
	call->reply.at += 4 + n;
	return 0;
}

static int do_write(struct call *call)
{
	const struct request *r = call->request;
	ssize_t n = call->fid.state == NEW_VALUE
			    ? value_write(&call->session->fids, call->fid.value, r->data, r->count,
					  r->offset)
			    : file_write(call->fid.file, r->data, r->count, r->offset);

	if (n < 0)
		return (int)n;
	reply_put(&call->reply, "d", (uint64_t)n);
	return 0;
}

static bool put_entry(void *to, uint64_t inode, uint64_t next, uint8_t type, const char *name,
		      size_t size)
{
	struct call *call = to;
	struct tree *tree = call->session->tree;
	const struct node *node = call->fid.node;
	uint8_t qid = type == DT_DIR ? QID_DIRECTORY : type == DT_LNK ? QID_SYMLINK : 0;

	if (size + 24 > (size_t)(call->reply.end - call->reply.at))
		return false;
	/* What is above the share is nobody's business. */
	if (!strcmp(name, "..") && tree_is_root(tree, node))
		inode = node->inode;
	reply_put(&call->reply, "bdqqb", qid, 0, tree_number(tree, node->device, (ino_t)inode),
		  next, type);
	reply_text(&call->reply, name, size);
	return true;
}

static int do_readdir(struct call *call)
{
	size_t room = data_room(call);
	uint8_t *count = call->reply.at;

	call->reply.at += 4;
	call->reply.end = call->reply.at + room;
	int r = file_list(call->fid.file, call->request->offset, room, put_entry, call);
	reply_set(count, (uint32_t)(call->reply.at - count - 4));
	return r;
}

static int do_fsync(struct call *call)
{
	struct task task = {
		.file = call->fid.file, .sync = true, .data_only = call->request->flags != 0};

	if (running_defer(&call->session->requests, call->running, &task))
		return LATER;
	return file_sync(task.file, task.data_only);
}

/* ---- locks ---- */

static const short lock_types[] = {
	[P9_READ_LOCK] = F_RDLCK, [P9_WRITE_LOCK] = F_WRLCK, [P9_UNLOCK] = F_UNLCK};

/*
 * v9fs sends flock(2) as a lock of the whole file. Our guest's kernel says what it was. If a kernel
 * does not, a lock of the whole file is taken as both.
 */
static int read_lock(const struct request *r, struct lock *lock)
{
	bool whole = r->offset == 0 && r->size == 0;

	if (r->kind >= ARRAY_SIZE(lock_types) || r->offset > INT64_MAX || r->size > INT64_MAX)
		return -EINVAL;
	*lock = (struct lock){.of_process = !(r->flags & P9_LOCK_FLOCK),
			      .of_file = r->flags & P9_LOCK_FLOCK ||
					 (whole && !(r->flags & P9_LOCK_FCNTL)),
			      .type = lock_types[r->kind],
			      .start = (off_t)r->offset,
			      .length = (off_t)r->size,
			      .process = r->process};
	return 0;
}

static int do_lock(struct call *call)
{
	struct task task = {.file = call->fid.file};
	int r = read_lock(call->request, &task.lock);

	if (r == 0)
		r = file_lock(task.file, &task.lock, NULL);
	if (r == -EAGAIN && call->request->flags & P9_LOCK_BLOCK &&
	    running_defer(&call->session->requests, call->running, &task))
		return LATER;
	if (r < 0 && r != -EAGAIN)
		return r;
	reply_put(&call->reply, "b", r == 0 ? P9_LOCK_SUCCESS : P9_LOCK_BLOCKED);
	return 0;
}

static int do_getlock(struct call *call)
{
	const struct request *request = call->request;
	struct lock lock;
	int r = read_lock(request, &lock);

	/* Linux's own client asks so whatever its program has asked. */
	if (r == 0 && lock.type == F_UNLCK)
		lock.type = F_WRLCK;
	if (r == 0)
		r = file_test_lock(call->fid.file, &lock);
	if (r < 0)
		return r;
	uint8_t kind = lock.type == F_RDLCK   ? P9_READ_LOCK
		       : lock.type == F_WRLCK ? P9_WRITE_LOCK
					      : P9_UNLOCK;
	reply_put(&call->reply, "bqqd", kind, (uint64_t)lock.start, (uint64_t)lock.length,
		  lock.process);
	reply_text(&call->reply, (const char *)request->name.bytes, request->name.size);
	return 0;
}

/* ---- names ---- */

static int do_symlink(struct call *call)
{
	const struct text *text = &call->request->second;
	char target[PATH_MAX];
	struct stat st;

	if (text->size >= sizeof(target))
		return -ENAMETOOLONG;
	if (memchr(text->bytes, '\0', text->size))
		return -EINVAL;
	memcpy(target, text->bytes, text->size);
	target[text->size] = '\0';
	return made(call, tree_make_symlink(call->fid.node, call->name, target, &st), &st);
}

static int do_mknod(struct call *call)
{
	const struct request *r = call->request;
	struct stat st;

	return made(call,
		    tree_make_special(call->fid.node, call->name, r->mode, r->major, r->minor, &st),
		    &st);
}

static int do_mkdir(struct call *call)
{
	struct stat st;

	return made(call, tree_make_directory(call->fid.node, call->name, call->request->mode, &st),
		    &st);
}

static int do_link(struct call *call)
{
	return tree_link(call->other.node, call->fid.node, call->name);
}

static int do_rename(struct call *call)
{
	struct node from = {0};
	char old[TREE_NAME];

	from.fd = tree_place(call->session->tree, call->fid.node, old);
	if (from.fd < 0)
		return from.fd;
	int r = tree_rename(&from, old, call->other.node, call->name);
	close(from.fd);
	return r;
}

static int do_renameat(struct call *call)
{
	return tree_rename(call->fid.node, call->name, call->other.node, call->second);
}

static int do_unlinkat(struct call *call)
{
	const uint32_t removedir = 0x200;

	if (call->request->flags & ~removedir)
		return -EINVAL;
	return tree_remove(call->fid.node, call->name, call->request->flags & removedir);
}

/* ---- attributes ---- */

static int do_readlink(struct call *call)
{
	char target[PATH_MAX];
	int size = node_target(call->fid.node, target, sizeof(target));

	if (size >= 0)
		reply_text(&call->reply, target, (size_t)size);
	return size < 0 ? size : 0;
}

static int do_statfs(struct call *call)
{
	struct statfs st;
	uint32_t id[2];
	int r = node_statfs(call->fid.node, &st);

	if (r < 0)
		return r;
	memcpy(id, &st.f_fsid, sizeof(id));
	reply_put(&call->reply, "ddqqqqqqd", (uint32_t)st.f_type, (uint32_t)st.f_bsize, st.f_blocks,
		  st.f_bfree, st.f_bavail, st.f_files, st.f_ffree, id[0] | (uint64_t)id[1] << 32,
		  (uint32_t)st.f_namelen);
	return 0;
}

static int do_getattr(struct call *call)
{
	struct stat st;
	int r = node_stat(call->fid.node, &st);

	if (r < 0)
		return r;
	reply_put(&call->reply, "q", call->request->mask & STATS_BASIC);
	put_qid(call, &st);
	reply_put(&call->reply, "dddqqqqq", st.st_mode, st.st_uid, st.st_gid, st.st_nlink,
		  st.st_rdev, (uint64_t)st.st_size, (uint64_t)st.st_blksize,
		  (uint64_t)st.st_blocks);
	reply_put(&call->reply, "qqqqqqqqqq", (uint64_t)st.st_atim.tv_sec,
		  (uint64_t)st.st_atim.tv_nsec, (uint64_t)st.st_mtim.tv_sec,
		  (uint64_t)st.st_mtim.tv_nsec, (uint64_t)st.st_ctim.tv_sec,
		  (uint64_t)st.st_ctim.tv_nsec, 0, 0, 0, 0);
	return 0;
}

static bool read_time(const uint64_t time[2], struct timespec *to)
{
	to->tv_sec = (time_t)time[0];
	to->tv_nsec = (long)time[1];
	return time[1] < 1000000000;
}

static int do_setattr(struct call *call)
{
	const struct request *r = call->request;
	struct change to = {.what = r->valid, .mode = r->mode, .uid = r->uid, .gid = r->gid};
	const struct file *file = call->fid.file;

	if (r->valid & CHANGE_SIZE && r->size > INT64_MAX)
		return -EFBIG;
	to.size = (off_t)r->size;
	if ((!read_time(r->atime, &to.atime) && r->valid & CHANGE_ATIME_SET) ||
	    (!read_time(r->mtime, &to.mtime) && r->valid & CHANGE_MTIME_SET))
		return -EINVAL;
	return node_change(call->session->tree, call->fid.node,
			   file && file->writable ? file->fd : -1, &to);
}

/* The name of an attribute. It is no name of a file, and only `empty` ones may be empty. */
static int xattr_name(char to[TREE_NAME], const struct text *text, bool empty)
{
	if (text->size >= TREE_NAME || (text->size == 0 && !empty))
		return -ERANGE;
	if (memchr(text->bytes, '\0', text->size))
		return -EINVAL;
	memcpy(to, text->bytes, text->size);
	to[text->size] = '\0';
	return 0;
}

static int do_xattrwalk(struct call *call)
{
	struct session *session = call->session;
	struct fid to = {.uid = call->fid.uid, .state = VALUE, .node = call->fid.node};
	char name[TREE_NAME], *bytes;
	int r = xattr_name(name, &call->request->name, true);

	if (r < 0)
		return r;
	int size = node_xattr(call->fid.node, name, &bytes);
	if (size < 0)
		return size;
	to.value = value_new(&session->fids, (size_t)size);
	if (!to.value) {
		free(bytes);
		return -ENOMEM;
	}
	to.value->bytes = bytes;
	node_keep(session->tree, to.node);
	reply_put(&call->reply, "q", (uint64_t)size);
	return fid_new(&session->fids, call->request->other, &to);
}

static int do_xattrcreate(struct call *call)
{
	const struct request *r = call->request;
	struct session *session = call->session;
	struct fid to = {.uid = call->fid.uid, .state = NEW_VALUE, .node = call->fid.node};
	char name[TREE_NAME];
	int error = xattr_name(name, &r->name, false);

	if (error < 0)
		return error;
	if (r->flags & ~(uint32_t)(XATTR_CREATE | XATTR_REPLACE | P9_XATTR_EMPTY))
		return -EINVAL;
	if (r->size > XATTR_MOST)
		return -E2BIG;
	to.value = value_new(&session->fids, (size_t)r->size);
	if (!to.value)
		return -ENOMEM;
	memcpy(to.value->name, name, sizeof(name));
	to.value->flags = (int)r->flags;
	to.value->bytes = calloc(1, r->size ? (size_t)r->size : 1);
	if (!to.value->bytes) {
		value_drop(&session->fids, to.value);
		return -ENOMEM;
	}
	node_keep(session->tree, to.node);
	return fid_turn(&session->fids, &call->fid, &to);
}

/* ---- the table ---- */

enum {
	HELD = 1,    /* the node's descriptor is used */
	NAME = 2,    /* `name` is the name of a file */
	SECOND = 4,  /* so is `second` */
	OTHER = 8,   /* `other` is an inode, whose descriptor is used */
	WRITES = 16, /* counts against the user's quota */
	MAKES = 32,  /* belongs to the user, and the group that the message has */
};

static const struct rule {
	uint8_t states; /* of `fid`, or 0 if the message has none */
	uint8_t needs;
	int (*act)(struct call *call);
} rules[MESSAGE_TYPES] = {
	[TSTATFS] = {INODE, HELD, do_statfs},
	[TLOPEN] = {PLAIN, HELD, do_lopen},
	[TLCREATE] = {PLAIN, HELD | NAME | MAKES, do_lcreate},
	[TSYMLINK] = {INODE, HELD | NAME | MAKES, do_symlink},
	[TMKNOD] = {INODE, HELD | NAME | MAKES, do_mknod},
	[TRENAME] = {INODE, HELD | NAME | OTHER, do_rename},
	[TREADLINK] = {INODE, HELD, do_readlink},
	[TGETATTR] = {INODE, HELD, do_getattr},
	[TSETATTR] = {INODE, HELD, do_setattr},
	[TXATTRWALK] = {INODE, HELD, do_xattrwalk},
	[TXATTRCREATE] = {PLAIN, 0, do_xattrcreate},
	[TREADDIR] = {DIRECTORY_OPEN, 0, do_readdir},
	[TFSYNC] = {FILE_OPEN | DIRECTORY_OPEN, 0, do_fsync},
	[TLOCK] = {FILE_OPEN | DIRECTORY_OPEN, 0, do_lock},
	[TGETLOCK] = {FILE_OPEN | DIRECTORY_OPEN, 0, do_getlock},
	[TLINK] = {INODE, HELD | NAME | OTHER, do_link},
	[TMKDIR] = {INODE, HELD | NAME | MAKES, do_mkdir},
	[TRENAMEAT] = {INODE, HELD | NAME | SECOND | OTHER, do_renameat},
	[TUNLINKAT] = {INODE, HELD | NAME, do_unlinkat},
	[TVERSION] = {0, 0, do_version},
	[TATTACH] = {0, 0, do_attach},
	[TFLUSH] = {0, 0, do_flush},
	[TWALK] = {INODE, HELD, do_walk},
	[TREAD] = {FILE_OPEN | VALUE, 0, do_read},
	[TWRITE] = {FILE_OPEN | NEW_VALUE, WRITES, do_write},
	[TCLUNK] = {ANY, 0, do_clunk},
	[TREMOVE] = {ANY, 0, do_remove},
};

/* Does what the rule asks for besides fids, and acts. */
static int act(struct call *call, const struct rule *rule)
{
	const struct request *r = call->request;
	int error = 0;

	if (rule->needs & NAME)
		error = tree_name(call->name, r->name.bytes, r->name.size);
	if (error == 0 && rule->needs & SECOND)
		error = tree_name(call->second, r->second.bytes, r->second.size);
	/*
	 * The guest has checked the permissions. Without this, the thread would still act as the
	 * user of the ring's last request.
	 */
	if (error == 0 && !(rule->needs & (WRITES | MAKES)))
		error = tree_act_as_server();
	if (error == 0 && rule->needs & WRITES)
		error = tree_act_as(call->fid.uid);
	if (error == 0 && rule->needs & MAKES)
		error = tree_act_as_group(call->fid.uid, r->gid);
	return error < 0 ? error : rule->act(call);
}

/* Finds the second fid, and lets it go again. */
static int with_other(struct call *call, const struct rule *rule)
{
	int r;

	if (!(rule->needs & OTHER))
		return act(call, rule);
	r = fid_hold(&call->session->fids, call->request->other, INODE, &call->other);
	if (r < 0)
		return r;
	r = act(call, rule);
	fid_release(&call->session->fids, &call->other);
	return r;
}

/* Finds the fids, and lets them go again. */
static int with_fids(struct call *call, const struct rule *rule)
{
	bool held = rule->needs & HELD;
	int r;

	if (rule->states == 0)
		return act(call, rule);
	r = (held ? fid_hold : fid_get)(&call->session->fids, call->request->fid, rule->states,
					&call->fid);
	if (r < 0)
		return r;
	r = with_other(call, rule);
	(held ? fid_release : fid_drop)(&call->session->fids, &call->fid);
	return r;
}

/* Does the request, and writes its answer. Returns its size, or 0 if it comes later. */
static size_t answer(struct call *call, int undecoded, uint8_t *buffer, size_t room)
{
	const struct request *r = call->request;
	bool known = r->type < MESSAGE_TYPES && rules[r->type].act;
	int error = -undecoded;

	reply_begin(&call->reply, buffer, room);
	if (error == 0)
		error = known ? with_fids(call, &rules[r->type]) : -EOPNOTSUPP;
	if (error == LATER)
		return 0;
	if (error == 0 && call->reply.full)
		error = -EOVERFLOW;
	return error < 0 ? reply_error(buffer, r->tag, -error)
			 : reply_finish(&call->reply, (uint8_t)(r->type + 1), r->tag);
}

ssize_t session_request(struct session *session, struct channel *channel, const uint8_t *message,
			size_t size, uint8_t *reply)
{
	struct running running;
	struct request request;
	struct call call = {.session = session, .running = &running, .request = &request};
	int undecoded;

	size_t agreed = __atomic_load_n(&session->agreed, __ATOMIC_ACQUIRE);
	size_t room = agreed ? agreed : session->msize;
	if (size > room)
		return -1;
	undecoded = message_decode(message, size, &request);
	if (!agreed && request.type != TVERSION)
		undecoded = EPROTO;
	if (!running_begin(&session->requests, &running, channel, request.tag))
		return -1;
	size_t n = answer(&call, undecoded, reply, room);
	bool sent = running_end(&session->requests, &running, reply, n);
	return sent ? 0 : (ssize_t)n;
}

/* ---- beginning and end ---- */

int session_prepare(int proc)
{
	struct sigaction action = {.sa_handler = file_stop_waiting, .sa_flags = SA_NODEFER};
	int bits = prctl(PR_GET_SECUREBITS);

	umask(0);
	if (fchdir(proc) || bits < 0 || sigaction(SIGUSR1, &action, NULL) ||
	    signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
		return -1;
	return prctl(PR_SET_SECUREBITS, bits | SECBIT_NO_SETUID_FIXUP);
}

/* The limits that were not given. */
static void complete(struct session_limits *limits)
{
	const struct {
		size_t *limit, usual;
	} all[] = {{&limits->fids, 131072}, {&limits->descriptors, 12288},
		   {&limits->opens, 16384}, {&limits->ranges, 4096},
		   {&limits->waiting, 64},  {&limits->xattr_bytes, 4 << 20}};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (*all[i].limit == 0)
			*all[i].limit = all[i].usual;
}

struct session *session_new(int root, int proc, size_t msize, const struct session_limits *limits)
{
	struct session *session = calloc(1, sizeof(*session));
	struct session_limits all = *limits;

	if (!session)
		return NULL;
	complete(&all);
	session->msize = msize;
	session->fids.most = all.fids;
	session->fids.bytes_most = all.xattr_bytes;
	session->tree = tree_new(root, proc, all.descriptors);
	if (!session->tree || !fids_begin(&session->fids, session->tree, &session->requests)) {
		if (session->tree)
			tree_free(session->tree);
		free(session);
		return NULL;
	}
	files_begin(&session->files, session->tree, all.opens, all.ranges);
	requests_begin(&session->requests, all.waiting);
	return session;
}

void session_end(struct session *session)
{
	running_stop(&session->requests, NULL);
	fids_clear(&session->fids);
	requests_end(&session->requests);
	fids_end(&session->fids);
	files_end(&session->files);
	tree_free(session->tree);
	free(session);
}
