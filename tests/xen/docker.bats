#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# bats file_tags=engines
# Docker runs containers through runX, and publishes their ports.

load helpers
bats_require_minimum_version 1.5.0

setup_file() {
	fresh_bed
	docker_up
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
	run --separate-stderr "$bed" tty docker run --rm -it busybox sh -c 'tty; exit 6' </dev/null
	[ "$status" -eq 6 ]
	[ "$(tr -d '\r' <<<"$output")" = /dev/pts/0 ]
}

@test "docker: a program that is missing" {
	dom0 sh -c 'docker run --rm busybox nosuch || echo $?'
	[ "$output" = 127 ]
	[[ $stderr == *'exec: "nosuch": executable file not found in $PATH'* ]]
}

@test "docker: a published port, exec, logs, a signal of its own to stop, and rm" {
	service web ready -p 8080:80 --stop-signal USR1 busybox sh -c '
		trap "exit 7" USR1; mkdir /www; echo hello >/www/index.html; httpd -h /www; echo ready; sleep 1000 & wait'
	web 127.0.0.1:8080
	web 10.0.2.15:8080
	dom0 docker exec web sh -c 'ip address show eth0; exit 3'
	[ "$status" -eq 3 ]
	[[ $output == *'inet 172.17.0.2/16'* ]]
	dom0 sh -c 'docker stop -t 60 web && docker wait web && docker rm web'
	says 0 "$(printf '%s\n' web 7 web)" ''
}

@test "docker: what run's options ask for is so in the container, with a capability that is added, and an init" {
	"$bed" sh 'mkdir -p /srv/data && echo data >/srv/data/file'
	dom0 docker run --rm -v /srv/data:/data -v /srv/data:/fixed:ro -e GREETING='a "b" c' -u 1000:1001 -w /tmp -m 100m \
		--cpus 0.5 --read-only --tmpfs /scratch:size=1m --hostname box --init --cap-drop ALL --cap-add NET_ADMIN --security-opt no-new-privileges \
		--network none --entrypoint sh busybox -c '
			echo "$GREETING" "$(id -u):$(id -g)" "$PWD" "$(hostname)" "$(cat /data/file /fixed/file | xargs)"
			touch /fixed/new || touch /new || echo kept
			touch /scratch/new && df -m /scratch | awk "NR == 2 { print \$2 }"
			awk "/CapEff|CapBnd|NoNewPrivs/ { print \$2 }" /proc/self/status | xargs; cat /proc/1/comm
			awk "/MemTotal/ { print (\$2 > 100000 && \$2 < 140000) }" /proc/meminfo; ls /sys/class/net'
	[ "$status" -eq 0 ]
	[ "$output" = 'a "b" c 1000:1001 /tmp box data data
kept
1
0000000000000000 0000000000001000 1
docker-init
1
lo' ] || { echo "$output" && return 1; }
}

@test "docker: statuses of what did not run, and of what was killed; OOMKilled only of a container that ran out of memory" {
	dom0 sh -c 'docker run --rm -v /etc/passwd:/proc/1 busybox true || echo $?
		docker run --rm busybox /etc/passwd || echo $?
		docker run -d --name doomed busybox sleep 1000 >/dev/null
		docker kill doomed && docker wait doomed'
	[ "$status" -eq 0 ]
	[ "$output" = "$(printf '%s\n' 125 126 doomed 137)" ] || { echo "$output" "$stderr" && return 1; }
	dom0 docker run --name hog -m 64m busybox tail /dev/zero
	[ "$status" -eq 137 ]
	dom0 docker inspect -f '{{.Name}} {{.State.OOMKilled}} {{.State.ExitCode}}' hog doomed
	says 0 "$(printf '%s\n' '/hog true 137' '/doomed false 137')" ''
	dom0 docker rm hog doomed
	says 0 "$(printf '%s\n' hog doomed)" ''
}

@test "docker: cp into and out of a container that runs, pause, unpause, top, stats, kill and inspect" {
	service busy ready busybox sh -c 'trap "exit 9" HUP; echo ready; sleep 1000 & wait'
	# With a disk, the container would only have the files from before create.
	dom0 sh -c 'echo in >/run/in && docker cp /run/in busy:/in && docker exec busy sh -c "cat /in; echo out >/out" && docker cp busy:/out - | tar -xO'
	says 0 "$(printf '%s\n' in out)" ''
	dom0 sh -c 'docker pause busy && docker inspect -f {{.State.Status}} busy && docker unpause busy && docker inspect -f {{.State.Status}} busy'
	says 0 "$(printf '%s\n' busy paused busy running)" ''
	dom0 docker top busy
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 2 ]
	dom0 docker stats --no-stream --format '{{.Name}} {{.MemUsage}}' busy
	[ "$status" -eq 0 ]
	[[ $output == 'busy '* ]]
	dom0 sh -c 'docker kill -s HUP busy && docker wait busy && docker rm busy'
	says 0 "$(printf '%s\n' busy 9 busy)" ''
}

@test "docker: restarts of what fails" {
	# docker wait also returns between two runs, so this waits for two events first.
	dom0 sh -c 'docker run -d --name again --restart on-failure:1 busybox sh -c "echo run; exit 3" >/dev/null
		mkfifo /run/ends
		docker events --since 0 --filter container=again --filter event=die --format "{{.Actor.Attributes.exitCode}}" >/run/ends &
		sed 2q /run/ends; kill $!; docker wait again; docker inspect -f {{.RestartCount}} again && docker logs again && docker rm again'
	says 0 "$(printf '%s\n' 3 3 3 1 run run again)" ''
}

@test "docker: another's network is refused with a sentence; rm -f of a running container" {
	dom0 sh -c 'docker run -d --name first busybox sleep 1000 >/dev/null
		docker run --rm --network container:first busybox true; echo $?; docker rm -f first'
	[ "$output" = "$(printf '%s\n' 125 first)" ]
	[[ $stderr == *"network interface eth0 belongs to another VM already"* ]]
}

@test "docker: on a network of their own containers find each other by name, and others by Docker's resolver" {
	"$bed" sh 'docker network create --subnet 10.20.0.0/24 lan >/dev/null
		dnsmasq --conf-file=/dev/null --listen-address=10.20.0.1 --bind-interfaces --no-resolv --address=/outside.test/192.0.2.7'
	service web ready --network lan --ip 10.20.0.5 --network-alias www busybox sh -c '
		mkdir /www; echo hello >/www/index.html; httpd -h /www; echo ready; sleep 1000'
	# In the answer over TCP the last four bytes are the address.
	dom0 docker run --rm --network lan --dns 10.20.0.1 busybox sh -c 'grep ^nameserver /etc/resolv.conf
		wget -qO - http://web/ && wget -qO - http://www/
		nslookup -type=a outside.test | sed -n "s/Address: //p"
		printf "\0\25\1\2\1\0\0\1\0\0\0\0\0\0\3web\0\0\1\0\1" | nc 127.0.0.11 53 | tail -c 4 | od -An -tu1'
	says 0 'nameserver 127.0.0.11
hello
hello
192.0.2.7
  10  20   0   5' ''
	dom0 docker rm -f web
	"$bed" sh 'pkill dnsmasq; docker network rm lan >/dev/null'
}

@test "docker: a service of a swarm of one" {
	dom0 sh -c 'docker swarm init --advertise-addr 127.0.0.1 >/dev/null && mkfifo /run/task &&
		docker service create -q --no-resolve-image --stop-grace-period 1s --name one --detach busybox sh -c "echo in the swarm; sleep 1000" >/dev/null && {
			timeout 100 docker events --since 0 --filter event=start --filter "image=busybox:latest" --format "{{.Actor.Attributes.name}}" >/run/task &
			sed -n "/^one/q" /run/task; kill $!
			docker service ps --format "{{.DesiredState}}" one; docker service logs --raw one
			docker service rm one; }'
	[ "$status" -eq 0 ] || { echo "$output" "$stderr" && return 1; }
	[ "$output" = "$(printf '%s\n' Running 'in the swarm' one)" ]
	"$bed" sh 'docker ps -q | xargs -r docker wait; docker swarm leave --force'
}
