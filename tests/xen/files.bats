#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The file server: what becomes of data and permissions in a 9p root and in its bind mounts, beside the host and a second VM.

load helpers
bats_require_minimum_version 1.5.0

setup_file() {
	fresh_bed
	"$bed" sh 'mkdir -p /srv/debian/usr/local/bin && cat >/srv/debian/usr/local/bin/files.py' <"$top/tests/xen/programs/files.py"
}

# served: starts the container $id with Debian's programs, whose root and whose /data are the host's
served() {
	bundle '.root.path = "/srv/debian" | .process.args = ["sleep", "100000"]
		| .process.capabilities = (["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_MKNOD", "CAP_SETFCAP",
			"CAP_SETGID", "CAP_SETUID"] | {bounding: ., effective: ., permitted: .})
		| .mounts += [{type: "bind", source: "/srv/data", destination: "/data", options: ["rbind"]}]
		| .annotations = {"org.lfedge.runx.rootfs": "9p"} | .linux.resources.memory.limit = 134217728'
	create
	dom0 runX start "$id"
	says 0 '' ''
}

# The host's part, in dom0's shell. Each `next` shows what the VM saw, and `go` lets it go on.
# arguments: the container, its directory, the same on the host, the second container
host='
	next() { read -r line <&4 && printf "%s\n" "$line"; }
	go() { echo >&3; }
	mkfifo /run/to /run/from
	runX exec "$1" python3 -u /usr/local/bin/files.py "$2" </run/to >/run/from &
	exec 3>/run/to 4</run/from
	cd "$3" || exit
	next; echo "host 1" >>log; go
	next; echo "host 2" >>log; mv log log.1; go
	next; cat log.1; ls log 2>/dev/null; go
	next; echo new >new && mv new replaced; rm removed; echo new >removed; go
	next; stat -c "%s %a %u" replaced removed; cat replaced removed; go
	next; echo secret >new && chmod 600 new && mv new mine; go
	next; go
	next; next; flock -n whole true || echo held; flock -n part true && echo free
	runX exec "$4" python3 -c "
import fcntl, os, sys
os.chdir(sys.argv[1])
def held(call, name, *range):
    try:
        call(os.open(name, os.O_RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB, *range)
        return False
    except BlockingIOError:
        return True
with open(\"shared\", \"r+b\") as f:
    fcntl.flock(f, fcntl.LOCK_EX)
    f.seek(0, 2)
    f.write(b\"second vm\n\")
print(held(fcntl.flock, \"whole\"), held(fcntl.lockf, \"whole\"), held(fcntl.lockf, \"part\", 1, 7), held(fcntl.lockf, \"part\", 1, 3))" "$2"
	exec 5>theirs && flock 5 && go
	for line in 1 2 3 4 5 6 7; do next; done; exec 5>&-; echo >&3; echo >&3
	exec 3>&-
	cat <&4
	wait
	stat -c "%.Y %a" attributes; stat -c %F socket fifo device link; cat mine
	[ "$(du -k sparse | cut -f 1)" -lt 100 ] && echo sparse
	rm /run/to /run/from'

# Makes the file systems of the directory $1 that have little room, and that have little for user 1000.
little='
	image=/srv/${1##*/}.img
	mkdir -p "$1/small" "$1/limited" && mount -t tmpfs -o size=64k tmpfs "$1/small" &&
	truncate -s 16M "$image" && mkfs.ext4 -q -O quota -E quotatype=usrquota "$image" &&
	mount -o loop,usrquota "$image" "$1/limited" && chmod 777 "$1/limited" && chroot /srv/debian python3 -c "
import ctypes
QUOTACTL_FD, Q_SETQUOTA, QIF_BLIMITS = 443, 0x80000800, 1
limits = (ctypes.c_uint64 * 9)(1024, 0, 0, 0, 0, 0, 0, 0, QIF_BLIMITS)
assert ctypes.CDLL(None).syscall(QUOTACTL_FD, 3, Q_SETQUOTA, 1000, limits) == 0" 3<"$1/limited"'

# beside_others DIRECTORY HOST-DIRECTORY: the container $id, the host and the container $id-2 use the directory
beside_others() {
	"$bed" sh "stat -f -c '%b * %S' /srv" >"$BATS_TEST_TMPDIR/size"
	run --separate-stderr "$bed" run -t 400 sh -c "$host" sh "$id" "$1" "$2" "$id-2"
	diff - <(echo "$output") <<-END
		log
		more
		rotated
		guest 1
		host 1
		guest 2
		host 2
		guest 3
		held
		3 0o751 7 1234567891 old 3 0o751 7 1234567891 old 3 0o751 7 1234567891 old
		4 644 0
		4 644 0
		new
		new
		mine
		EACCES
		0
		locked
		held
		free
		True False True False
		10 b'second vm'
		EAGAIN no error
		True
		EINTR
		EINTR
		EINTR
		waited
		True b'value' True
		987654321123456789
		socket s 1 0
		fifo p 1 0
		device c 1 259
		link l 1 0
		hard - 2 0
		5368709123 True b'end' b'\x00\x00'
		True ENAMETOOLONG
		b'target' source
		1000 EACCES
		0o777
		$(($(cat "$BATS_TEST_TMPDIR/size")))
		33554432
		ENOSPC
		EDQUOT
		987654321.123456789 755
		socket
		fifo
		character special file
		symbolic link
		secret
		sparse
	END
	[ -z "$stderr" ] || { echo "$stderr" && return 1; }
}

@test "files: in a bind mount and in the root, beside the host and a second VM" {
	local first="$id"
	"$bed" sh "$little" /srv/data
	"$bed" sh "$little" /srv/debian/work
	served
	id=$first-2
	served
	id=$first
	beside_others /data /srv/data
	beside_others /work /srv/debian/work
	# What the VM's kernel has to say of its 9P client.
	dom0 grep -E 'WARNING|BUG|Oops|refcount|9p' "/var/log/xen/console/guest-rx-$id.log"
	says 1 '' ''
	dom0 sh -c 'runX delete --force "$1"; runX delete --force "$1-2"
		umount /srv/data/small /srv/data/limited /srv/debian/work/small /srv/debian/work/limited' sh "$id"
	says 0 '' ''
}

@test "files: supplementary groups may read, and a setgid directory gives its group" {
	"$bed" sh 'for place in /srv/groups /bundles/busybox/rootfs/groups; do
		mkdir -p $place/shared && cd $place && echo word >ours && echo secret >theirs && chmod 040 ours theirs &&
			chown 0:5000 ours shared && chown 0:5001 theirs && chmod 2777 shared || exit
	done'
	container '.process.args = ["sh", "-c", "for place in /data /groups; do
				cd $place && cat ours && ! cat theirs 2>/dev/null && mkdir shared/made && touch shared/file || exit
				stat -c \"%u %g %a\" shared/made shared/file
			done"]
		| .process.user = {uid: 1000, gid: 1000, umask: 18, additionalGids: [5000]}
		| .mounts += [{type: "bind", source: "/srv/groups", destination: "/data", options: ["rbind"]}]
		| .annotations = {"org.lfedge.runx.rootfs": "9p"}'
	says 0 "$(printf '%s\n' word '1000 5000 2755' '1000 5000 644' word '1000 5000 2755' '1000 5000 644')" ''
	dom0 sh -c 'stat -c "%u %g %a" /srv/groups/shared/* /bundles/busybox/rootfs/groups/shared/*'
	says 0 "$(printf '%s\n' '1000 5000 644' '1000 5000 2755' '1000 5000 644' '1000 5000 2755')" ''
}

@test "files: the server of a quiet container sleeps, is small, and has its limits" {
	bundle '.process.args = ["sleep", "100000"] | .annotations = {"org.lfedge.runx.rootfs": "9p"}'
	create
	dom0 runX start "$id"
	says 0 '' ''
	# A second after its last long message, a ring gives its memory back (QUIET in channel.c).
	dom0 sh -c 'read -r _ pid _ <"/run/runX/$1/files" && cd "/proc/$pid" || exit
		switches() { awk "/ctxt_switches:/ { sum += \$2 } END { print sum }" task/*/status; }
		sleep 5
		before=$(switches)
		sleep 10
		echo "switches: $(($(switches) - before))"
		# The pages of the rings are the memory of the VM.
		awk "/^[0-9a-f]+-/ { ours = \$6 != \"/xen/gntdev\" } /^Pss:/ && ours { sum += \$2 } END { if (sum > 512) print sum }" smaps
		sed -nE "s/^Max (core file size|open files|locked memory|address space) +([0-9]+) +([0-9]+) .*/\1: \2 \3/p" limits' sh "$id"
	# As in confine.c. An address space has 256 MiB.
	says 0 "$(printf '%s\n' 'switches: 0' 'core file size: 0 0' 'open files: 65536 65536' 'locked memory: 0 0' \
		"address space: $((256 << 20)) $((256 << 20))")" ''
	dom0 runX delete --force "$id"
	says 0 '' ''
}
