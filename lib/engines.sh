# SPDX-License-Identifier: Apache-2.0
# For runX check: finds the engines of this machine, and whether their configuration names runX.

# One line for each engine: NAME PROGRAM FILE[,FILE…] NEXT. The files are patterns below /. NEXT tells the user what to do.
ENGINES='containerd containerd etc/containerd/config.toml for ctr: ctr run --runc-binary=/usr/sbin/runX; for CRI: give it a runtime with this BinaryName
Docker dockerd etc/docker/daemon.json give it a runtime with "path": "/usr/sbin/runX"
podman podman etc/containers/containers.conf,etc/containers/containers.conf.d/*.conf use podman --runtime /usr/sbin/runX, or give runX a name in [engine.runtimes]
CRI-O crio etc/crio/crio.conf,etc/crio/crio.conf.d/* give it a [crio.runtime.runtimes.runx] with runtime_path = "/usr/sbin/runX"'

# Reports a finding (lib/verbs/check.sh) for each engine that is installed, or one warning if there is none.
check_engines() {
	local name program files next found=''
	while read -r name program files next; do
		command -v "$program" >/dev/null || continue
		found=yes
		check_engine
	done <<-END
		$ENGINES
	END
	[ -n "$found" ] || finding warning 'containerd, Docker, podman and CRI-O are not installed: you can only start containers by hand' \
		'install one of them (Debian: containerd, docker.io, podman)'
}

# If the command runc is runX, every engine uses it.
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
		finding ok "$name runs runX as runc"
	elif told_by "$@"; then
		finding ok "$name: runX is a runtime in $file"
	else
		finding warning "$name: /$1 does not name runX" "$next"
	fi
}

# told_by PATTERN…: whether one of these files names runX outside a comment. Sets $file to it.
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
