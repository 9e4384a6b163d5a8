# SPDX-License-Identifier: Apache-2.0
# The part of tests/bench/stress that runs in dom0.
#
# usage: stress.sh SECONDS GUEST_TYPE
# shellcheck shell=sh
set -eu

. "${0%/*}/lib.sh"
seconds=$1
printf '%s\n' "guest_type = $2" 'rootfs = 9p' 'memory = 192' >/etc/runX/runX.conf
root=/bundles/busybox/rootfs
mkdir -p /b/volume/one /b/volume/two /b/volume/dom0 /b/results "$root/volume"

# Each job reads what it has written before, and stops at a wrong sum.
fio="fio --name=verify --rw=randrw --size=16m --bs=1k-64k --time_based --runtime=$seconds --verify=crc32c --verify_fatal=1 \
	--output-format=json"
stress="stress-ng --temp-path /volume/two --verify --metrics-brief --timeout $seconds --dir 1 --rename 1 --link 1 --symlink 1 --fstat 1 \
	--dentry 1 --hdd 1 --hdd-bytes 8m --flock 1 --lockofd 1 --xattr 1 --chmod 1 --utime 1"

# vm NAME COMMAND: runs the command in a VM of its own, by the volume and by its root. Keeps its status.
vm() {
	mkdir -p "/b/$1"
	cp -a "$root" "/b/$1/rootfs"
	jq --arg command "$2" '.process.terminal = false | .process.args = ["sh", "-c", $command]
		| .root = {path: "rootfs", readonly: false} | del(.linux.readonlyPaths, .linux.maskedPaths)
		| .mounts += [{destination: "/volume", type: "bind", source: "/b/volume", options: ["rbind"]}]' /b/config.json >"/b/$1/config.json"
	status=0
	runX run --bundle "/b/$1" "$1" </dev/null >"/b/results/$1" 2>"/b/results/$1.said" || status=$?
	echo $status >"/b/results/$1.status"
}

# done_of FILE: how much fio has read and verified, and written, in MiB
done_of() {
	jq -r 'def mib: add / 1048576 | floor; "\([.jobs[].read.io_bytes] | mib) | \([.jobs[].write.io_bytes] | mib)"' "$1"
}

row() { # WHAT STATUS-FILE DONE
	[ "$(cat "$2")" = 0 ] || { echo "$1 ended with $(cat "$2")" >&2 && cat "${2%.status}" "${2%.status}.said" >&2 && exit 1; }
	echo "| $1 | $3 |"
}

vm one "$fio --directory=/volume/one --numjobs=2 && echo && $fio --directory=/ --runtime=20 --output=/dev/null" &
vm two "$stress 2>&1" &
mount --bind /b/volume "$root/volume"
status=0
# shellcheck disable=SC2086 # words
chroot "$root" $fio --directory=/volume/dom0 >/b/results/dom0 2>/b/results/dom0.said || status=$?
echo $status >/b/results/dom0.status
umount "$root/volume"
wait

printf '%s\n' "| $seconds s on one share, at once | MiB read and verified | MiB written |" '| --- | --- | --- |'
row 'fio in a VM, two jobs' /b/results/one.status "$(done_of /b/results/one)"
row 'fio in dom0' /b/results/dom0.status "$(done_of /b/results/dom0)"
row 'stress-ng --verify in another VM: stressors, operations' /b/results/two.status \
	"$(awk '$1 == "stress-ng:" && $3 ~ /^\[/ && $5 ~ /^[0-9]+$/ { kinds++; operations += $5 } END { print kinds " | " operations }' /b/results/two)"
