#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# bats file_tags=engines
# podman runs containers through runX, and publishes their ports.

load helpers
bats_require_minimum_version 1.5.0

setup_file() {
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

@test "podman: run, in a pod of one container, prints what the container prints, and returns its status" {
	podman pod create --infra=false --name pod
	[ "$status" -eq 0 ]
	podman run --rm --pod pod --network none busybox sh -c 'echo out; echo err >&2; exit 42'
	says 42 out err
	podman pod rm pod
	[ "$status" -eq 0 ]
}

@test "podman: a published port, exec, stop and rm" {
	# podman logs ends with the container.
	dom0 sh -c 'mkfifo /run/ready && podman --runtime /usr/sbin/runX run -d --name web -p 8081:80 busybox sh -c "
			trap \"exit 7\" TERM; mkdir /www; echo hello >/www/index.html; httpd -h /www; echo ready; sleep 1000 & wait"
		podman logs -f web >/run/ready 2>/dev/null </dev/null & sed /ready/q /run/ready'
	[ "${lines[1]}" = ready ]
	web 127.0.0.1:8081
	web 10.0.2.15:8081
	podman exec web sh -c 'ip address show eth0; exit 3'
	[ "$status" -eq 3 ]
	[[ $output == *'inet 10.88.0.'* ]]
	podman stop -t 30 web
	says 0 web ''
	podman inspect --format '{{.State.ExitCode}}' web
	says 0 7 ''
	podman rm web
	[ "$status" -eq 0 ]
}

@test "podman: conmon learns that a container ran out of memory" {
	# Its note is a file where podman was called. Debian 12's podman 4.3 looks for it elsewhere, with any runtime.
	dom0 sh -c 'mkdir /run/called && cd /run/called || exit 1
		podman --runtime /usr/sbin/runX run --rm --network none busybox sh -c "exit 137"; echo $? *
		podman --runtime /usr/sbin/runX run --rm --network none -m 64m busybox tail /dev/zero; echo $? *'
	says 0 "$(printf '%s\n' '137 *' '137 oom')" ''
}

@test "podman: build runs its steps in VMs" {
	# With a disk, the files that a step writes would not come back to the host.
	"$bed" sh 'mkdir -p /run/build && printf "FROM busybox\nRUN echo made >/made && test \$\$ = 1\nCMD [\"cat\", \"/made\"]\n" >/run/build/Containerfile'
	podman build -q --network none -t made /run/build
	[ "$status" -eq 0 ] || { echo "$stderr" && return 1; }
	podman run --rm --network none made
	says 0 made ''
}

@test "podman: buildah runs its steps in VMs" {
	dom0 sh -c 'made=$(buildah from busybox) && buildah run --runtime /usr/sbin/runX --network none "$made" sh -c "echo made >/made && test \$\$ = 1" &&
		cat "$(buildah mount "$made")/made" && buildah umount "$made" >/dev/null && buildah rm "$made" >/dev/null'
	says 0 made ''
}

@test "podman: what fails is run again" {
	dom0 sh -c 'mkfifo /run/ends
		podman --runtime /usr/sbin/runX run -d --name again --network none --restart on-failure:1 busybox sh -c "echo run; exit 3" >/dev/null
		timeout 100 podman events --since 5m --filter container=again --filter event=died --format "{{.Name}}" >/run/ends &
		sed 2q /run/ends; kill $!; podman wait again; podman inspect --format "{{.RestartCount}}" again; podman logs again'
	says 0 "$(printf '%s\n' again again 3 1 run run)" ''
	podman rm again
	[ "$status" -eq 0 ]
}

@test "podman: a health check, kill, logs and restart" {
	podman run -d --name sick --network none --health-cmd 'test ! -e /sick' --health-interval disable busybox sh -c '
		trap "exit 4" USR1; echo ready; sleep 1000 & wait'
	[ "$status" -eq 0 ]
	podman healthcheck run sick
	[ "$status" -eq 0 ] || { echo "$output" "$stderr" && return 1; }
	podman exec sick touch /sick
	podman healthcheck run sick
	[ "$status" -eq 1 ]
	podman kill -s USR1 sick
	podman wait sick
	says 0 4 ''
	podman start sick
	podman kill sick
	podman wait sick
	says 0 137 ''
	podman logs sick
	[ "$(sort -u <<<"$output")" = ready ]
	podman rm sick
	[ "$status" -eq 0 ]
}
