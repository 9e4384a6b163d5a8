# SPDX-License-Identifier: Apache-2.0
# What the tests on real Xen share. They run on this machine, and their commands in the test bed's dom0;
# each file begins with a fresh one.
# shellcheck shell=bash

top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
bed=$top/tests/bed/bed
# What VMs of the bed's architecture can be.
read -r ARCH guest_type < <(here=$top/tests/bed && . "$here/lib.sh" && bed_arch && echo "$ARCH $guest_type")
export ARCH
case $ARCH in x86_64) roots='9p disk' ;; *) roots=disk ;; esac

setup_file() {
	fresh_bed
}

fresh_bed() {
	local tree=$BATS_FILE_TMPDIR/tree
	{
		"$top/build" tests && mkdir -p "$tree/usr/local/bin" &&
			install -m 0755 "$top/out/$ARCH/tests/"{supervise,signals} "$top/tests/xen/leaks" "$tree/usr/local/bin/" &&
			install -m 0644 "$top/out/$ARCH/tests/hostile.initrd" "$tree/usr/local/" &&
			"$top/tests/bed/install" "$tree"
	} >"$BATS_FILE_TMPDIR/log" 2>&1 || { cat "$BATS_FILE_TMPDIR/log" && return 1; }
}

teardown_file() {
	"$bed" down
}

setup() {
	id=t$BATS_TEST_NUMBER
}

teardown() {
	[ -n "${BATS_TEST_COMPLETED:-}" ] || failed
	nothing_left
}

# What tells why a test failed: how the last containers ended, what the last VM's kernel and Xen said. Its container goes.
failed() {
	"$bed" sh 'echo "--- the last containers:"; tail -n 3 /tmp/supervised
		cd /var/log/xen/console && for log in $(ls -t | head -n 2); do
			echo "--- $log:"
			# A panic whole, but for what lay in memory.
			grep -aEv "^([0-9a-f]{4}: |Register )" "$log" | tail -n 30
		done
		echo "--- xl dmesg:"; xl dmesg | tail -n 5
		runX delete --force "$1"' "$id" 2>/dev/null || :
}

# Every test must leave dom0 as it found it.
nothing_left() {
	local left
	left=$("$bed" run leaks) || return
	[ -z "$left" ] || { echo "left behind in dom0:" "$left" && return 1; }
}

# dom0 COMMAND…: runs it in dom0; $output is stdout, $stderr is stderr, $status its status
dom0() {
	run --separate-stderr "$bed" run -t 120 "$@"
}

# conf LINE…: dom0's runX.conf, with the guest type that is quickest here before it
conf() {
	printf '%s\n' "guest_type = $guest_type" "$@" | "$bed" sh 'cat >/etc/runX/runX.conf'
}

needs_9p() {
	[[ $roots == *9p* ]] || skip "9p needs a QEMU for Xen, and Debian has none for $ARCH"
}

# web ADDRESS: what the HTTP server there answers
web() {
	dom0 sh -c "printf 'GET / HTTP/1.0\r\n\r\n' | socat -t 30 - TCP:$1"
	[ "$status" -eq 0 ] && [[ $output == 'HTTP/1.'*' 200 OK'*hello ]]
}

# docker_up: Docker, with runX as what it takes by itself, and the image busybox
docker_up() {
	"$bed" sh 'mkdir -p /etc/docker && echo "{\"default-runtime\": \"runx\", \"runtimes\": {\"runx\": {\"path\": \"/usr/sbin/runX\"}}}" \
			>/etc/docker/daemon.json
		dockerd --containerd=/run/containerd/containerd.sock >/var/log/dockerd.log 2>&1 </dev/null &
		tail -n +1 -f /var/log/dockerd.log --pid=$! | sed -n "/API listen/q"
		tar -C /bundles/busybox/rootfs -c . | docker import - busybox'
}

# said NAME WORD [TIMES]: waits until Docker's container of this name has said this
said() {
	dom0 sh -c 'mkfifo /run/said
		docker logs -f "$1" >/run/said 2>&1 </dev/null &
		[ "$(timeout 100 grep -m "$3" -c "$2" /run/said)" = "$3" ]; said=$?
		rm /run/said
		exit $said' sh "$1" "$2" "${3:-1}"
	[ "$status" -eq 0 ] || { echo "$1 did not say: $2" "$stderr" && return 1; }
}

# service NAME WORD OPTION… PROGRAM…: Docker's container of this name, in the background, once it has said this
service() {
	local name=$1 word=$2
	shift 2
	dom0 docker run -d --name "$name" "$@"
	[ "$status" -eq 0 ] || { echo "$name: $stderr" && return 1; }
	said "$name" "$word"
}

# create: the bundle's container, with nothing on its stdio: whoever holds it keeps dom0's answer open
create() {
	dom0 sh -c "runX create --bundle /b/$id $id </dev/null >/dev/null 2>&1"
}

# config PROGRAM: the config.json of busybox, changed by a jq program
config() {
	jq '.process.terminal = false | .root = {path: "/bundles/busybox/rootfs", readonly: false}'" | $1" "$top/tests/bed/config.json"
}

# bundle PROGRAM: makes /b/$id in dom0, with this config.json
bundle() {
	config "$1" | "$bed" sh "mkdir -p /b/$id && cat >/b/$id/config.json"
}

# runs SCRIPT: a jq program that makes this what the process does
runs() {
	jq -nr --arg script "$1" '".process.args = [\"sh\", \"-c\", \($script | tojson)]"'
}

# with_conf ROOTFS [GUEST_TYPE]: what runX.conf says
with_conf() {
	conf "rootfs = $1" ${2:+"guest_type = $2"}
}

# says STATUS STDOUT STDERR: what the last dom0 was to come to
says() {
	[ "$status" -eq "$1" ] && [ "$output" = "$2" ] && [ "$stderr" = "$3" ] && return
	printf 'wanted status %s, got %s\n--- stdout:\n%s\n--- stderr:\n%s\n' "$1" "$status" "$output" "$stderr"
	return 1
}

# container PROGRAM [OPTION…]: a bundle, run as a container until its end, then deleted; all of it by one word to dom0
container() {
	local config
	config=$(config "$1")
	shift
	# shellcheck disable=SC2016 # variables of dom0's shell
	dom0 sh -c 'config=$1 id=$2
		shift 2
		mkdir -p "/b/$id" && printf "%s\n" "$config" >"/b/$id/config.json" || exit
		supervise "$@" "/b/$id" "$id"
		status=$?
		runX delete "$id" || exit 123 # none of supervise
		exit $status' sh "$config" "$id" "$@"
}
