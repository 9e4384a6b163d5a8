# SPDX-License-Identifier: Apache-2.0
# The VM's side of tests/xen/files.bats. Each step prints what it saw, and waits for a line of the host's, which has then
# done its part.
#
# usage: files.py DIRECTORY
import errno, fcntl, os, signal, socket, stat, struct, sys, threading, time

os.chdir(sys.argv[1])
RW = os.O_RDWR | os.O_CREAT


def step(*words):
    print(*words, flush=True)
    sys.stdin.readline()


def error(call, *arguments):
    try:
        call(*arguments)
        return "no error"
    except OSError as e:
        return errno.errorcode[e.errno]


def as_user(call, *arguments):
    os.seteuid(1000)
    try:
        return call(*arguments)
    finally:
        os.seteuid(0)


# A log that both append to, and that the host rotates.
log = os.open("log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
os.write(log, b"guest 1\n")
step("log")
os.write(log, b"guest 2\n")
step("more")
os.fstat(log)
os.write(log, b"guest 3\n")
step("rotated")

# Descriptors of files that the host has replaced or removed, or that were removed here.
held = {name: os.open(name, RW, 0o644) for name in ("replaced", "removed", "unlinked")}
for f in held.values():
    os.write(f, b"old text")
os.unlink("unlinked")
step("held")
seen = []
for name, f in held.items():
    os.ftruncate(f, 3)
    os.fchmod(f, 0o751)
    os.fchown(f, 7, 8)
    os.utime(f, ns=(5, 1234567891))
    s = os.fstat(f)
    seen += [s.st_size, oct(s.st_mode & 0o777), s.st_uid, s.st_mtime_ns, os.pread(f, 9, 0).decode()]
step(*seen)

# What a user had open, the host replaces by a secret.
mine = os.open("mine", RW, 0o644)
os.chown("mine", 1000, 1000)
step("mine")
time.sleep(1.1)  # so long a name may be what it was
step(as_user(error, os.open, "mine", os.O_RDONLY))

# Locks of both kinds, held here.
whole, part = os.open("whole", RW), os.open("part", RW)
fcntl.flock(whole, fcntl.LOCK_EX)
fcntl.lockf(part, fcntl.LOCK_EX, 10, 5)
shared = os.open("shared", RW)
print(os.lseek(shared, 0, os.SEEK_END))
step("locked")
# The second VM has written under its lock.
fcntl.flock(shared, fcntl.LOCK_EX)
print(os.lseek(shared, 0, os.SEEK_END), os.pread(shared, 9, 0))
theirs = os.open("theirs", RW)
print(error(fcntl.flock, theirs, fcntl.LOCK_EX | fcntl.LOCK_NB), error(fcntl.lockf, theirs, fcntl.LOCK_EX | fcntl.LOCK_NB))
asked = fcntl.fcntl(part, fcntl.F_GETLK, struct.pack("hh4xqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
print(struct.unpack("hh4xqqi4x", asked)[0] == fcntl.F_UNLCK)


def too_long(*_):
    raise InterruptedError(errno.EINTR, "")


signal.signal(signal.SIGALRM, too_long)
for _ in range(3):
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    print(error(fcntl.flock, theirs, fcntl.LOCK_EX))
step("waited")

# Attributes, times, kinds, names and sizes.
os.close(os.open("attributes", RW, 0o755))
capability = struct.pack("<5I", 0x02000001, 1 << 13, 0, 0, 0)  # cap_net_raw=ep
os.setxattr("attributes", "security.capability", capability)
os.setxattr("attributes", "user.word", b"value")
acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *e) for e in (
    (1, 7, 0xffffffff), (2, 4, 1000), (4, 5, 0xffffffff), (16, 5, 0xffffffff), (32, 5, 0xffffffff)))
os.setxattr("attributes", "system.posix_acl_access", acl)
print(os.getxattr("attributes", "security.capability") == capability, os.getxattr("attributes", "user.word"),
      os.getxattr("attributes", "system.posix_acl_access") == acl)
os.utime("attributes", ns=(1, 987654321123456789))
print(os.stat("attributes").st_mtime_ns)

socket.socket(socket.AF_UNIX).bind("socket")
os.mkfifo("fifo")
os.mknod("device", stat.S_IFCHR | 0o600, os.makedev(1, 3))
os.symlink("nowhere", "link")
os.link("attributes", "hard")
for name in ("socket", "fifo", "device", "link", "hard"):
    s = os.lstat(name)
    print(name, stat.filemode(s.st_mode)[0], s.st_nlink, s.st_rdev)

sparse = os.open("sparse", RW)
os.pwrite(sparse, b"end", 5 << 30)
print(os.fstat(sparse).st_size, os.fstat(sparse).st_blocks < 100, os.pread(sparse, 3, 5 << 30), os.pread(sparse, 2, 1 << 30))
os.mkdir("names")
names = sorted([b"n" * 255, b"\xff\xfe", b"a\nb", b" ", b"\xc3\xa9"])
for name in names:
    os.close(os.open(b"names/" + name, RW))
print(sorted(os.listdir(b"names")) == names, error(os.open, "n" * 256, RW))

open("target", "w").write("target")
f = os.open("target", os.O_RDONLY)
open("source", "w").write("source")
os.rename("source", "target")
print(os.read(f, 9), open("target").read())

os.mkdir("everyones")
os.chmod("everyones", 0o1777)
as_user(os.mkdir, "everyones/his")
s = os.stat("everyones/his")
print(s.st_uid, error(lambda: as_user(os.rmdir, "names")))
os.close(os.open("setuid", RW))
os.chmod("setuid", 0o6777)
f = as_user(os.open, "setuid", os.O_WRONLY)
as_user(os.write, f, b"x")
print(oct(os.stat("setuid").st_mode & 0o7777))
print(os.statvfs(".").f_blocks * os.statvfs(".").f_frsize)


# More than the rings hold at once: who waits for room must be woken.
def write_much(n):
    f = os.open("much%d" % n, RW)
    for _ in range(4):
        os.write(f, bytes(1 << 20))
    os.close(f)


writers = [threading.Thread(target=write_much, args=(n,)) for n in range(8)]
for w in writers:
    w.start()
for w in writers:
    w.join()
print(sum(os.stat("much%d" % n).st_size for n in range(8)))


def fill():
    full = os.open("small/full", RW)
    for _ in range(3):
        os.write(full, bytes(1 << 20))
    os.close(full)


def exceed():
    f = as_user(os.open, "limited/file", RW)
    os.write(f, bytes(2 << 20))
    os.close(f)


print(error(fill))
step(error(exceed))
