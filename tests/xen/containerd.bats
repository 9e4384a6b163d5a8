#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# bats file_tags=engines
# The main job: containerd runs OCI images through runX.

load helpers
bats_require_minimum_version 1.5.0

image=runx.test/busybox:latest

ctr_run() {
	dom0 ctr run --rm --runc-binary=/usr/sbin/runX "$@"
}

@test "containerd: ctr run passes stdin on, prints what the container prints, and returns its status" {
	# stdin stays open until the answer has come: ctr 1.6 misses an end of stdin that comes before its task exists.
	dom0 sh -c ": >/out; { echo some input; tail -n +1 -f /out | sed /input/q >/dev/null; } |
		ctr run --rm --runc-binary=/usr/sbin/runX $image $id sh -c 'cat; echo out; echo err >&2; exit 42' >/out; rc=\$?; cat /out; exit \$rc"
	says 42 "$(printf '%s\n' 'some input' out)" err
}

@test "containerd: a program that is missing" {
	ctr_run $image "$id" nosuch
	[ "$status" -eq 1 ]
	[[ $stderr == *'OCI runtime create failed'*'exec: "nosuch": executable file not found in $PATH'* ]]
}

@test "containerd: what the options of ctr run ask for is so in the container, with CNI and the native snapshotter" {
	"$bed" sh 'mkdir -p /srv/data /opt/cni /etc/cni/net.d && echo data >/srv/data/file && ln -sfn /usr/lib/cni /opt/cni/bin
		echo "{\"cniVersion\": \"0.4.0\", \"name\": \"ctr\", \"plugins\": [{\"type\": \"bridge\", \"bridge\": \"ctr0\", \"isGateway\": true,
			\"ipam\": {\"type\": \"host-local\", \"ranges\": [[{\"subnet\": \"10.30.0.0/24\"}]]}}]}" >/etc/cni/net.d/10-ctr.conflist
		ctr image import --snapshotter native /bundles/busybox.tar >/dev/null'
	ctr_run --cni --snapshotter native --env GREETING='a "b" c' --cwd /tmp --read-only --memory-limit 83886080 --cpus 0.5 \
		--mount type=bind,src=/srv/data,dst=/data,options=rbind:ro $image "$id" sh -c '
			echo "$GREETING" "$PWD" "$(cat /data/file)"; touch /data/new || touch /new || echo kept
			awk "/MemTotal/ { print (\$2 > 80000 && \$2 < 120000) }" /proc/meminfo
			ip address show eth0 | grep -o "inet [0-9.]*"; ping -c 1 10.30.0.1 >/dev/null && echo reached'
	[ "$output" = "$(printf '%s\n' 'a "b" c /tmp data' kept 1 'inet 10.30.0.2' reached)" ] || { echo "$output" "$stderr" && return 1; }
	"$bed" sh 'rm /etc/cni/net.d/10-ctr.conflist; ip link del ctr0'
}

@test "containerd: one id in two namespaces, each in its control group; detached tasks are killed by TERM and by KILL" {
	dom0 sh -c 'for ns in one two; do
			ctr -n $ns image import /bundles/busybox.tar >/dev/null
			ctr -n $ns run -d --runc-binary=/usr/sbin/runX "$2" "$1" sh -c "trap \"exit 41\" TERM; while :; do sleep 1000 & wait; done"
			ctr -n $ns task exec --exec-id w "$1" sh -c "echo $ns >/name"
		done
		signal=15
		for ns in one two; do
			ctr -n $ns task exec --exec-id r "$1" cat /name
			ctr -n $ns task ls | grep -o RUNNING
			cat /proc/$(ctr -n $ns task ls | awk "NR == 2 { print \$2 }")/cgroup
			ctr -n $ns task kill -s $signal "$1"; until ctr -n $ns task ls | grep -q STOPPED; do :; done
			ctr -n $ns task delete "$1"; ctr -n $ns container delete "$1"; ctr -n $ns image rm "$2" >/dev/null
			[ ! -e /sys/fs/cgroup/$ns/$1/cgroup.procs ] || echo "its control group is still there"
			signal=9
		done' sh "$id" $image
	[ "$output" = "$(printf '%s\n' one RUNNING "0::/one/$id" two RUNNING "0::/two/$id")" ] || { echo "$output" "$stderr" && return 1; }
	# ctr itself returns 0, and prints the status of the task.
	[[ $stderr == *'exit with non-zero exit code 41'*'exit with non-zero exit code 137'* ]] || { echo "$stderr" && return 1; }
}

# restart_containerd: no service manager does it in dom0
restart_containerd() {
	dom0 sh -c 'pid=$(pidof containerd) && kill "$pid" && tail --pid="$pid" -f /dev/null
		containerd >/run/containerd.log 2>&1 </dev/null &
		tail -n +1 -f /run/containerd.log --pid=$! | sed "/containerd successfully booted/q" >/dev/null'
}

@test "containerd: task exec, pause, resume, ps and metrics; a container lives on while containerd starts anew, and goes with a shim that is killed" {
	dom0 ctr run -d --runc-binary=/usr/sbin/runX $image "$id" sleep 1000
	says 0 '' ''
	dom0 ctr task exec --exec-id one --user 1000:1000 --cwd /tmp "$id" sh -c 'cat /proc/1/comm; id -u; pwd; exit 3'
	says 3 "$(printf '%s\n' sleep 1000 /tmp)" ''
	dom0 sh -c 'ctr task pause "$1"; ctr task ls; ctr task resume "$1"; ctr task ls' sh "$id"
	[[ $output == *"$id "*PAUSED*"$id "*RUNNING* ]] || { echo "$output" && return 1; }
	dom0 sh -c 'ctr task ps "$1"; ctr task metrics --format json "$1"; cat /run/containerd/io.containerd.runtime.v2.task/default/"$1"/init.pid' sh "$id"
	[ "$status" -eq 0 ]
	[ "${lines[1]%% *}" = "${lines[-1]}" ] || { echo "$output" && return 1; }
	[[ $output == *'"memory"'* ]]
	restart_containerd
	[[ $("$bed" run ctr task ls) == *"$id "*RUNNING* ]]
	dom0 ctr task exec --exec-id two "$id" sh -c 'echo here; exit 4'
	says 4 here ''
	dom0 sh -c 'kill -9 $(pgrep -f "containerd-shim-runc-v2.* -id $1 ") && while [ -e /run/containerd/runc/default/"$1" ]; do :; done
		while ctr task ls | grep "$1 "; do :; done; ctr container delete "$1"' sh "$id"
	[ "$status" -eq 0 ]
}

# thin_up: starts a second containerd, with snapshots on a thin pool in dom0. All of it is in /b/$id. dom0 has no udev, so
# dmsetup makes the device nodes itself.
thin_up() {
	"$bed" sh 'export DM_DISABLE_UDEV=1
		mkdir -p "/b/$1" && cd "/b/$1" && modprobe dm-thin-pool && truncate -s 8m meta && truncate -s 512m data &&
		meta=$(losetup --show -f meta) && data=$(losetup --show -f data) &&
		dmsetup create "$1" --table "0 1048576 thin-pool $meta $data 128 0 1 skip_block_zeroing" || exit
		sed "s/\"io.containerd.snapshotter.v1.devmapper\",*//" /etc/containerd/config.toml >config.toml
		printf "%s\n" "[plugins.\"io.containerd.snapshotter.v1.devmapper\"]" "root_path = \"/b/$1/snapshots\"" \
			"pool_name = \"$1\"" "base_image_size = \"32MB\"" >>config.toml
		containerd -c config.toml --root "/b/$1/root" --state "/b/$1/state" -a "/b/$1/socket" >log 2>&1 </dev/null &
		echo $! >pid
		tail -n +1 -f log --pid=$! | sed -n "/containerd successfully booted/q"
		ctr -a "$PWD/socket" image import --snapshotter devmapper /bundles/busybox.tar || { cat log && exit 1; }' "$id"
}

# thin_down: removes the image, and so all garbage, and prints the devices that are left. Then ends that containerd.
thin_down() {
	dom0 sh -c 'export DM_DISABLE_UDEV=1
		cd "/b/$1" && ctr -a "$PWD/socket" image rm --sync "$2" && dmsetup ls | cut -f 1
		read -r pid <pid; kill "$pid"; tail --pid="$pid" -f /dev/null
		dmsetup remove "$1" && losetup -d $(losetup -n -O NAME -j meta) && losetup -d $(losetup -n -O NAME -j data) &&
		rm -r "/b/$1"' sh "$id" "$image"
}

@test "containerd: the devmapper snapshotter's device is the VM's, and has what it wrote" {
	thin_up
	dom0 sh -c 'cd "/b/$1" && mkfifo out && exec 3<>out
		ctr -a "$PWD/socket" run --snapshotter devmapper --runc-binary=/usr/sbin/runX "$2" "$1" sh -c "
			grep \" / \" /proc/mounts | cut -d \" \" -f 1,3; echo from-guest >/written; mkfifo /go; echo ready
			read -r go </go; exit 7" >out &
		sed /ready/q <&3
		xenstore-ls -f /local/domain/0/backend/vbd | grep -o "params = .*"; grep -c mapper /proc/mounts; find /var/lib/runX -type f 2>/dev/null
		losetup -n -O BACK-FILE | sort; ctr -a "$PWD/socket" task exec --exec-id go "$1" sh -c "echo >/go"; wait $!; echo $?' sh "$id" "$image"
	says 0 "$(printf '%s\n' '/dev/xvda ext4' ready "params = \"/dev/mapper/$id-snap-2\"" 0 "/b/$id/data" "/b/$id/meta" 7)" ''
	# Mount the snapshot as the engine would.
	dom0 sh -c 'cd "/b/$1" && mkdir mnt && mount "$(ctr -a "$PWD/socket" snapshot --snapshotter devmapper mounts /mnt "$1" | cut -d " " -f 4)" mnt
		cat mnt/written; umount mnt; ctr -a "$PWD/socket" container delete "$1"' sh "$id"
	says 0 from-guest ''
	thin_down
	says 0 "$(printf '%s\n' "$image" "$id")" ''
}

# on_terminal SIZE <SCRIPT: runs the script with bash in dom0, with terminal.bash and a container's shell on a terminal
on_terminal() {
	"$bed" sh 'cat >/tmp/terminal.bash' <"$BATS_TEST_DIRNAME/terminal.bash"
	"$bed" sh 'cat >/tmp/script'
	dom0 bash -c ". /tmp/terminal.bash; id=$id
		terminal '$1' ctr run --rm -t --runc-binary=/usr/sbin/runX $image $id sh
		see '/ # '
		. /tmp/script"
}

@test "containerd: a terminal for people: its name, echo, job control, vi, top, raw and back, another size" {
	on_terminal 24x80 <<-'END'
		# After a new size the shell shows its prompt again.
		types 'until [ "$(stty size)" = "24 80" ]; do :; done; echo si""zed\r'
		see 'sized\r\n'
		see '/ # '
		types 'tty; stty size; echo o""ne\r'
		shows 'tty; stty size; echo o""ne\r\n/dev/pts/0\r\n24 80\r\none\r\n'

		types "sh -c \"trap 'echo back' CONT; sleep 1000 & echo up; while :; do wait; done\"\r"
		see 'up\r\n'
		types '\032'
		see 'Stopped'
		see '/ # '
		types 'bg\r'
		see 'back\r\n'
		types 'jobs\r'
		see 'Running'
		types 'fg\r'
		see 'back\r\n'
		types '\003'
		see '/ # '
		types 'echo $?\r'
		shows 'echo $?\r\n130\r\n'

		types 'vi /tmp/f\r'
		see '\033[24;1H'
		types 'i'
		see 'I /tmp/f'
		types 'hello\033'
		see '- /tmp/f'
		types ':wq\r'
		see '/ # '
		types 'cat /tmp/f\r'
		shows 'cat /tmp/f\r\nhello\r\n'

		# stty sets rows and columns one after the other, so two signals come.
		types "sh -c \"trap 'stty size' WINCH; sleep 1000 & echo up; while :; do wait; done\"\r"
		see 'up\r\n'
		resize 40 100
		see '40 100\r\n'
		types '\003'
		see '/ # '
		types 'vi /tmp/f\r'
		see '\033[40;1H'
		types ':q\r'
		see '/ # '

		types 'top -d 1\r'
		see 'Mem:'
		see 'PID'
		see 'Mem:'
		types 'q'
		see '/ # '

		types 'stty raw -echo; echo go; head -c 4 | od -An -tx1; stty sane\r'
		see 'go\n'
		types '\003\032\r\004'
		see ' 03 1a 0d 04\n'
		see '/ # '
		types 'echo c""ooked\r'
		shows 'echo c""ooked\r\ncooked\r\n'

		types 'exit 7\r'
		ends 7
	END
	says 0 '' ''
}

@test "containerd: a terminal without a size" {
	on_terminal '' <<-'END'
		types 'vi /tmp/f\r'
		see '\033[24;1H'
		types ':q\r'
		see '/ # '
		types 'exit\r'
		ends 0
	END
	says 0 '' ''
}
