#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# RUNX_KERNEL, RUNX_RAMDISK and XLCONF in the environment of the container's process.

load helpers

image_files() {
	mkdir -p "$bundle/rootfs/boot"
	echo kernel >"$bundle/rootfs/boot/vmlinuz"
	printf 123 >"$bundle/rootfs/boot/initrd"
}

@test "environment: kernel and ramdisk are the container's own" {
	keep_boot
	image_files
	ln -s vmlinuz "$bundle/rootfs/boot/link"
	creates '.process.env += ["RUNX_KERNEL=/boot/link", "RUNX_RAMDISK=boot/initrd"]'
	[ -z "$output" ]
	has "kernel = \"$RUNX_ROOT/c1/kernel\""
	cmp "$bundle/rootfs/boot/vmlinuz" "$boot/kernel"
	[ "$(head -c 10 "$boot/initrd" | tr '\0' .)" = 123.070701 ]
	# The state directory is memory of dom0, and nobody reads them again.
	[ ! -s "$RUNX_ROOT/c1/kernel" ]
	[ ! -s "$RUNX_ROOT/c1/initrd" ]
	runX delete --force c1
	nothing_left
}

@test "environment: a kernel alone gets the common initrd; of two variables the last counts; an empty one is ignored" {
	keep_boot
	image_files
	creates '.process.env += ["RUNX_KERNEL=/nowhere", "RUNX_KERNEL=/boot/vmlinuz", "RUNX_RAMDISK="]'
	has "kernel = \"$RUNX_ROOT/c1/kernel\""
	head -c 1024 "$boot/initrd" | cmp - "$FAKE/initrd"
}

@test "environment: a link does not lead to a kernel outside of the root" {
	mkdir "$bundle/rootfs/boot"
	ln -s /etc/hostname "$bundle/rootfs/boot/absolute"
	ln -s ../../../../../../../../etc/hostname "$bundle/rootfs/boot/relative"
	ln -s /proc/self/exe "$bundle/rootfs/boot/magic"
	bad '.process.env += ["RUNX_KERNEL=/boot/absolute"]' 'kernel /boot/absolute: No such file or directory'
	bad '.process.env += ["RUNX_KERNEL=/boot/relative"]' 'kernel /boot/relative: No such file or directory'
	bad '.process.env += ["RUNX_KERNEL=/boot/magic"]' 'kernel /boot/magic: No such file or directory'
	bad '.process.env += ["RUNX_KERNEL=../../../../../../../../etc/hostname"]' 'No such file or directory'
}

@test "environment: a kernel that is not a regular file is not opened" {
	mkfifo "$bundle/rootfs/fifo"
	bad '.process.env += ["RUNX_KERNEL=/fifo"]' 'kernel /fifo: not a regular file'
	bad '.process.env += ["RUNX_KERNEL=/bin"]' 'kernel /bin: not a regular file'
}

@test "environment: a kernel and a ramdisk that would fill the host, since holes count there" {
	truncate -s 1T "$bundle/rootfs/huge"
	bad '.process.env += ["RUNX_RAMDISK=/huge"]' "the guest's initrd /huge: larger than 65536 KiB (boot_max in runX.conf)"
	echo 'boot_max = 3' >>"$RUNX_CONF"
	truncate -s 2M "$bundle/rootfs/k" "$bundle/rootfs/i"
	bad '.process.env += ["RUNX_KERNEL=/k", "RUNX_RAMDISK=/i"]' "the guest's initrd /i: larger than 1024 KiB (what the kernel leaves of boot_max"
	echo 'boot_max = 4' >>"$RUNX_CONF"
	creates .
}

@test "environment: once the VM is made, no copy of a kernel or a ramdisk takes memory of the host" {
	truncate -s 8M "$bundle/rootfs/k" "$bundle/rootfs/i"
	creates '.process.env += ["RUNX_KERNEL=/k", "RUNX_RAMDISK=/i"]'
	[ "$(du -sk "$RUNX_ROOT/c1" | cut -f 1)" -lt 200 ]
	runX start c1
	succeeds
}

@test "environment: annotations and the vm section override it" {
	image_files
	: >"$BATS_TEST_TMPDIR/kernel"
	creates ".process.env += [\"RUNX_KERNEL=/boot/vmlinuz\"] | .vm.kernel.path = \"$BATS_TEST_TMPDIR/kernel\""
	has "kernel = \"$BATS_TEST_TMPDIR/kernel\""
}

@test "environment: a variable that runX.conf does not list is ignored with a warning" {
	echo 'environment = RUNX_RAMDISK' >>"$RUNX_CONF"
	creates '.process.env += ["RUNX_KERNEL=/nowhere", "XLCONF=/nowhere"]'
	[ "${#lines[@]}" -eq 2 ]
	[[ $output == *'warning: RUNX_KERNEL in process.env is ignored: environment in runX.conf does not list it'* ]]
	[[ $output == *'warning: XLCONF in process.env is ignored'* ]]
	has 'kernel = "/kernel"'
}

@test "environment: runX.conf can forbid them all" {
	echo 'environment =' >>"$RUNX_CONF"
	creates '.process.env += ["RUNX_RAMDISK=/nowhere"]'
	[[ $output == *'warning: RUNX_RAMDISK in process.env is ignored'* ]]
}

@test "environment: runX.conf lists a variable that does not exist" {
	echo 'environment = HOME' >>"$RUNX_CONF"
	bad . 'environment: HOME is not one of NETCONF RUNX_KERNEL RUNX_RAMDISK XLCONF'
}

# XLCONF names a file of the host.

# xlconf LINE…: makes such a file, and the container names it
xlconf() {
	mkdir -p "$BATS_TEST_TMPDIR/host"
	printf '%s\n' "$@" >"$BATS_TEST_TMPDIR/host/xl"
	echo "host_files = $BATS_TEST_TMPDIR/host" >>"$RUNX_CONF"
	config ".process.env += [\"XLCONF=$BATS_TEST_TMPDIR/host/xl\"]"
}

@test "environment: XLCONF changes defaults, adds settings, and keeps what a container needs" {
	xlconf 'memory = 512' 'vcpus=4' '# name = x' 'cpu_weight = 512 # disk' 'extra = "loglevel=7"' 'vif = [' ' "mac=00:16:3e:00:00:01"' ']'
	creates '.linux.resources.memory.limit = 268435456'
	has 'memory = 512'
	has 'cpu_weight = 512 # disk'
	grep -qx 'vcpus=4' "$FAKE/xl.cfg"
	[ "$(grep -c '^vcpus' "$FAKE/xl.cfg")" -eq 2 ]
	[ "$(grep '^extra' "$FAKE/xl.cfg" | xargs)" = 'extra = loglevel=7 extra +=  console=hvc0 quiet panic=-1' ]
	[ "$(grep -n '^name' "$FAKE/xl.cfg" | cut -d: -f1)" -gt "$(grep -n '^]' "$FAKE/xl.cfg" | cut -d: -f1)" ]
}

@test "environment: annotations and hwConfig override XLCONF" {
	xlconf 'memory = 512' 'vcpus = 4'
	creates '.annotations = {"org.lfedge.runx.memory": "300"} | .vm.hwConfig.vcpus = 2'
	has 'memory = 300'
	has 'vcpus = 2'
}

@test "environment: XLCONF without a newline at its end, or with nothing in it" {
	xlconf ''
	printf 'pool = "x"' >"$BATS_TEST_TMPDIR/host/xl"
	creates .
	has 'pool = "x"'
	runX delete --force c1
	: >"$BATS_TEST_TMPDIR/host/xl"
	creates .
}

@test "environment: XLCONF with a name that runX itself sets is refused, and the error has the line" {
	local line
	xlconf ''
	for line in 'name = "x"' ' disk=[' 'p9 += [ "x" ]' '	kernel	= "/x"' 'ramdisk=1' 'pool = "a"; uuid = "b"' 'cmdline="x"' 'type="hvm"' 'bootloader = "/x"'; do
		printf '%s\n' '# a comment' "$line" >"$BATS_TEST_TMPDIR/host/xl"
		bad . "XLCONF $BATS_TEST_TMPDIR/host/xl, line 2: runX sets"
	done
}

refused() {
	runX create --bundle "$bundle" c1
	fails_with "$1"
	nothing_left
}

@test "environment: XLCONF that other users can write, or that does not belong to root" {
	xlconf ''
	chmod 646 "$BATS_TEST_TMPDIR/host/xl"
	refused 'must belong to root, and nobody else may write it'
	chmod 644 "$BATS_TEST_TMPDIR/host/xl"
	chown 65534 "$BATS_TEST_TMPDIR/host/xl"
	refused 'must belong to root, and nobody else may write it'
}

@test "environment: XLCONF that does not exist, or is not a regular file" {
	xlconf ''
	rm "$BATS_TEST_TMPDIR/host/xl"
	refused "XLCONF $BATS_TEST_TMPDIR/host/xl: No such file or directory"
	mkfifo "$BATS_TEST_TMPDIR/host/xl"
	refused 'not a regular file'
}

@test "environment: XLCONF that is not a configuration of xl" {
	xlconf 'root:x:0:0'
	export XL_FAIL=create XL_SAYS="/x/xl.cfg:3: config parsing error near \`x': lexical error
Failed to parse config: Invalid argument"
	refused "xl cannot create the VM: XLCONF $BATS_TEST_TMPDIR/host/xl is not as xl.cfg(5) says"
	truncate -s 65537 "$BATS_TEST_TMPDIR/host/xl"
	refused 'larger than 64 KiB'
}

@test "environment: XLCONF outside of host_files, even through a link in it" {
	xlconf ''
	echo >"$BATS_TEST_TMPDIR/hostile"
	ln -sf ../hostile "$BATS_TEST_TMPDIR/host/xl"
	refused 'is not in a directory of host_files (runX.conf)'
}

@test "environment: XLCONF that the container can write" {
	xlconf ''
	echo "host_files = $BATS_TEST_TMPDIR" >>"$RUNX_CONF"
	echo >"$bundle/rootfs/xl"
	echo >"$bundle/xl"
	config ".process.env += [\"XLCONF=$bundle/rootfs/xl\"]"
	refused "lies in $bundle, which the container can see"
	ln -sf ../bundle/rootfs/xl "$BATS_TEST_TMPDIR/host/xl"
	config ".process.env += [\"XLCONF=$BATS_TEST_TMPDIR/host/xl\"]"
	refused "lies in $bundle, which the container can see"
	mkdir "$BATS_TEST_TMPDIR/other"
	mv "$bundle/config.json" "$BATS_TEST_TMPDIR/other/"
	mv "$bundle/rootfs" "$BATS_TEST_TMPDIR/root fs"
	ln -s "root fs" "$BATS_TEST_TMPDIR/link"
	bundle=$BATS_TEST_TMPDIR/other
	config ".root.path = \"$BATS_TEST_TMPDIR/link\" | .process.env += [\"XLCONF=$BATS_TEST_TMPDIR/root fs/xl\"]"
	refused "lies in $BATS_TEST_TMPDIR/link, which the container can see"
}

@test "environment: XLCONF that is relative" {
	bad '.process.env += ["XLCONF=xl"]' 'process.env: XLCONF: must be an absolute path'
}

@test "environment: host_files with a pattern" {
	echo 'host_files = /etc/*' >>"$RUNX_CONF"
	bad . 'host_files must be directories, not patterns'
}
