#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What happens in the guest between clone and exec. Here the guest's own modules do it on this machine.

setup() {
	top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	[ "$(id -u)" -eq 0 ] || skip 'only root makes containers'
	make -s -C "$top" out/tests/starter
	cd "$BATS_TEST_TMPDIR"
	mkdir -p top/root/bin top/root/etc
	cp "$(command -v busybox)" top/root/bin/
	local library program
	for library in $(ldd top/root/bin/busybox | grep -o '/[^ ]*'); do
		install -D "$library" "top/root$library"
	done
	for program in sh cat cut grep head ls readlink sed sleep stat tr tty wc; do
		ln -s busybox "top/root/bin/$program"
	done
	root=(root.type=none env=PATH=/bin mount=/proc mount.type=proc)
}

# runs DESCRIPTION… [-- DESCRIPTION…]: starts the container process of these records and, with more of them, one that joins
# it (tests/guest/starter.c)
runs() {
	local file=first
	rm -f first second
	for record; do
		if [ "$record" = -- ]; then file=second; else printf '%s\0' "$record" >>$file; fi
	done
	ASAN_OPTIONS=detect_leaks=0 run "$top/out/tests/starter" top first $([ ! -f second ] || echo second) 3>&-
}

# prints LINE…: the last container printed exactly these lines, and ended with status 0
prints() {
	[ "$output" = "$(printf '%s\n' "$@" 'ended: 0')" ] && return
	printf 'wanted:\n%s\ngot %s:\n%s\n' "$(printf '%s\n' "$@")" "$status" "$output"
	return 1
}

@test "process: HOME comes from the user's line in /etc/passwd, whatever fields are empty there" {
	printf '%s\n' '+::::::' 'bad:x::0::/wrong:' "long:x:5:5:$(printf %5000d 0):/long:" ':x:0:7::/zero:' \
		'plain:!:1001:1001::/home/plain:' 'nobody::1002:1002:::' 'short:x:1003:1003::/home/short' 'cut:x:1004:1004' \
		>top/root/etc/passwd
	local uid home got='' wanted=''
	for uid in 0=/zero 5=/long 7=/ 1001=/home/plain 1002=/ 1003=/home/short 1004=/ 1005=/; do
		runs "${root[@]}" uid=${uid%=*} arg=/bin/sh arg=-c 'arg=echo $HOME'
		got="$got${uid%=*}=${lines[0]} " wanted="$wanted$uid "
	done
	[ "$got" = "$wanted" ] || { printf '%s\n' "$wanted" "$got" && return 1; }
	rm top/root/etc/passwd
	mkfifo top/root/etc/passwd
	runs "${root[@]}" arg=/bin/sh arg=-c 'arg=echo $HOME'
	prints /
}

@test "process: a file that Linux cannot execute fails, and is not given to a shell" {
	local name
	printf 'echo by a shell\n' >top/root/bin/plain
	printf '#!/nowhere/sh\n' >top/root/bin/lost
	: >top/root/etc/plain
	chmod 755 top/root/bin/plain top/root/bin/lost
	for name in plain /bin/plain; do
		# A file without permission does not end the search.
		runs "${root[@]}" env=PATH=/nowhere:/etc/hosts:/etc:/bin arg=$name
		[ "${lines[0]}" = "failed: exec: \"$name\": exec format error" ] || { echo "$output" && return 1; }
	done
	runs "${root[@]}" arg=/bin/lost
	[ "${lines[0]}" = 'failed: exec: "/bin/lost": no such file or directory' ]
}

@test "process: a program is looked for in PATH, up to the first that can be executed" {
	mkdir top/root/opt
	: >top/root/opt/tool
	printf '#!/bin/sh\necho from bin\n' >top/root/bin/tool
	chmod 755 top/root/bin/tool
	runs "${root[@]}" env=PATH=/nowhere:/bin/sh:/opt:/bin arg=tool
	prints 'from bin'
	runs "${root[@]}" env=PATH=/nowhere:/opt arg=tool
	[ "${lines[0]}" = 'failed: exec: "tool": permission denied' ]
	runs "${root[@]}" env=PATH=/nowhere: arg=tool cwd=/bin
	prints 'from bin'
	runs "${root[@]}" env=PATH= arg=nosuch
	[ "${lines[0]}" = 'failed: exec: "nosuch": executable file not found in $PATH' ]
	runs "${root[@]}" arg=
	[[ ${lines[0]} == 'failed: exec: "'* ]]
}

@test "process: 90000 variables take no time that one would see" {
	printf '%s\0' "${root[@]}" arg=/bin/wc arg=-c arg=/proc/self/environ env=V00007=twice >first
	seq -f 'env=V%05.0f=' 90000 | tr '\n' '\0' >>first
	# 8 bytes for each, and PATH=/bin and HOME=/
	ASAN_OPTIONS=detect_leaks=0 run timeout 15 "$top/out/tests/starter" top first 3>&-
	[ "${lines[0]}" = '720017 /proc/self/environ' ]
}

@test "process: of a variable that stands twice only the last entry reaches the process, in exec too" {
	# bats drops the NULs.
	runs "${root[@]}" env=A=1 env=AB=2 env=HOME=/x env=A=3 env=HOME= env=A=4=5 arg=/bin/cat arg=/proc/self/environ
	[[ $output == *'PATH=/binAB=2HOME=/A=4=5ended: 0' ]] || { echo "$output" && return 1; }
	runs "${root[@]}" env=A=1 env=B=2 arg=/bin/sleep arg=100 -- env=A=9 env=PATH=/x arg=/bin/cat arg=/proc/self/environ
	[[ $output == *'B=2A=9PATH=/xHOME=/ended: 0'* ]] || { echo "$output" && return 1; }
	runs "${root[@]}" env=A arg=/bin/sh
	[[ $output == 'failed: invalid environment variable: "A": invalid argument' ]]
}

@test "process: a missing working directory is made before the root becomes read-only" {
	runs "${root[@]}" root.readonly=true cwd=/a/b arg=/bin/sh arg=-c 'arg=pwd; : >/x || echo read-only'
	[[ $output == "/a/b"*"Read-only file system"* ]]
	runs "${root[@]}" root.readonly=true cwd=/m/sub mount=/m mount.type=tmpfs mount.option=ro arg=/bin/sh arg=-c 'arg=pwd'
	prints /m/sub
}

@test "process: exec with a missing working directory fails and makes nothing" {
	runs "${root[@]}" arg=/bin/sleep arg=100 -- cwd=/no/where arg=/bin/sh
	[ "${lines[0]}" = 'failed: chdir to cwd ("/no/where") set in config.json failed: no such file or directory' ]
	[ ! -e top/root/no ]
}

@test "process: a stream that is /dev/null is the container's /dev/null, and keeps its owner" {
	runs "${root[@]}" stdin=null stdout=null uid=7 mount=/dev mount.type=tmpfs arg=/bin/sh arg=-c \
		'arg=exec 3>&2; for n in 0 1 2; do (stat -L -c "%F %t:%T %u" /proc/$$/fd/$n; readlink /proc/$$/fd/$n) >&3; done; echo unseen'
	prints 'character special file 1:3 0' /dev/null 'character special file 1:3 0' /dev/null 'fifo 0:0 7' \
		"$(grep -o 'pipe:.*' <<<"$output")"
	# exec has streams of its own.
	runs "${root[@]}" stdin=null stdout=null arg=/bin/sleep arg=100 -- arg=/bin/sh arg=-c 'arg=test -p /dev/stdin && cat && echo pipe'
	[ "${lines[0]}" = pipe ]
}

@test "process: a read-only /dev has its devices, mount points and console, and is read-only after that" {
	runs "${root[@]}" mount=/dev/ mount.type=tmpfs mount.option=ro mount.option=nosuid mount=/dev/pts mount.type=devpts \
		mount.option=newinstance mount.option=ptmxmode=0666 mount=/dev/shm mount.type=tmpfs device=c:10:229:644:0:0:/dev/sub/fuse terminal=true \
		arg=/bin/sh arg=-c 'arg=test -c /dev/sub/fuse && test -c /dev/console && tty; : >/dev/shm/x && ls /dev/shm; (: >/dev/x); grep " /dev " /proc/mounts | cut -d " " -f 4'
	[ "$(tr -d '\r' <<<"$output" | sed 's/,relatime.*//; s/.*: can.t/cannot/' | xargs)" = \
		"/dev/pts/0 x cannot create /dev/x: Read-only file system ro,nosuid ended: 0" ] || { echo "$output" && return 1; }
}

@test "process: read-only paths keep the flags of the mount that they lie on" {
	runs "${root[@]}" mount=/m mount.type=tmpfs mount.option=nosuid mount.option=nodev mount.option=noexec mount.option=noatime \
		readonly=/m readonly=/proc/sys masked=/proc/uptime mount=/s mount.type=tmpfs mount.option=strictatime mount.option=nodiratime readonly=/s \
		arg=/bin/sh arg=-c 'arg=grep -E " (/m|/s|/proc/sys) " /proc/mounts | cut -d " " -f 2,4 | sed "s/,inode64//" | grep " ro,"; wc -c </proc/uptime'
	prints '/proc/sys ro,relatime' '/m ro,nosuid,nodev,noexec,noatime' '/s ro,nodiratime' 0 ||
		prints '/m ro,nosuid,nodev,noexec,noatime' '/proc/sys ro,relatime' '/s ro,nodiratime' 0
}

@test "process: a link in place of /proc or /sys is an error" {
	mkdir top/root/elsewhere
	ln -s elsewhere top/root/proc
	runs "${root[@]}" arg=/bin/sh
	[ "$output" = 'failed: error mounting "" to rootfs at "/proc": filesystem "proc" must be mounted on ordinary directory: not a directory' ]
	runs root.type=none arg=/bin/sh
	[[ $output == 'failed: error mounting "proc" to rootfs at "/proc": '* ]]
	rm top/root/proc
	ln -s /elsewhere top/root/sys
	runs "${root[@]}" mount=/sys/ mount.type=sysfs mount.source=sysfs arg=/bin/sh
	[[ $output == 'failed: error mounting "sysfs" to rootfs at "/sys/": filesystem "sysfs" must be mounted on ordinary directory: '* ]]
	runs "${root[@]}" mount=/sys mount.type=tmpfs arg=/bin/sh arg=-c 'arg=grep -c elsewhere /proc/mounts'
	prints 1
}

@test "process: nothing but a real /dev/null hides a file" {
	mkdir top/root/dev
	ln -s ../etc/passwd top/root/dev/null
	echo x >top/root/etc/passwd
	runs "${root[@]}" mount=/dev mount.type=tmpfs mount.option=tmpcopyup masked=/proc/uptime arg=/bin/sh
	[ "$output" = 'failed: cannot mask a path: no such device' ]
}

@test "process: a device of config.json has priority over the default one, and what exists stays as it is" {
	runs "${root[@]}" device=c:1:7:600:7:8:/dev/zero device=c:1:5:640:0:0:/dev/sub/zero device=c:5:2:666:0:0:/dev/ptmx \
		device=c:1:3:600:9:9:/bin/mine arg=/bin/sh arg=-c \
		'arg=stat -c "%n %t:%T %a %u:%g" /dev/zero /dev/sub/zero /dev/full; readlink /dev/ptmx; ls /bin/mine'
	prints '/dev/zero 1:7 600 7:8' '/dev/sub/zero 1:5 640 0:0' '/dev/full 1:7 666 0:0' pts/ptmx /bin/mine
	chmod 604 top/root/bin/mine
	runs "${root[@]}" device=c:1:7:666:7:7:/bin/mine arg=/bin/sh arg=-c 'arg=stat -c "%t:%T %a %u:%g" /bin/mine'
	prints '1:3 604 9:9'
}

@test "process: a link of the image in place of a default device changes no other file" {
	mkdir top/root/dev
	ln -s ../etc/passwd top/root/dev/null
	install -m 600 /dev/null top/root/etc/passwd
	runs "${root[@]}" mount=/dev mount.type=tmpfs mount.option=tmpcopyup device=c:1:3:666:7:7:/dev/null arg=/bin/sh arg=-c \
		'arg=readlink /dev/null; stat -c "%a %u" /etc/passwd; stat -c %u /dev/null'
	prints ../etc/passwd '600 0' 0
}

@test "process: without limits it has those of engines" {
	prlimit --nofile=1048576 true 2>/dev/null || skip 'this machine does not raise limits'
	runs "${root[@]}" arg=/bin/sh arg=-c 'arg=ulimit -Sn; ulimit -Hn; grep processes /proc/self/limits | tr -s " "'
	prints 1048576 1048576 'Max processes unlimited unlimited processes '
}

@test "process: personality, I/O priority and scheduler, of exec too" {
	local show='arg=cat /proc/self/personality; cut -d " " -f 19,41 /proc/self/stat; ionice'
	cp "$(command -v ionice)" top/root/bin/
	runs "${root[@]}" personality=8 io_priority=$((2 << 13 | 3)) scheduler=3:0:5:0:0:0:0 arg=/bin/sh arg=-c "$show"
	prints 00000008 '5 3' 'best-effort: prio 3'
	runs "${root[@]}" personality=8 scheduler=0:0:4:0:0:0:0 arg=/bin/sleep arg=100 -- arg=/bin/sh arg=-c \
		'arg=cat /proc/self/personality; cut -d " " -f 19 /proc/self/stat'
	[ "$(head -n 2 <<<"$output" | xargs)" = '00000008 4' ] || { echo "$output" && return 1; }
	runs "${root[@]}" scheduler=1:0:0:0:0:0:0 arg=/bin/sh
	[ "$output" = 'failed: cannot set the scheduler (process.scheduler): invalid argument' ]
}

@test "process: oom_score_adj needs no writable /proc of the container, in exec neither" {
	local protection show='arg=cat /proc/self/oom_score_adj; grep -c . /proc/uptime'
	for protection in mount.option=ro readonly=/proc; do
		runs "${root[@]}" "$protection" oom_score_adj=5 arg=/bin/sh arg=-c "$show"
		prints 5 1
		runs "${root[@]}" "$protection" oom_score_adj=5 arg=/bin/sleep arg=100 -- oom_score_adj=6 arg=/bin/sh arg=-c "$show"
		[ "$(head -n 2 <<<"$output" | xargs)" = '6 1' ] || { echo "$output" && return 1; }
	done
	for protection in masked=/proc 'mount=/proc mount.type=tmpfs'; do
		# shellcheck disable=SC2086 # words
		runs "${root[@]}" $protection oom_score_adj=5 arg=/bin/ls arg=/proc
		[ "$output" = 'ended: 0' ] || { echo "$output" && return 1; }
		# shellcheck disable=SC2086 # words
		runs "${root[@]}" $protection oom_score_adj=5 arg=/bin/sleep arg=100 -- arg=/bin/ls arg=/proc
		[ "${lines[0]}" = 'ended: 0' ] || { echo "$output" && return 1; }
	done
}

@test "process: exec --cap raises ambient capabilities where the inheritable set has them" {
	runs "${root[@]}" uid=7 capability.inheritable=32 capability.bounding=33 arg=/bin/sleep arg=100 -- capability.add=33 \
		arg=/bin/sh arg=-c 'arg=grep -E "^Cap(Prm|Eff|Amb)" /proc/self/status | tr -d "\t"'
	[ "$(head -n 3 <<<"$output" | xargs)" = 'CapPrm:0000000000000020 CapEff:0000000000000020 CapAmb:0000000000000020' ] || { echo "$output" && return 1; }
}
