#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# podman runs containers through runX, and publishes their ports.

load helpers
bats_require_minimum_version 1.5.0

setup_file() {
	needs_engine podman
	fresh_bed
	"$bed" sh 'tar -C /bundles/busybox/rootfs -cf /run/busybox.tar . && podman import -q /run/busybox.tar busybox'
}

teardown() {
	[ -n "${BATS_TEST_COMPLETED:-}" ] || podman rm -f -t 0 -a || :
	nothing_left
}

podman() {
	dom0 podman --runtime /usr/sbin/runX "$@"
}

@test "podman: run prints what the container prints, and returns its status" {
	podman run --rm --network none busybox sh -c 'echo out; echo err >&2; exit 42'
	says 42 out err
}

@test "podman: a published port, exec, stop and rm" {
	# Its client ends when the container does.
	dom0 sh -c 'mkfifo /run/ready && podman --runtime /usr/sbin/runX run -d --name web -p 8081:80 busybox sh -c "
			trap \"exit 7\" TERM; mkdir /www; echo hello >/www/index.html; httpd -h /www; echo ready; sleep 1000 & wait"
		podman logs -f web >/run/ready 2>/dev/null </dev/null & sed /ready/q /run/ready'
	[ "${lines[1]}" = ready ]
	web 127.0.0.1:8081
	web 10.0.2.15:8081
	podman exec web sh -c 'ip address show eth0; exit 3'
	[ "$status" -eq 3 ] && [[ $output == *'inet 10.88.0.'* ]]
	podman stop -t 30 web
	says 0 web ''
	podman inspect --format '{{.State.ExitCode}}' web
	says 0 7 ''
	podman rm web
	[ "$status" -eq 0 ]
}
