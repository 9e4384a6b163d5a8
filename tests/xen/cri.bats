#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# bats file_tags=engines
# Containers as Kubernetes runs them: requests to containerd's CRI plugin, as from the kubelet, with runX as the runtime
# handler. Debian has no package of a CRI client. So curl speaks gRPC's HTTP/2, and protoc makes and reads its messages.

load helpers
bats_require_minimum_version 1.5.0

# A second containerd has the CRI plugin, so that the first one starts faster for all other tests.
setup_file() {
	fresh_bed
	"$bed" sh 'mkdir -p /cri/net.d && cd /cri && cat >net.d/pods.conflist &&
		sed "s/\"io.containerd.grpc.v1.cri\", *//" /etc/containerd/config.toml >config.toml && cat >>config.toml <<-END
			[plugins."io.containerd.grpc.v1.cri"]
			sandbox_image = "runx.test/busybox:latest"
			[plugins."io.containerd.grpc.v1.cri".cni]
			bin_dir = "/usr/lib/cni"
			conf_dir = "/cri/net.d"
			[plugins."io.containerd.grpc.v1.cri".containerd]
			default_runtime_name = "runx"
			[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runx]
			runtime_type = "io.containerd.runc.v2"
			[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runx.options]
			BinaryName = "/usr/sbin/runX"
		END
		containerd -c config.toml --root /cri/root --state /cri/state -a /cri/socket >log 2>&1 </dev/null &
		tail -n +1 -f log --pid=$! | sed -n "/containerd successfully booted/q"
		ctr -n k8s.io -a /cri/socket image import /bundles/busybox.tar || { cat log && exit 1; }' <<-'END'
			{"cniVersion": "0.4.0", "name": "pods", "plugins": [{"type": "bridge", "bridge": "pods0", "isGateway": true,
				"ipam": {"type": "host-local", "ranges": [[{"subnet": "10.88.7.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
		END
}

setup() {
	id=t$BATS_TEST_NUMBER pod='' containers=''
}

teardown() {
	local container
	[ -n "${BATS_TEST_COMPLETED:-}" ] || "$bed" sh 'grep -v level=info /cri/log'
	for container in $containers; do
		cri RemoveContainer "container_id: \"$container\"" || :
	done
	[ -z "$pod" ] || { cri StopPodSandbox "pod_sandbox_id: \"$pod\"" && cri RemovePodSandbox "pod_sandbox_id: \"$pod\""; } || :
	nothing_left
}

# frame: prints stdin as a gRPC message: the mark for "not compressed", the length, and the bytes
frame() {
	local file=$BATS_TEST_TMPDIR/message
	cat >"$file"
	printf '%010x' "$(stat -c %s "$file")" | sed 's/../\\x&/g' | xargs -0 printf '%b'
	cat "$file"
}

# cri METHOD REQUEST: makes a request; $output is the answer, both in protobuf's text format. On failure $output has gRPC's
# message.
cri() {
	local answer=$BATS_TEST_TMPDIR/answer
	protoc -I "$BATS_TEST_DIRNAME" --encode="runtime.v1.$1Request" cri.proto <<<"$2" | frame |
		"$bed" sh -t 120 'curl -sS --http2-prior-knowledge --unix-socket /cri/socket -H "content-type: application/grpc" \
			-H "te: trailers" --data-binary @- -D /cri/head -o /cri/body "http://cri/runtime.v1.RuntimeService/$1" &&
			sed -n "s/^grpc-message: //p" /cri/head >&2 && cat /cri/body; : >/cri/body' "$1" >"$answer" 2>"$answer.said"
	output=$(tr -d '\r' <"$answer.said")
	[ -z "$output" ] || return
	output=$(tail -c +6 "$answer" | protoc -I "$BATS_TEST_DIRNAME" --decode="runtime.v1.$1Response" cri.proto)
}

# has NAME VALUE: $output has this field
has() {
	grep -qE "^ *$1: $2\$" <<<"$output" || { printf 'no %s in:\n%s\n' "$1: $2" "$output" && return 1; }
}

field() {
	sed -n "s/^ *$1: \"\(.*\)\"\$/\1/p" <<<"$output"
}

# sandbox_config: prints the configuration of the test's pod
sandbox_config() {
	echo "metadata { name: \"$id\" uid: \"$id\" namespace: \"tests\" } hostname: \"$id\" log_directory: \"/cri/logs/$id\""
}

run_pod() {
	cri RunPodSandbox "config { $(sandbox_config) } runtime_handler: \"runx\"" || { echo "$output" && return 1; }
	pod=$(field pod_sandbox_id)
}

# create_container NAME SCRIPT [CONFIG]: creates a container in the pod; $container is its id
create_container() {
	cri CreateContainer "pod_sandbox_id: \"$pod\" sandbox_config { $(sandbox_config) } config {
		metadata { name: \"$1\" } image { image: \"runx.test/busybox:latest\" } log_path: \"$1.log\"
		command: \"sh\" args: \"-c\" args: $(jq -n --arg script "$2" '$script') ${3:-} }" || { echo "$output" && return 1; }
	container=$(field container_id)
	containers="$containers $container"
}

start_container() {
	cri StartContainer "container_id: \"$container\""
}

# logged NAME LINE: waits until the container has printed this line
logged() {
	"$bed" sh -t 120 'tail -n +1 -F "/cri/logs/$1" 2>/dev/null | sed -n "/$2\$/{p;q}"' "$id/$1.log" "$2"
}

domains() {
	"$bed" sh "xl list | sed 1,2d | wc -l"
}

@test "cri: a pod's container has the pod's address, its name and its log; the sandbox costs no VM" {
	run_pod
	[ "$(domains)" = 0 ]
	cri PodSandboxStatus "pod_sandbox_id: \"$pod\""
	address=$(field ip)
	[[ $address == 10.88.7.* ]]
	create_container web 'trap "exit 7" TERM; mkdir /www; echo hello >/www/index.html; httpd -h /www
		hostname; echo "$WORD $PWD"; echo wrong >&2; echo ready; sleep 1000 & wait' \
		'envs { key: "WORD" value: "said" } working_dir: "/tmp" linux { resources { memory_limit_in_bytes: 83886080 } }'
	start_container
	logged web ready
	logged web wrong # of another stream, so in no order
	[ "$(domains)" = 1 ]
	web "$address:80"
	diff <("$bed" sh "cut -d ' ' -f 2- /cri/logs/$id/web.log" | LC_ALL=C sort) \
		<(printf '%s\n' 'stderr F wrong' 'stdout F ready' 'stdout F said /tmp' "stdout F $id")
	cri ExecSync "container_id: \"$container\" cmd: [\"sh\", \"-c\", \"ip -o -4 addr show eth0; echo no >&2; exit 3\"] timeout: 60"
	has exit_code 3
	has stderr '"no\\n"'
	[[ $output == *"inet $address/24"* ]]
	cri StopContainer "container_id: \"$container\" timeout: 60"
	cri ContainerStatus "container_id: \"$container\""
	has state CONTAINER_EXITED
	has exit_code 7
	[ "$(domains)" = 0 ]
}

@test "cri: in a pod one container runs at a time: a second one is refused, or follows; one that ignores TERM is killed, one that takes all memory OOMKilled" {
	local first
	run_pod
	# The container runs until it is stopped. If it ended by itself, its shim could end during a request: containerd 1.6
	# then fails (ttrpc: closed), with runc too.
	create_container first 'trap "exit 0" TERM; echo once; sleep 1000 & wait'
	first=$container
	start_container
	logged first once
	create_container beside 'echo never'
	start_container && return 1
	[[ $output == *"network interface eth0 belongs to another VM already"* ]] || { echo "$output" && return 1; }
	cri ContainerStatus "container_id: \"$container\""
	has state CONTAINER_EXITED
	[ "$(domains)" = 1 ]
	cri RemoveContainer "container_id: \"$container\""
	containers=$first
	cri StopContainer "container_id: \"$first\" timeout: 60"
	cri RemoveContainer "container_id: \"$first\""
	containers=''
	create_container second 'trap "" TERM; echo deaf; while :; do sleep 1000; done'
	start_container
	logged second deaf
	cri StopContainer "container_id: \"$container\" timeout: 1"
	cri ContainerStatus "container_id: \"$container\""
	has exit_code 137
	has reason '"Error"'
	cri RemoveContainer "container_id: \"$container\""
	containers=''
	create_container third 'trap "" TERM; tail /dev/zero; exit 137' 'linux { resources { memory_limit_in_bytes: 67108864 } }'
	start_container
	cri StopContainer "container_id: \"$container\" timeout: 100"
	cri ContainerStatus "container_id: \"$container\""
	has exit_code 137
	has reason '"OOMKilled"'
}
