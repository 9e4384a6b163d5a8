#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# bats file_tags=full
# What only kernel-full can do (KERNEL=full make test).

load helpers
bats_require_minimum_version 1.5.0

setup_file() {
	fresh_bed
	# A root with all programs of dom0
	"$bed" sh 'mkdir /srv/host && mount --bind / /srv/host'
}

setup() {
	id=t$BATS_TEST_NUMBER
	conf 'kernel = /usr/share/runX/kernel-full'
}

# root DIRECTORY [TMPFS…]: prints a jq program for a container with this root, read-only, with a tmpfs at /tmp, /run and these
# places, 512 MiB of memory, and the capabilities to administer its VM
root() {
	local caps='"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_MKNOD", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_SETFCAP",
		"CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_ADMIN", "CAP_SYS_CHROOT", "CAP_SYS_PTRACE", "CAP_SYS_RESOURCE"'
	echo ".root = {path: \"$1\", readonly: true} | .linux.resources.memory.limit = 536870912 | .linux.readonlyPaths = []
		| .process.capabilities |= map_values(. + [$caps])
		| .mounts += (\"/tmp /run ${*:2}\" / \" \" | map(select(. != \"\") | {destination: ., type: \"tmpfs\", source: \"tmpfs\"}))"
}

@test "full: a container asks for the kernel by annotation, and its nft firewall drops what it should" {
	conf 'kernels = /usr/share/runX/kernel-full'
	container "$(root /srv/debian) | .annotations[\"org.lfedge.runx.kernel\"] = \"/usr/share/runX/kernel-full\"
		| $(runs 'nft add table inet t
			nft add chain inet t c "{ type filter hook input priority 0; }"
			nft add rule inet t c tcp dport 81 counter drop
			timeout 3 bash -c "</dev/tcp/127.0.0.1/81" 2>/dev/null; echo $?
			timeout 3 bash -c "</dev/tcp/127.0.0.1/82" 2>/dev/null; echo $?
			nft list chain inet t c | grep -c "counter packets [1-9]"')"
	says 0 "$(printf '124\n1\n1')" ''
}

@test "full: Docker in a container runs a container, with an address of its own and a port that is published" {
	container "$(root /srv/host /var/lib/docker /etc/docker)
		| (.mounts[] | select(.destination == \"/sys/fs/cgroup\") | .options) -= [\"ro\"]
		| $(runs 'mkdir /tmp/log
			dockerd --storage-driver vfs >/tmp/log/dockerd 2>&1 &
			tail -n +1 -f /tmp/log/dockerd --pid=$! | sed -n "/API listen/q"
			tar -C /bundles/busybox/rootfs -c . | docker import - busybox >/dev/null
			docker run -d -p 8080:80 --name web busybox sh -c "echo hello from \$(hostname -i) >index.html; exec httpd -f" >/dev/null
			curl -sf --retry 20 --retry-connrefused http://127.0.0.1:8080/
			docker rm -f web')"
	says 0 "$(printf 'hello from 172.17.0.2\nweb')" '' || { "$bed" sh 'tail -n 20 /var/log/xen/console/*' && return 1; }
}

@test "full: WireGuard in user space, over tun, between two network namespaces" {
	container "$(root /srv/debian)
		| $(runs 'set -e; umask 077; mkdir -p /run/netns /run/wireguard /dev/net; mknod /dev/net/tun c 10 200
			for side in near far; do
				ip netns add $side; ip -n $side link set lo up; wg genkey >/tmp/$side; wg pubkey </tmp/$side >/tmp/$side.pub
			done
			ip link add name near netns near type veth peer name far netns far
			up() { # SIDE NUMBER PEER NUMBER
				ip -n $1 addr add 10.0.0.$2/24 dev $1; ip -n $1 link set $1 up
				ip netns exec $1 wireguard-go wg$1 >/dev/null 2>&1
				ip netns exec $1 wg set wg$1 listen-port 5000 private-key /tmp/$1 peer "$(cat /tmp/$3.pub)" endpoint 10.0.0.$4:5000 \
					allowed-ips 10.1.0.$4
				ip -n $1 addr add 10.1.0.$2/24 dev wg$1; ip -n $1 link set wg$1 up
			}
			up near 1 far 2; up far 2 near 1
			ip netns exec far python3 -c "
import socket
s = socket.create_server((\"10.1.0.2\", 80))
print(\"ready\", flush=True)
s.accept()[0].sendall(b\"by WireGuard\\n\")" >/tmp/out &
			tail -n +1 -f /tmp/out --pid=$! | sed -n "/ready/q"
			ip netns exec near timeout 60 bash -c "cat </dev/tcp/10.1.0.2/80"; wait')"
	says 0 'by WireGuard' ''
}

@test "full: sshfs, over FUSE" {
	container "$(root /srv/debian /root /mnt)
		| $(runs 'mknod /dev/fuse c 10 229; mkdir -m 755 /run/sshd; mkdir -m 700 /root/.ssh
			ssh-keygen -q -t ed25519 -N "" -f /tmp/host && ssh-keygen -q -t ed25519 -N "" -f /root/.ssh/id_ed25519
			cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys
			/usr/sbin/sshd -f /dev/null -h /tmp/host -p 2222 -o UsePAM=no -o Subsystem="sftp /usr/lib/openssh/sftp-server"
			mkdir /tmp/shared && echo hello >/tmp/shared/file
			sshfs -p 2222 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR 127.0.0.1:/tmp/shared /mnt
			cat /mnt/file && echo changed >/mnt/file && cat /tmp/shared/file && umount /mnt')"
	says 0 "$(printf 'hello\nchanged')" ''
}
