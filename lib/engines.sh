# SPDX-License-Identifier: Apache-2.0
# runX check: the engines of this machine, and whether they are told of runX.

# NAME PROGRAM FILE[,FILE…] and what to do, for each that we know; files are patterns, below / .
ENGINES='containerd containerd etc/containerd/config.toml ctr run --runc-binary=/usr/sbin/runX needs no more; for CRI give it a runtime with this BinaryName
Docker dockerd etc/docker/daemon.json give it a runtime with "path": "/usr/sbin/runX"
podman podman etc/containers/containers.conf,etc/containers/containers.conf.d/*.conf podman --runtime /usr/sbin/runX needs no more; [engine.runtimes] gives it a name
CRI-O crio etc/crio/crio.conf,etc/crio/crio.conf.d/* give it a [crio.runtime.runtimes.runx] with runtime_path = "/usr/sbin/runX"'

check_engines() {
	local name program files next found=''
	while read -r name program files next; do
		command -v "$program" >/dev/null || continue
		found=yes
		check_engine
	done <<-END
		$ENGINES
	END
	[ -n "$found" ] || finding warning 'no containerd, Docker, podman or CRI-O: containers are made by hand only' \
		'install one (Debian: containerd, docker.io, podman)'
}

# Where runc is runX, all of them use it.
check_engine() {
	local runc IFS=,
	runc=$(command -v runc) || runc=''
	[ -z "$runc" ] || runc=$(readlink -f "$runc")
	set -f
	# shellcheck disable=SC2086 # at the commas
	set -- $files
	set +f
	unset IFS
	if [ "${runc##*/}" = runX ]; then
		finding ok "$name runs it as runc"
	elif told_by "$@"; then
		finding ok "$name: runX is a runtime in $file"
	else
		finding warning "$name is not told of runX in /$1" "$next"
	fi
}

# told_by PATTERN…: whether a file says it, outside comments; then it is in $file
told_by() {
	local pattern
	for pattern; do
		# shellcheck disable=SC2086 # a pattern
		for file in "$RUNX_HOST"/$pattern; do
			! grep -qs '^[^#]*/runX"' "$file" || return 0
		done
	done
	return 1
}
