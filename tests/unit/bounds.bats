#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a config.json or an image of some kilobytes can make dom0 spend: each bound of docs/configuration.md holds, and a
# message tells of it.

load helpers

# beyond WHAT: goes one beyond the bound that the table of docs/configuration.md calls WHAT. Sets $program, which changes
# config.json so, and $message, which create must then end with. It is empty if another file tests this bound.
beyond() {
	case $1 in
	'config.json: bytes') program='.annotations.x = "x" * 4194304' message='it has more than 4194304 bytes' ;;
	'config.json: values') program='.process.args = [range(100000) | ""]' message='values, and runX takes at most 100000' ;;
	'any path: bytes') program='.process.cwd = "/" * 4096' message='process.cwd: is longer than 4095 bytes' ;;
	'mounts') program='.mounts = [range(1025) | {type: "tmpfs", destination: "/\(.)"}]' message='mounts: has 1025 entries' ;;
	'mounts: bytes of the bind mounts')
		program='.mounts = [range(300) | {type: "bind", source: "/x", destination: ("/" * 4000)}]'
		message='mounts: the paths of the bind mounts have more than 1048576 bytes together'
		;;
	'process.user.additionalGids')
		program='.process.user.additionalGids = [range(65537)]' message='process.user.additionalGids: has 65537 groups'
		;;
	'linux.seccomp: names of system calls')
		program='.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{action: "SCMP_ACT_LOG", names: [range(4097) | "x"]}]}'
		message='linux.seccomp.syscalls: has 4097 names'
		;;
	'linux.seccomp: CPU seconds') message='' ;; # tests/unit/seccomp.bats
	'PATH: entries') program='.process.args = ["no"] | .process.env = ["PATH=" + ":" * 512]' message='not in the first 512 entries' ;;
	'PATH and mounts: names on the way')
		mkdir "$bundle/rootfs/l"
		ln -s "$(printf '../l/%.0s' {1..40})0" "$bundle/rootfs/l/1"
		program='.process.args = ["no"] | .process.env = ["PATH=" + "/l/1:" * 500]' message='the links of PATH and of mounts'
		;;
	'kernel parameters of the container: bytes')
		program='.annotations = {"org.lfedge.runx.kernel_parameters": ("x" * 2049)}' message='is longer than 2048 bytes'
		;;
	'kernel and initrd of the container: MiB')
		truncate -s 65M "$bundle/rootfs/k"
		program='.process.env += ["RUNX_KERNEL=/k"]' message='larger than 65536 KiB (boot_max in runX.conf)'
		;;
	'`XLCONF`, `NETCONF`: KiB')
		printf 'host_files = %s\n' "$BATS_TEST_TMPDIR" >>"$RUNX_CONF"
		truncate -s 65K "$BATS_TEST_TMPDIR/xlconf"
		program=".process.env += [\"XLCONF=$BATS_TEST_TMPDIR/xlconf\"]" message='larger than 64 KiB'
		;;
	'files of a disk image: MiB')
		[ "$(id -u)" -eq 0 ] || skip 'only root may mount'
		truncate -s 8T "$bundle/rootfs/sparse"
		program='.root.readonly = true | .annotations = {"org.lfedge.runx.rootfs": "disk"}' message='more than 65536 MiB (disk_max'
		;;
	'disks of a VM' | 'interfaces of a VM') message='' ;; # tests/unit/disks.bats, tests/unit/network.bats
	*) return 1 ;;
	esac
}

@test "bounds: create refuses what is beyond each of them, soon, and says so" {
	local what whats program message
	mapfile -t whats < <(sed -n '/^## Bounds/,/^## E/s/^| \(.*\) | [0-9]* | .*$/\1/p' "$top/docs/configuration.md")
	[ "${#whats[@]}" -eq 16 ]
	ulimit -S -t 5 # seconds of CPU for each process
	for what in "${whats[@]}"; do
		rm -rf "$bundle"
		make_bundle
		beyond "$what" || { echo "no test: $what" && return 1; }
		[ -z "$message" ] || bad "$program" "$message"
	done
}

@test "bounds: time grows with the size of config.json, not with its square" {
	ulimit -S -t 5
	creates '.process.user.additionalGids = [range(60000)] | .process.args += ["\\" * 100000]'
	[ "$(records group | wc -l)" -eq 60000 ]
	[ "$(records arg | tail -n 1 | wc -c)" -eq 100001 ]
}

@test "bounds: a value in a message is cut, and many warnings of a kind are a few" {
	config '.mounts += [{type: "bind", source: "/x", destination: "/x", options: ["\"" * 5000]}]'
	runX create --bundle "$bundle" c1
	[ "$status" -eq 1 ]
	[ "${#output}" -lt 1500 ]
	nothing_left
	make_bundle
	creates '.process.capabilities.bounding = [range(100) | "CAP_X\(.)"] | .annotations = ([range(100) | {"org.lfedge.runx.x\(.)": ""}] | add)'
	[ "${#lines[@]}" -eq 18 ]
	[ "$(grep -c 'there are more warnings of this kind' <<<"$output")" -eq 2 ]
}

@test "bounds: a message with a long path that is all quotes does not take long to write" {
	[ "$(id -u)" -eq 0 ] || skip 'only root may mount'
	config '.mounts += [{type: "bind", source: ("/" + "\"" * 4000), destination: "/x", options: []}]'
	ulimit -S -t 5
	runX create --bundle "$bundle" c1
	fails_with 'error mounting "/"""'
	nothing_left
}
