#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# runX check: what it finds on simulated machines, and what it tells the user to do.

load helpers

# machine: makes a machine that has everything
machine() {
	local part
	export RUNX_HOST=$BATS_TEST_TMPDIR/host
	export XL_INFO='xen_version            : 4.17.4
xen_scheduler          : credit2
free_memory            : 1000'
	mkdir -p "$RUNX_HOST/dev/xen" "$RUNX_HOST"/sys/bus/xen-backend/drivers/{vbd,vif} "$RUNX_HOST/etc/docker" \
		"$RUNX_HOST"/sys/module/{sch_ingress,cls_bpf,act_mirred} "$FAKE/cgroup" "$FAKE/plugins"
	for part in xen/evtchn xen/gntdev loop-control; do
		: >"$RUNX_HOST/dev/$part"
	done
	: >"$FAKE/cgroup/cgroup.procs"
	: >"$FAKE/kernel"
	for part in block vif; do
		ln -s "$top/out/$(uname -m)/$part" "$FAKE/libexec/"
	done
	for part in ip jq dockerd mksquashfs mkfs.ext4; do
		program $part
	done
	printf '%s\n' "kernel = $FAKE/kernel" "cni_path = $FAKE/plugins" >>"$RUNX_CONF"
	printf '{"runtimes": {"vm": {"path": "/usr/sbin/runX"}}}\n' >"$RUNX_HOST/etc/docker/daemon.json"
}

# program NAME: the machine has this command
program() {
	[ -e "$FAKE/bin/$1" ] || ln -s "$(command -v "$1" || echo /bin/true)" "$FAKE/bin/$1"
}

# finds LEVEL CHECK WORDS [NEXT]: runX check reports this, as text and as JSON, and its status is 1 if LEVEL is error
finds() {
	local rc=0
	[ "$1" != error ] || rc=1
	runX check
	[ "$status" -eq $rc ] || { echo "status $status: $output" && return 1; }
	grep -E "^$1 +$2 +" <<<"$output" | grep -F "$3" || { echo "$output" && return 1; }
	[ -z "${4:-}" ] || grep -F -- "-> $4" <<<"$output" || { echo "$output" && return 1; }
	runX check --json
	[ "$status" -eq $rc ]
	jq -e --arg level "$1" --arg check "$2" --arg words "$3" --arg next "${4:-}" '
		(.ok == all(.checks[]; .status != "error"))
		and any(.checks[]; .status == $level and .check == $check and (.message | contains($words)) and (.next // "" | contains($next)))
	' <<<"$output" || { echo "$output" && return 1; }
}

@test "check: a machine that has everything" {
	machine
	runX check
	succeeds
	[ -z "$(grep -v '^ok ' <<<"$output" | grep -v '^This machine can run runX.$')" ] || { echo "$output" && return 1; }
	finds ok xen 'Xen 4.17.4, and this is its dom0'
	finds ok memory '1000 MiB free: 7 VMs of 128'
	finds ok engines 'Docker: runX is a runtime in '
}

@test "check: it leaves nothing, and calls xl only for xl info" {
	machine
	runX check
	nothing_left
	[ "$(grep -vc '^xl info' "$FAKE/calls" || :)" -eq 0 ]
}

@test "check: a bad runX.conf" {
	machine
	echo 'colour = blue' >>"$RUNX_CONF"
	finds error settings 'colour = blue is not a setting' "correct $RUNX_CONF"
}

@test "check: no Xen" {
	machine
	rm "$FAKE/xenbus"
	finds error xen 'this machine does not run Xen' 'Debian: install xen-system-amd64'
}

@test "check: an xl that does not work" {
	machine
	export XL_FAIL=info XL_SAYS='xl: cannot open libxl context'
	finds error xen 'xl does not work: xl: cannot open libxl context' 'start xenstored and xenconsoled'
}

@test "check: another scheduler" {
	machine
	XL_INFO=${XL_INFO/credit2/credit}
	finds warning xen 'the scheduler is credit' 'boot Xen with sched=credit2'
}

@test "check: a part that is missing" {
	machine
	rm "$FAKE/libexec/hook"
	finds error parts "missing: $FAKE/libexec/hook" 'run ./build'
}

@test "check: a kernel that is missing" {
	machine
	rm "$FAKE/kernel"
	finds error parts "missing: $FAKE/kernel"
}

@test "check: no event channels" {
	machine
	rm "$RUNX_HOST/dev/xen/evtchn"
	finds error devices '/dev/xen/evtchn is missing' 'modprobe xen-evtchn'
}

@test "check: PVH without hardware virtualization" {
	machine
	echo 'guest_type = pvh' >>"$RUNX_CONF"
	finds error type 'guest_type = pvh, but this machine has no hardware virtualization' 'set guest_type = auto'
}

@test "check: too little memory" {
	machine
	XL_INFO=${XL_INFO/1000/100}
	finds warning memory 'Xen has 100 MiB free, less than a VM of 128' 'give dom0 less'
}

@test "check: no tools for disks" {
	machine
	rm "$RUNX_HOST/dev/loop-control"
	finds warning roots 'root file systems are shared by 9p; block devices as roots and volumes do not work: no module loop'
	echo 'rootfs = disk' >>"$RUNX_CONF"
	finds error roots 'rootfs = disk: no module loop' 'load the module, or install e2fsprogs'
}

@test "check: nothing for networks" {
	machine
	rmdir "$RUNX_HOST/sys/bus/xen-backend/drivers/vif"
	finds warning network 'no module xen-netback'
}

@test "check: the IPAM plugin host-local" {
	machine
	finds ok ipam "no host-local in $FAKE/plugins"
	ln -s /bin/true "$FAKE/plugins/host-local"
	finds ok ipam "addresses come from $FAKE/plugins/host-local"
}

@test "check: no seccomp helper, and seccomp turned off" {
	machine
	rm "$FAKE/libexec/seccomp"
	finds error seccomp "$FAKE/libexec/seccomp does not run" 'install libseccomp2'
	echo 'seccomp = no' >>"$RUNX_CONF"
	finds ok seccomp 'seccomp = no'
}

@test "check: no control groups" {
	machine
	rm "$FAKE/cgroup/cgroup.procs"
	finds warning cgroups "no control groups in $FAKE/cgroup" 'mount -t cgroup2'
}

@test "check: an engine without runX in its configuration, and one that uses it as runc" {
	machine
	echo '# "/usr/sbin/runX"' >"$RUNX_HOST/etc/docker/daemon.json"
	finds warning engines 'Docker: /etc/docker/daemon.json does not name runX' 'give it a runtime'
	ln -s "$top/runX" "$FAKE/bin/runc"
	finds ok engines 'Docker runs runX as runc'
}

@test "check: an extra argument" {
	runX check c1
	fails_with 'check: too many arguments: c1'
}
