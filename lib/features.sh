# SPDX-License-Identifier: Apache-2.0
# runX features: what engines may ask for (runtime-spec, features.md). Needs neither Xen nor a container.

cmd_features() {
	# shellcheck source=lib/version.sh
	. "$RUNX_LIBDIR/version.sh"

	parse_options no_option '' '' "$@"
	shift "$options_used"
	[ $# -eq 0 ] || usage_error "features: too many arguments: $*"

	# mountOptions are the flags of guest/mounts.c. What is absent is unknown, what is false not supported:
	# of systemd the paths are taken, but it is not asked to manage them.
	cat <<END
{
	"ociVersionMin": "1.0.0",
	"ociVersionMax": "1.3.0",
	"hooks": ["prestart", "createRuntime", "createContainer", "poststart", "poststop"],
	"mountOptions": [
		"async", "atime", "defaults", "dev", "diratime", "dirsync", "exec", "loud", "noatime",
		"nodev", "nodiratime", "noexec", "norelatime", "nostrictatime", "nosuid", "private",
		"relatime", "ro", "rprivate", "rshared", "rslave", "runbindable", "rw", "shared",
		"silent", "slave", "strictatime", "suid", "sync", "unbindable"
	],
	"linux": {
		"namespaces": ["cgroup", "ipc", "mount", "network", "pid", "uts"],
		"cgroup": {"v1": true, "v2": true, "systemd": false, "systemdUser": false, "rdma": false},
		"seccomp": {"enabled": false},
		"apparmor": {"enabled": false},
		"selinux": {"enabled": false},
		"intelRdt": {"enabled": false},
		"mountExtensions": {"idmap": {"enabled": false}},
		"netDevices": {"enabled": false}
	},
	"annotations": {
		"org.lfedge.runx.version": "$RUNX_VERSION",
		"org.lfedge.runx.checkpoint.enabled": "false"
	}
}
END
}
