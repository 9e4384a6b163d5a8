#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Docker runs containers through runX, and publishes their ports.

load helpers
bats_require_minimum_version 1.5.0

setup_file() {
	fresh_bed
	"$bed" sh 'mkdir -p /etc/docker && echo "{\"runtimes\": {\"runx\": {\"path\": \"/usr/sbin/runX\"}}}" >/etc/docker/daemon.json
		dockerd --containerd=/run/containerd/containerd.sock >/var/log/dockerd.log 2>&1 </dev/null &
		tail -n +1 -f /var/log/dockerd.log --pid=$! | sed -n "/API listen/q"
		tar -C /bundles/busybox/rootfs -c . | docker import - busybox'
}

teardown() {
	[ -n "${BATS_TEST_COMPLETED:-}" ] || "$bed" sh 'docker rm -f $(docker ps -aq) 2>/dev/null' || :
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

@test "docker: what run's options ask for is so in the container" {
	"$bed" sh 'mkdir -p /srv/data && echo data >/srv/data/file'
	dom0 docker run --rm --runtime runx -v /srv/data:/data -v /srv/data:/fixed:ro -e GREETING='a "b" c' -u 1000:1001 -w /tmp -m 100m \
		--cpus 0.5 --read-only --tmpfs /scratch:size=1m --hostname box --cap-drop ALL --security-opt no-new-privileges \
		--network none --entrypoint sh busybox -c '
			echo "$GREETING" "$(id -u):$(id -g)" "$PWD" "$(hostname)" "$(cat /data/file /fixed/file | xargs)"
			touch /fixed/new || touch /new || echo kept
			touch /scratch/new && df -m /scratch | awk "NR == 2 { print \$2 }"
			awk "/CapEff|NoNewPrivs/ { print \$2 }" /proc/self/status | xargs
			awk "/MemTotal/ { print (\$2 > 100000 && \$2 < 140000) }" /proc/meminfo; ls /sys/class/net'
	[ "$status" -eq 0 ]
	[ "$output" = 'a "b" c 1000:1001 /tmp box data data
kept
1
0000000000000000 1
1
lo' ] || { echo "$output" && return 1; }
}

@test "docker: capabilities that are added, and an init" {
	dom0 docker run --rm --runtime runx --init --cap-drop ALL --cap-add NET_ADMIN busybox sh -c '
		cat /proc/1/comm; awk "/CapEff/ { print \$2 }" /proc/self/status'
	says 0 'docker-init
0000000000001000' ''
}

@test "docker: statuses of what did not run, and of what was killed" {
	dom0 sh -c 'docker run --rm --runtime runx -v /etc/passwd:/proc/1 busybox true || echo $?
		docker run --rm --runtime runx busybox /etc/passwd || echo $?
		docker run -d --name doomed --runtime runx busybox sleep 1000 >/dev/null
		docker kill doomed && docker wait doomed && docker rm doomed'
	[ "$status" -eq 0 ]
	[ "$output" = "$(printf '%s\n' 125 126 doomed 137 doomed)" ] || { echo "$output" "$stderr" && return 1; }
}

@test "docker: pause, unpause, top, stats, cp, kill and inspect" {
	dom0 sh -c 'mkfifo /run/busy && docker run -d --name busy --runtime runx busybox sh -c "trap \"exit 9\" HUP; echo ready; sleep 1000 & wait"
		docker logs -f busy >/run/busy 2>/dev/null </dev/null & sed /ready/q /run/busy'
	[ "${lines[1]}" = ready ]
	dom0 sh -c 'docker pause busy && docker inspect -f {{.State.Status}} busy && docker unpause busy && docker inspect -f {{.State.Status}} busy'
	says 0 "$(printf '%s\n' busy paused busy running)" ''
	dom0 docker top busy
	[ "$status" -eq 0 ] && [ "${#lines[@]}" -eq 2 ]
	dom0 docker stats --no-stream --format '{{.Name}} {{.MemUsage}}' busy
	[ "$status" -eq 0 ] && [[ $output == 'busy '* ]]
	dom0 sh -c 'echo in >/run/in && docker cp /run/in busy:/in && docker exec busy sh -c "cat /in; echo out >/out" && docker cp busy:/out - | tar -xO'
	says 0 "$(printf '%s\n' in out)" ''
	dom0 sh -c 'docker kill -s HUP busy && docker wait busy && docker rm busy'
	says 0 "$(printf '%s\n' busy 9 busy)" ''
}

@test "docker: a signal of its own to stop, and restarts of what fails" {
	dom0 sh -c 'mkfifo /run/own && docker run -d --name own --stop-signal USR1 --runtime runx busybox sh -c "
			trap \"exit 5\" USR1; echo ready; sleep 1000 & wait" >/dev/null
		docker logs -f own >/run/own 2>/dev/null </dev/null & sed /ready/q /run/own >/dev/null
		docker stop -t 60 own && docker wait own && docker rm own'
	says 0 "$(printf '%s\n' own 5 own)" ''
	# docker wait returns between two runs, too.
	dom0 sh -c 'docker run -d --name again --restart on-failure:1 --runtime runx busybox sh -c "echo run; exit 3" >/dev/null
		mkfifo /run/ends
		docker events --since 0 --filter container=again --filter event=die --format "{{.Actor.Attributes.exitCode}}" >/run/ends &
		sed 2q /run/ends; kill $!; docker wait again; docker inspect -f {{.RestartCount}} again && docker logs again && docker rm again'
	says 0 "$(printf '%s\n' 3 3 3 1 run run again)" ''
}

@test "docker: another's network is refused with a sentence" {
	dom0 sh -c 'docker run -d --name first --runtime runx busybox sleep 1000 >/dev/null
		docker run --rm --network container:first --runtime runx busybox true; echo $?; docker rm -f first'
	[ "$output" = "$(printf '%s\n' 125 first)" ]
	[[ $stderr == *"network interface eth0 is another VM's already"* ]]
}
