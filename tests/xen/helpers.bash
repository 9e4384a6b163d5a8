# SPDX-License-Identifier: Apache-2.0
# Functions that the tests on real Xen share. The tests run on this machine, and run commands in the test bed's dom0. Each
# file begins with a fresh dom0.
# shellcheck shell=bash

top=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
bed=$top/tests/bed/bed
# The bed's architecture and release, its fastest guest type, and the kinds of root.
read -r ARCH BED_RELEASE guest_type < <(here=$top/tests/bed && . "$here/lib.sh" && bed_settings && echo "$ARCH $BED_RELEASE $guest_type")
export ARCH BED_RELEASE
roots='9p disk'

setup_file() {
	fresh_bed
}

fresh_bed() {
	local tree=$BATS_FILE_TMPDIR/tree
	{
		"$top/build" tests && mkdir -p "$tree/usr/local/bin" &&
			install -m 0755 "$top/out/$ARCH/tests/"{supervise,signals} "$top/tests/xen/leaks" "$tree/usr/local/bin/" &&
			install -m 0644 "$top/out/$ARCH/tests/"hostile{,-9p}.initrd "$tree/usr/local/" &&
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

# failed: prints what can explain a failed test: how the last containers ended, and the last messages of the VMs' kernels
# and of Xen. Removes the test's container.
failed() {
	"$bed" sh 'echo "--- the last containers:"; tail -n 3 /tmp/supervised
		cd /var/log/xen/console && for log in $(ls -t | head -n 2); do
			echo "--- $log:"
			# All of a panic except dumps of memory and registers
			grep -aEv "^([0-9a-f]{4}: |Register )" "$log" | tail -n 30
		done
		echo "--- xl dmesg:"; xl dmesg | tail -n 5
		runX delete --force "$1"' "$id" 2>/dev/null || :
}

# leftovers: prints what runX has in dom0. A domain's memory, state and time vary, so they are cut off.
leftovers() {
	local left
	left=$("$bed" run leaks) || return
	sed -E 's/^(domain: [^ ]+ +[0-9]+) .*/\1/' <<<"$left"
}

# share: what is in dom0 now belongs to all tests of this file
share() {
	leftovers >"$BATS_FILE_TMPDIR/shared"
}

# nothing_left: every test must leave dom0 as it was before
nothing_left() {
	local left
	left=$(leftovers) || return
	[ ! -e "$BATS_FILE_TMPDIR/shared" ] || left=$(grep -vxF -f "$BATS_FILE_TMPDIR/shared" <<<"$left") || :
	[ -z "$left" ] || { echo "left behind in dom0:" "$left" && return 1; }
}

# dom0 COMMAND…: runs the command in dom0; sets $output (stdout), $stderr and $status
dom0() {
	run --separate-stderr "$bed" run -t 120 "$@"
}

# conf LINE…: writes dom0's runX.conf: the fastest guest type, then these lines
conf() {
	printf '%s\n' "guest_type = $guest_type" "$@" | "$bed" sh 'cat >/etc/runX/runX.conf'
}

# web ADDRESS: the HTTP server there answers "hello"
web() {
	dom0 sh -c "printf 'GET / HTTP/1.0\r\n\r\n' | socat -t 30 - TCP:$1"
	[ "$status" -eq 0 ] && [[ $output == 'HTTP/1.'*' 200 OK'*hello ]]
}

# docker_up: starts Docker, with runX as its default runtime, and imports the image busybox
docker_up() {
	"$bed" sh 'mkdir -p /etc/docker && echo "{\"default-runtime\": \"runx\", \"runtimes\": {\"runx\": {\"path\": \"/usr/sbin/runX\"}}}" \
			>/etc/docker/daemon.json
		dockerd --containerd=/run/containerd/containerd.sock >/var/log/dockerd.log 2>&1 </dev/null &
		tail -n +1 -f /var/log/dockerd.log --pid=$! | sed -n "/API listen/q"
		tar -C /bundles/busybox/rootfs -c . | docker import - busybox'
}

# said NAME WORD [TIMES]: waits until Docker's container of this name has printed this word, TIMES times
said() {
	dom0 sh -c 'mkfifo /run/said
		docker logs -f "$1" >/run/said 2>&1 </dev/null &
		[ "$(timeout 100 grep -m "$3" -c "$2" /run/said)" = "$3" ]; said=$?
		rm /run/said
		exit $said' sh "$1" "$2" "${3:-1}"
	[ "$status" -eq 0 ] || { echo "$1 did not say: $2" "$stderr" && return 1; }
}

# service NAME WORD OPTION… PROGRAM…: starts Docker's container of this name in the background, and waits for this word
service() {
	local name=$1 word=$2
	shift 2
	dom0 docker run -d --name "$name" "$@"
	[ "$status" -eq 0 ] || { echo "$name: $stderr" && return 1; }
	said "$name" "$word"
}

# create: creates the bundle's container. Its stdio is /dev/null: with dom0's stdio, the command in dom0 would not return
create() {
	dom0 sh -c "runX create --bundle /b/$id $id </dev/null >/dev/null 2>&1"
}

# config PROGRAM: prints the config.json of busybox, changed by a jq program
config() {
	jq '.process.terminal = false | .root = {path: "/bundles/busybox/rootfs", readonly: false}'" | $1" "$top/tests/bed/config.json"
}

# bundle PROGRAM: makes /b/$id in dom0, with this config.json
bundle() {
	config "$1" | "$bed" sh "mkdir -p /b/$id && cat >/b/$id/config.json"
}

# runs SCRIPT: prints a jq program that makes the container process run this script
runs() {
	jq -nr --arg script "$1" '".process.args = [\"sh\", \"-c\", \($script | tojson)]"'
}

# with_conf ROOTFS [GUEST_TYPE]: writes runX.conf with these settings
with_conf() {
	conf "rootfs = $1" ${2:+"guest_type = $2"}
}

# says STATUS STDOUT STDERR: the last dom0 had exactly this result
says() {
	[ "$status" -eq "$1" ] && [ "$output" = "$2" ] && [ "$stderr" = "$3" ] && return
	printf 'wanted status %s, got %s\n--- stdout:\n%s\n--- stderr:\n%s\n' "$1" "$status" "$output" "$stderr"
	return 1
}

# container PROGRAM [OPTION…]: makes a bundle, runs it as a container until its end, and deletes it, in one command in dom0
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
		runX delete "$id" || exit 123 # supervise never ends with 123
		exit $status' sh "$config" "$id" "$@"
}
