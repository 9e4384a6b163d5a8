#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Bind mounts: what create tells the file server, xl and the guest about them, and what `stage` shows to a command.

load helpers

# bound OPTIONS [SOURCE [DESTINATION]]: prints a jq program that adds a bind mount; OPTIONS is JSON
bound() {
	printf '.mounts += [{type: "bind", source: "%s", destination: "%s", options: %s}]' \
		"${2:-$volume}" "${3:-/data}" "$1"
}

# serves PROGRAM…: the file server runs this shell program in the tree of the shares
serves() {
	printf '%s\n' "$*" >"$FAKE/serves"
}

# as_disk: the root becomes an image, and so do the bind mounts
as_disk() {
	echo 'rootfs = disk' >>"$RUNX_CONF"
	config '.root.readonly = false'
}

image() {
	debugfs -R "$1" "$FAKE/binds.img" 2>/dev/null
}

setup_volume() {
	[ "$(id -u)" -eq 0 ] || skip 'only root may mount'
	volume=$BATS_TEST_TMPDIR/volume
	mkdir -p "$volume/sub"
	echo volume >"$volume/file"
	view=$RUNX_ROOT/c1/binds
}

# staged WORD…: runs stage at $BATS_TEST_TMPDIR/s
staged() {
	run "$FAKE/libexec/stage" "$BATS_TEST_TMPDIR/s" "$@" </dev/null 3>&-
}

@test "binds: without any, only the root is shared" {
	serves '[ "$(ls)" = 0 ] && [ -f 0/bin/sh ]'
	runX create --bundle "$bundle" c1
	succeeds
	[[ $(grep ^files "$FAKE/calls") == *' root 0' ]]
	[ "$(records binds.type)" = '' ]
}

@test "binds: the guest gets numbers and options, in the order of all mounts" {
	setup_volume
	config '.mounts = [.mounts[0]]'
	config "$(bound '["rbind", "ro"]')"
	config '.mounts += [{type: "tmpfs", source: "t", destination: "/t"}]'
	creates "$(bound '["bind", "noexec"]' "$volume/file" /etc/file)"
	[ "$(tr '\0' '\n' <"$RUNX_ROOT/c1/container" | grep -E '^(binds|mount)' | xargs)" = "binds.type=9p binds.source=binds \
binds.options=trans=xen,version=9p2000.L,cache=mmap,msize=262144,posixacl,locktimeout=1,directio mount=/proc mount.type=proc mount.source=proc \
mount=/data mount.type=bind mount.source=0 mount.option=rbind mount.option=ro mount=/t mount.type=tmpfs mount.source=t \
mount=/etc/file mount.type=bind mount.source=1 mount.option=bind mount.option=noexec" ]
}

@test "binds: one further share has them all, and the root is behind them" {
	setup_volume
	serves '[ "$(cat 0/file 1)" = "$(printf "volume\nvolume")" ] && [ -f 2/bin/sh ]'
	config "$(bound '["rbind"]')"
	creates "$(bound '["bind"]' "$volume/file" /f)"
	[ "$(grep ^files "$FAKE/calls")" = "files $RUNX_ROOT/c1 $(cat "$RUNX_ROOT/c1/uuid") $view root 2 binds ." ]
	! grep '^p9' "$FAKE/xl.cfg" || return 1
	[ -z "$(ls "$view")" ]
	! grep -q "$view" /proc/mounts
}

@test "binds: a root that is a mount brings what is mounted in it" {
	[ "$(id -u)" -eq 0 ] || skip 'only root may mount'
	mkdir "$bundle/rootfs/sub"
	serves '[ -f 0/sub/x ]'
	# shellcheck disable=SC2016 # variables of the shell in the namespace
	run unshare -m sh -c 'mount -t tmpfs t "$1/rootfs/sub" && : >"$1/rootfs/sub/x" && exec "$2" create --bundle "$1" c1 </dev/null 3>&-' \
		sh "$bundle" "$top/runX"
	succeeds
}

@test "binds: a file server that does not start is reported in its own words, and nothing is left" {
	export FILES_FAIL='cannot open /dev/xen/evtchn or gntdev (modules xen_evtchn, xen_gntdev): No such file or directory'
	bad . "runX create failed: $FILES_FAIL"
}

@test "binds: a create that fails behind its start ends the file server before the domain" {
	export PROXY_FAIL='no proxy'
	bad . 'runX create failed: no proxy'
	[ "$(grep -oE '^(control kill-files|xl destroy)' "$FAKE/calls" | xargs)" = 'control kill-files xl destroy' ]
}

@test "binds: jq and xl are started once each" {
	setup_volume
	printf '#!/bin/sh\necho jq >>"$FAKE/calls"\nexec %s "$@"\n' "$(command -v jq)" >"$FAKE/bin/jq"
	chmod 755 "$FAKE/bin/jq"
	config "$(bound '["rbind"]')"
	: >"$FAKE/calls"
	runX create --bundle "$bundle" c1
	succeeds
	[ "$(calls jq)" -eq 1 ]
	[ "$(calls xl)" -eq 1 ]
}

@test "binds: a bind option makes a bind mount of any type, and so does the type bind without options" {
	setup_volume
	config "$(bound '["bind"]') | .mounts[-1].type = \"tmpfs\""
	config "$(bound '["rbind"]') | .mounts[-1] |= del(.type)"
	creates "$(bound null)"
	[ "$(records mount.type | grep -c '^bind$')" -eq 3 ]
}

@test "binds: a relative source begins at the bundle, a relative destination at /" {
	setup_volume
	mkdir "$bundle/mine"
	echo mine >"$bundle/mine/file"
	serves 'cp 0/file "$FAKE/seen"'
	creates "$(bound '["bind"]' mine data)"
	[ "$(cat "$FAKE/seen")" = mine ]
	[ "$output" = 'runX: warning: mount destination data is relative: runX takes it from /' ]
	records mount | grep -qx /data
}

@test "binds: a read-only one is read-only for the file server too, in any order of options" {
	setup_volume
	config "$(bound '["ro", "bind"]')"
	config "$(bound '["rbind", "rro"]')"
	config "$(bound '["ro", "rw"]')"
	serves 'set +e; for i in 0 1 2; do touch $i/$i; done 2>/dev/null; touch x 2>/dev/null && exit 1; true'
	creates .
	[ "$(ls "$volume")" = "$(printf '2\nfile\nsub')" ]
}

@test "binds: forty of them, and names with any characters" {
	setup_volume
	odd=$BATS_TEST_TMPDIR/"a'b \"c\" \$(id) \\n
x,y"
	mkdir "$odd"
	serves 'ls >"$FAKE/seen"'
	creates "$(jq -nr --arg s "$odd" '.mounts += [range(40) as $i | {type: "bind", source: $s, destination: "/m\($i)"}] |
		".mounts += \(.mounts | tojson)"')"
	[ "$(sort -n "$FAKE/seen" | xargs)" = "$(seq -s ' ' 0 40)" ]
}

@test "binds: with a disk root they are a second disk" {
	setup_volume
	as_disk
	config "$(bound '["rbind", "ro"]')"
	creates "$(bound '["bind", "ro"]' "$volume/file" /f)"
	grep -q '^disk = \[ "[^"]*vdev=xvda,access=rw,[^"]*/rootfs.img", "[^"]*vdev=xvdb,access=ro,[^"]*/binds.img" \]$' "$FAKE/xl.cfg"
	runX start c1
	succeeds
	[ "$(image 'cat /0/file')$(image 'cat /1')" = volumevolume ]
	[ "$(records binds.type) $(records binds.source) $(records binds.readonly)" = 'ext4 /dev/xvdb true' ]
}

@test "binds: a writable one makes the second disk writable" {
	setup_volume
	as_disk
	config "$(bound '["rbind", "ro"]')"
	creates "$(bound '["rbind"]')"
	grep -q 'vdev=xvdb,access=rw,' "$FAKE/xl.cfg"
	[ "$(records binds.readonly)" = '' ]
}

@test "binds: what hooks and the host write to the sources before start is on the second disk, which is removed if a hook fails" {
	setup_volume
	as_disk
	printf '%s\n' '#!/bin/sh' "echo \$1 >$volume/file" 'exit "$2"' >"$BATS_TEST_TMPDIR/hook"
	chmod 755 "$BATS_TEST_TMPDIR/hook"
	config ".hooks = {createRuntime: [{path: \"$BATS_TEST_TMPDIR/hook\", args: [\"hook\", \"hooked\", \"0\"]}]}"
	creates "$(bound '["rbind"]')"
	echo written >"$volume/later"
	runX start c1
	succeeds
	[ "$(image 'cat /0/file') $(image 'cat /0/later')" = 'hooked written' ]
	e2fsck -fn "$FAKE/binds.img"
	[ -z "$(ls "$BATS_TEST_TMPDIR/images")" ]
	runX delete --force c1
	bad '.hooks.createRuntime[0].args[2] = "1"' 'hook'
}

@test "binds: a source that is gone at start fails it, and the container has ended" {
	setup_volume
	as_disk
	creates "$(bound '["rbind"]')"
	rm -r "$volume"
	runX start c1
	fails_with 'runX start failed: error mounting "'
	[ "$(tail -n 2 "$FAKE/calls" | xargs)" = 'control signal 9 control wait 60' ]
}

@test "binds: a missing source is reported in runc's words" {
	bad "$(bound '["rbind"]' /nowhere)" \
		'runX create failed: error mounting "/nowhere" to rootfs at "/data": no such file or directory'
	as_disk
	bad . 'runX create failed: error mounting "/nowhere" to rootfs at "/data": no such file or directory'
}

@test "binds: a failure of xl is reported as without bind mounts" {
	setup_volume
	export XL_FAIL=create XL_SAYS='libxl: error: libxl_dm.c:1:spawn: Domain 3:device model did not start: -3'
	bad "$(bound '["rbind"]')" 'xl cannot create the VM: device model did not start: -3'
}

@test "binds: sources that a VM cannot use" {
	setup_volume
	mkfifo "$volume/fifo"
	bad "$(bound '["bind"]' "$volume/fifo")" 'the source is a FIFO'
	bad '.mounts[-1].source = "/dev/null"' 'the source is a character device'
	perl -MSocket -e 'socket(S, AF_UNIX, SOCK_STREAM, 0) && bind(S, sockaddr_un($ARGV[0])) || die' "$volume/socket"
	bad ".mounts[-1].source = \"$volume/socket\"" 'the source is a socket'
}

@test "binds: no source" { bad '.mounts[0] = {destination: "/x", type: "bind"}' 'mounts[0].source: a bind mount needs a source'; }
@test "binds: an option that no bind mount has is ignored with a warning" {
	setup_volume
	config ".mounts += [{destination: \"/x\", source: \"$volume\", options: [\"bind\", \"mode=755\", \"ro\", \"x'\$(id)\"]}]"
	runX create --bundle "$bundle" c1
	succeeds
	[[ ${lines[0]} == 'runX: warning: mounts['*'].options: a bind mount has no use for the option mode=755 (ignored)' ]]
	[[ ${lines[1]} == *"has no use for the option x'\$(id) (ignored)" ]]
	[ "${#lines[@]}" -eq 2 ]
}
@test "binds: the option idmap" {
	local option
	for option in idmap ridmap 'idmap=uids=0-1-1'; do
		bad ".mounts[0] = {destination: \"/x\", source: \"/\", options: [\"bind\", \"$option\"]}" \
			"mounts[0].options: a bind mount cannot have the option $option"
	done
}
@test "binds: a mount of no type" { bad 'del(.mounts[0].type)' 'mounts[0].type: must not be empty'; }
@test "binds: options that are a text" { bad '.mounts[0].options = "bind"' 'mounts[0].options: must be an array'; }
@test "binds: a NUL in a source" { bad '.mounts[0] = {destination: "/x", source: "/a\u0000", type: "bind"}' 'must not contain a NUL'; }

@test "binds: the allowed options are the flags that the guest knows" {
	[ "$(jq -nr "$(sed -n '/^def mount_flags/,/;$/p' "$top/lib/json/mounts.jq") mount_flags[]")" = \
		"$(sed -n '/} flags\[\] = {/,/^};/s/^[[:space:]]*{"\([a-z]*\)",.*/\1/p' "$top/guest/mounts/mounts.c" | sort)" ]
}

@test "binds: a file of the host that the container can see cannot be XLCONF" {
	setup_volume
	echo 'vcpus = 2' >"$volume/xl"
	printf '%s\n' "host_files = $BATS_TEST_TMPDIR" >>"$RUNX_CONF"
	config ".process.env += [\"XLCONF=$volume/xl\"]"
	bad "$(bound '["rbind"]')" "lies in $volume, which the container can see"
	bad ".mounts[-1].source = \"$volume/xl\"" "lies in $volume/xl, which the container can see"
	creates '.mounts[-1].source = "/proc"'
}

@test "binds: create does not look up a program in a bind mount" {
	setup_volume
	creates "$(bound '["rbind"]') | .process.args = [\"/data/program\"]"
}

# stage alone

@test "stage: it shows files and directories side by side, and leaves nothing" {
	setup_volume
	staged rw "$volume" /d rw "$volume/file" /f -- sh -c 'cd "$1" && cat 0/file 1 && ls' sh "$BATS_TEST_TMPDIR/s"
	succeeds
	[ "$output" = "$(printf '%s\n' volume volume 0 1)" ]
	[ -z "$(ls "$BATS_TEST_TMPDIR/s")" ]
}

@test "stage: rbind brings what is mounted in the source, bind does not, and rro makes it read-only" {
	setup_volume
	# shellcheck disable=SC2016 # variables of the shell in the namespace
	run unshare -m sh -c 'mount -t tmpfs t "$2/sub" && : >"$2/sub/x" && exec "$3" "$1" bind "$2" /0 rbind,ro "$2" /1 \
		rbind,rro "$2" /2 -- sh -c "cd \"$1\"; ls 0/sub; ls 1/sub; : >1/sub/y && : >2/sub/z"' \
		sh "$BATS_TEST_TMPDIR/s" "$volume" "$FAKE/libexec/stage"
	[[ ${lines[0]} == x ]]
	[[ ${lines[1]} == *'cannot create 2/sub/z: Read-only file system' ]]
	[ "${#lines[@]}" -eq 2 ]
}

@test "stage: devices and setuid bits do not work there" {
	setup_volume
	mknod "$volume/null" c 1 3
	staged rw "$volume" /d -- sh -c ': >"$1/0/null"' sh "$BATS_TEST_TMPDIR/s"
	[[ $output == *'Permission denied' ]]
	[ "$status" -ne 0 ]
}

@test "stage: links there are not followed, so a guest cannot make one to a file of the host" {
	setup_volume
	echo secret >"$BATS_TEST_TMPDIR/secret"
	ln -s "$BATS_TEST_TMPDIR" "$volume/link"
	staged rw "$volume" /d -- sh -c 'readlink "$1/0/link"; cat "$1/0/link/secret"' sh "$BATS_TEST_TMPDIR/s"
	[ "${lines[0]}" = "$BATS_TEST_TMPDIR" ]
	[[ ${lines[1]} == *'Too many levels of symbolic links' ]]
}

@test "stage: later mounts of the host appear there, unless the bind mount is private" {
	setup_volume
	mkfifo "$BATS_TEST_TMPDIR/ready" "$BATS_TEST_TMPDIR/go"
	# shellcheck disable=SC2016 # variables of the shells in the namespaces
	run unshare -m sh -c 'cd "$1" && mount -t tmpfs t volume && mount --make-shared volume && mkdir volume/a
		"$2" "$1/s" rbind volume /0 rbind,private volume /1 -- \
			sh -c "echo >ready && read x <go; ls s/0/a | sed s/^/shared:/; ls s/1/a | sed s/^/private:/" &
		read x <ready && mount -t tmpfs t volume/a && : >volume/a/later && echo >go && wait' \
		sh "$BATS_TEST_TMPDIR" "$FAKE/libexec/stage"
	succeeds
	[ "$output" = shared:later ]
}

@test "stage: the command is killed when the starter of stage ends" {
	local pid
	export FIFO=$BATS_TEST_TMPDIR/started
	mkfifo "$FIFO"
	# shellcheck disable=SC2016 # variables of the shells
	run sh -c '"$0" - -- sh -c "echo \$\$ >\"\$FIFO\"; exec sleep 1000" >/dev/null & read -r pid <"$FIFO"; echo $pid; kill -9 $$' \
		"$FAKE/libexec/stage" 3>&-
	pid=${lines[0]}
	timeout 20 tail --pid="$pid" -f /dev/null
}

@test "stage: it starts nothing if the runX of -p has already ended" {
	# shellcheck disable=SC2016 # variables of the shell
	run sh -c 'exec "$0" -p $$ - -- echo not reached' "$FAKE/libexec/stage" 3>&-
	[ "$status" -eq 125 ]
	[ "$output" = 'the runX that started this has ended' ]
	# shellcheck disable=SC2016 # variables of the shell
	run sh -c 'said=$(exec "$0" -p $$ - -- echo reached) && echo "$said"' "$FAKE/libexec/stage" 3>&-
	[ "$output" = reached ]
}

@test "stage: -t ends the command, also under a caller that ignores or blocks the alarm" {
	run sh -c 'trap "" ALRM; exec "$0" -t 1 - -- sleep 300' "$FAKE/libexec/stage" 3>&-
	[ "$status" -eq 142 ]
}

@test "stage: a command that does not exist" {
	staged -- /nowhere/x
	[ "$status" -eq 125 ]
	[ "$output" = 'cannot execute /nowhere/x: No such file or directory' ]
}

@test "stage: an incomplete bind mount" {
	staged rw /x
	[ "$status" -eq 125 ]
	[[ $output == usage:* ]]
}

@test "binds: many trees that contain the state directory do not double the mounts" {
	[ "$(id -u)" -eq 0 ] || skip 'only root may mount'
	local words=() n
	for n in {1..24}; do words+=(rbind "$BATS_TEST_TMPDIR" "/x$n"); done
	staged "${words[@]}" -- grep -c "$BATS_TEST_TMPDIR" /proc/self/mountinfo
	succeeds
	[ "$output" -le 30 ]
}
