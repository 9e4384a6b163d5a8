#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The part of tests/bench/all that runs in dom0.
#
# usage: all.sh GROUP REPEAT TYPE…
#
# Prints rows for report.awk, with ten columns: what was measured; its unit; runX's median, least and most; what runX is
# compared with; that one's median, least and most; and the budget. A budget is <=N or >=N (times the other median), or
# =N (at most N).
set -eu
. "${0%/*}/lib.sh"

group=$1 repeat=$2 tmp=$(mktemp -d)
shift 2
types=$* type=$1
kinds='9p disk'
image=runx.test/busybox:latest

# three FILE: the median, the least and the most of a column of numbers
three() {
	sort -n "$1" | awk '{ v[NR] = $1 } END { printf "%s\t%s\t%s", v[int((NR + 1) / 2)], v[1], v[NR] }'
}

# result WHAT UNIT OURS [BESIDE THEIRS [BUDGET]]: prints a row. OURS and THEIRS are files of numbers. Without a file THEIRS
# the row is compared with nothing. - stands for an argument that is left out.
result() {
	local beside=- theirs='-	-	-'
	[ ! -f "${5:--}" ] || beside=$4 theirs=$(three "$5")
	printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "$(three "$3")" "$beside" "$theirs" "${6:--}"
}

# conf TYPE ROOT: configures runX with this type of VM and this kind of root file system
conf() {
	printf '%s\n' "guest_type = $1" "rootfs = $2" >/etc/runX/runX.conf
}

# bundle NAME PROGRAM: makes /b/NAME, which is busybox's bundle changed by a jq program
bundle() {
	mkdir -p "/b/$1"
	jq '.process.terminal = false | .process.args = ["sleep", "100000"] | .root = {path: "/bundles/busybox/rootfs", readonly: false}'" | $2" \
		/bundles/busybox/config.json >"/b/$1/config.json"
}

# timed FILE COMMAND…: runs it and adds its milliseconds to the file
timed() {
	local file="$1"
	shift
	ms "$@" >>"$tmp/$file"
}

# repeated COMMAND…: runs it $repeat times
repeated() {
	local round=0
	while [ $((round += 1)) -le "$repeat" ]; do
		"$@"
	done
}

# ---- create ----

# bare_config KIND: writes a configuration with which xl alone makes the VM of a container. create empties the VM's initrd once
# the domain is built. So an xl before the real one copies the initrd and the configuration. A disk is replaced by one of its own.
bare_config() {
	mkdir -p "$tmp/bin"
	cat >"$tmp/bin/xl" <<-END
		#!/bin/sh
		[ "\$1" != create ] || cp /run/runX/c/initrd /run/runX/c/xl.cfg "$tmp"
		exec $(command -v xl) "\$@"
	END
	chmod 755 "$tmp/bin/xl"
	quietly env "PATH=$tmp/bin:$PATH" runX create --bundle /b/create c
	sed -i "s,^ramdisk = .*,ramdisk = \"$tmp/initrd\"," "$tmp/xl.cfg"
	quietly runX delete --force c
	case $1 in
	disk)
		[ -f "$tmp/disk" ] || quietly mkfs.ext4 -q -O ^has_journal -d /bundles/busybox/rootfs "$tmp/disk" 96m
		sed -i "s,target=[^\"]*,target=$tmp/disk," "$tmp/xl.cfg"
		;;
	esac
}

# create_pair TYPE-KIND
create_pair() {
	timed "create-$1" runX create --bundle /b/create c
	quietly runX delete --force c
	timed "xl-$1" xl create -q -p -e "$tmp/xl.cfg"
	quietly xl destroy rx-c
}

bench_create() {
	local kind t
	bundle create .
	for t in $types; do
		for kind in $kinds; do
			conf "$t" "$kind"
			bare_config "$kind"
			repeated create_pair "$t-$kind"
			result "create, $t, $kind" ms "$tmp/create-$t-$kind" 'xl create' "$tmp/xl-$t-$kind" '<=1.5'
		done
	done
}

# ---- start ----

# until_up FILE COMMAND…: adds to the file how long it takes from the command's begin until descriptor 3 says "up"
until_up() {
	local begun now line file="$1"
	shift
	clock
	begun=$now
	"$@" >"$tmp/said" 2>&1 </dev/null 3>&- &
	# A console ends the line with a carriage return.
	while read -r line <&3; do
		case $line in up*) break ;; esac
	done
	clock
	echo $((now - begun)) >>"$tmp/$file"
	wait $!
}

# floor TYPE: starts the least guest
floor() {
	local tty=''
	printf '%s\n' 'name = "floor"' "type = \"$1\"" 'memory = 128' 'kernel = "/usr/share/runX/kernel"' \
		"ramdisk = \"${0%/*}/floor.initrd\"" 'extra = "console=hvc0 quiet panic=-1"' 'tsc_mode = "native"' >"$tmp/floor.cfg"
	quietly xl create -q -p -e "$tmp/floor.cfg"
	until [ -n "$tty" ]; do tty=$(xenstore-read "/local/domain/$(xl domid floor)/console/tty" 2>/dev/null) || :; done
	exec 3<>"$tty"
	stty -F "$tty" raw -echo
	until_up "floor-$1" xl unpause floor
	exec 3>&-
	quietly xl destroy floor
}

# start TYPE KIND: starts a container
start() {
	exec 3<>"$tmp/out"
	runX create --bundle /b/start s >"$tmp/out" 2>"$tmp/said" </dev/null
	until_up "start-$1-$2" runX start s
	exec 3>&-
	quietly runX delete --force s
}

start_set() {
	local kind
	floor "$1"
	for kind in $kinds; do
		conf "$1" "$kind"
		start "$1" "$kind"
	done
}

bench_start() {
	local kind t
	mkfifo "$tmp/out"
	bundle start '.process.args = ["sh", "-c", "echo up; exec sleep 100000"]'
	for t in $types; do
		repeated start_set "$t"
		for kind in $kinds; do
			result "start to first byte, $t, $kind" ms "$tmp/start-$t-$kind" 'least guest' "$tmp/floor-$t" '<=1.25'
		done
	done
}

# ---- beside runc and crun ----

ctr_set() {
	local runtime
	for runtime in /usr/sbin/runX runc crun; do
		timed "ctr-${runtime##*/}" ctr run --rm "--runc-binary=$runtime" $image "b-${runtime##*/}" echo hello
	done
}

bench_ctr() {
	conf "$type" auto
	quietly ctr image import /bundles/busybox.tar
	repeated ctr_set
	result "ctr run --rm … echo, $type" ms "$tmp/ctr-runX" runc "$tmp/ctr-runc" '<=2'
	result "ctr run --rm … echo, $type" ms "$tmp/ctr-runX" crun "$tmp/ctr-crun"
}

verbs_set() {
	local runtime
	for runtime in runX runc crun; do
		quietly "$runtime" run --detach --bundle /b/verbs "v-$runtime"
	done
	for runtime in runX runc crun runX runc crun; do
		timed "state-$runtime" "$runtime" state "v-$runtime"
		timed "kill-$runtime" "$runtime" kill "v-$runtime" CONT
		timed "ps-$runtime" "$runtime" ps --format json "v-$runtime"
	done
	for runtime in runX runc crun; do
		timed "delete-$runtime" "$runtime" delete --force "v-$runtime"
	done
}

bench_verbs() {
	local verb limit
	conf "$type" auto
	bundle verbs .
	repeated verbs_set
	for verb in state kill ps delete; do
		limit='<=1'
		[ $verb != delete ] || limit=-
		result "$verb" ms "$tmp/$verb-runX" crun "$tmp/$verb-crun" "$limit"
		result "$verb" ms "$tmp/$verb-runX" runc "$tmp/$verb-runc"
	done
}

# ---- throughput, memory and sizes ----

# Takes the rows from io.sh's table: "| machine type, stdout | median (least–most) | median (least–most) | ratio |"
bench_io() {
	# QEMU's emulated PVH guests die now and then (tests/bed/x86_64.sh), also the one that is compared. One more try is enough.
	# shellcheck disable=SC2086 # words
	sh "${0%/*}/io.sh" "$repeat" $types >"$tmp/io" || {
		xl destroy bare 2>/dev/null || :
		sh "${0%/*}/io.sh" "$repeat" $types >"$tmp/io"
	}
	sed -n 's/^| [^ ]* \(.*, std[a-z]*\) |/\1 |/p' "$tmp/io" | tr '|(–)' '\t   ' |
		awk -F '\t' -v OFS='\t' '{
			split($2, o, " "); split($3, b, " ")
			sub(/ $/, "", $1)
			print $1, "MiB/s", o[1], o[2], o[3], "xenconsoled", b[1], b[2], b[3], ">=8"
		}'
}

# idle KIND: what a container that does nothing takes in dom0: memory, and the number of processes
idle() {
	local free
	conf "$type" "$1"
	sh -c "$drop_caches"
	free=$(field MemFree)
	quietly runX run --detach --bundle /b/idle i
	pss 'proxy|^files$' >>"$tmp/pss-$1"
	pgrep -c 'proxy|^files$' >>"$tmp/processes-$1"
	sh -c "$drop_caches"
	echo $((free - $(field MemFree))) >>"$tmp/free-$1"
	quietly runX delete --force i
}

bench_idle() {
	local kind
	bundle idle .
	for kind in $kinds; do
		repeated idle "$kind"
		result "idle, $kind: processes" '' "$tmp/processes-$kind" - - "=$(case $kind in 9p) echo 3 ;; *) echo 2 ;; esac)"
		result "idle, $kind: processes, PSS" KiB "$tmp/pss-$kind" - - '=1024'
		result "idle, $kind: dom0's free memory less by" KiB "$tmp/free-$kind" - - '=4096'
	done
}

bench_size() {
	wc -c </usr/share/runX/kernel >"$tmp/kernel"
	wc -c </usr/share/runX/initrd >"$tmp/initrd"
	result kernel bytes "$tmp/kernel" - - =1887436
	result initrd bytes "$tmp/initrd" - - =307200
}

# runs_with MIB: whether a container runs with so much memory
runs_with() {
	bundle memory ".process.args = [\"echo\", \"up\"] | .annotations = {\"org.lfedge.runx.memory\": \"$1\", \"org.lfedge.runx.start_timeout\": \"40\"}"
	[ "$(runX run --bundle /b/memory m </dev/null 2>/dev/null)" = up ]
}

# Finds it to 2 MiB. No VM runs with 8 MiB, and every VM runs with 72.
bench_memory() {
	local kind low high middle
	for kind in $kinds; do
		conf "$type" "$kind"
		low=8 high=72
		while [ $((high - low)) -gt 2 ]; do
			middle=$(((low + high) / 2))
			if runs_with $middle; then high=$middle; else low=$middle; fi
		done
		echo $high >"$tmp/least"
		result "least memory, $type, $kind" MiB "$tmp/least" - - '=24'
	done
}

# ---- what the time of create depends on ----

# Compares the median of the first three with that of the last three. The roots are disks.
bench_many() {
	local n=0
	conf "$type" disk
	bundle many '.annotations = {"org.lfedge.runx.memory": "24"}'
	while [ $((n += 1)) -le 20 ]; do
		timed many runX create --bundle /b/many "n$n"
	done
	head -n 3 "$tmp/many" >"$tmp/first"
	tail -n 3 "$tmp/many" >"$tmp/last"
	while [ $((n -= 1)) -gt 0 ]; do
		quietly runX delete --force "n$n"
	done
	result "create, 18th to 20th container, $type, disk" ms "$tmp/last" '1st to 3rd' "$tmp/first" '<=1.2'
}

mounts_set() {
	local count
	for count in 1 10 40; do
		timed "mounts-$count" runX create --bundle "/b/mounts-$count" c
		quietly runX delete --force c
	done
}

bench_mounts() {
	local count kind="${kinds%% *}"
	conf "$type" "$kind"
	for count in 1 10 40; do
		bundle mounts-$count ".mounts += [range($count) | {destination: \"/m\(.)\", type: \"bind\", source: \"/etc\", options: [\"rbind\", \"ro\"]}]"
	done
	repeated mounts_set
	for count in 10 40; do
		result "create, $count bind mounts, $type, $kind" ms "$tmp/mounts-$count" '1 mount' "$tmp/mounts-1"
	done
}

# roots_set KIND
roots_set() {
	local size
	for size in small large; do
		timed "$1-$size" runX create --bundle /b/root-$size c
		quietly runX delete --force c
	done
}

bench_roots() {
	local kind
	cp -a /bundles/busybox/rootfs "$tmp/rootfs"
	head -c 64m /dev/urandom >"$tmp/rootfs/file"
	sync # or the first create would wait for these writes
	bundle root-small .
	bundle root-large ".root.path = \"$tmp/rootfs\""
	for kind in $kinds; do
		conf "$type" "$kind"
		repeated roots_set "$kind"
		result "create, root of 66 MiB, $type, $kind" ms "$tmp/$kind-large" '2 MiB' "$tmp/$kind-small"
	done
}

"bench_$group"
rm -r "$tmp"
