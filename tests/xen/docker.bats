#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Docker runs containers through runX, and publishes their ports.

load helpers
bats_require_minimum_version 1.5.0

setup_file() {
	needs_engine Docker
	fresh_bed
	"$bed" sh 'mkdir -p /etc/docker && echo "{\"runtimes\": {\"runx\": {\"path\": \"/usr/sbin/runX\"}}}" >/etc/docker/daemon.json
		dockerd --containerd=/run/containerd/containerd.sock >/var/log/dockerd.log 2>&1 </dev/null &
		tail -n +1 -f /var/log/dockerd.log --pid=$! | sed -n "/API listen/q"
		tar -C /bundles/busybox/rootfs -c . | docker import - busybox'
}

teardown() {
	[ -n "${BATS_TEST_COMPLETED:-}" ] || "$bed" sh 'docker rm -f $(docker ps -aq)' || :
	nothing_left
}

@test "docker: run prints what the container prints, and returns its status" {
	dom0 docker run --rm --runtime runx busybox sh -c 'echo out; echo err >&2; exit 42'
	says 42 out err
}

@test "docker: a terminal" {
	run --separate-stderr "$bed" tty docker run --rm -it --runtime runx busybox sh -c 'tty; exit 6' </dev/null
	[ "$status" -eq 6 ]
	[ "$(tr -d '\r' <<<"$output")" = /dev/pts/0 ]
}

@test "docker: a program that is missing" {
	dom0 sh -c 'docker run --rm --runtime runx busybox nosuch || echo $?'
	[ "$output" = 127 ]
	[[ $stderr == *'exec: "nosuch": executable file not found in $PATH'* ]]
}

@test "docker: a published port, exec, logs, stop and rm" {
	# Its clients end when the container does.
	dom0 sh -c 'mkfifo /run/ready && docker run -d --name web --runtime runx -p 8080:80 busybox sh -c "
			trap \"exit 7\" TERM; mkdir /www; echo hello >/www/index.html; httpd -h /www; echo ready; sleep 1000 & wait"
		docker logs -f web >/run/ready 2>/dev/null </dev/null & sed /ready/q /run/ready'
	[ "${lines[1]}" = ready ]
	web 127.0.0.1:8080
	web 10.0.2.15:8080
	dom0 docker exec web sh -c 'ip address show eth0; exit 3'
	[ "$status" -eq 3 ] && [[ $output == *'inet 172.17.0.2/16'* ]]
	dom0 docker stop -t 30 web
	says 0 web ''
	dom0 docker wait web
	says 0 7 ''
	dom0 docker rm web
	says 0 web ''
}

@test "docker: rm -f of a running container" {
	dom0 docker run -d --name busy --runtime runx busybox sleep 1000
	[ "$status" -eq 0 ]
	dom0 docker rm -f busy
	says 0 busy ''
}
