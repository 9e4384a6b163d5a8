# SPDX-License-Identifier: Apache-2.0
# runX features: prints what engines may ask for (runtime-spec, features.md). It needs neither Xen nor a container.

cmd_features() {
	# shellcheck source=lib/verbs/version.sh
	. "$RUNX_LIBDIR/verbs/version.sh"

	parse_options no_option '' '' "$@"
	shift "$options_used"
	[ $# -eq 0 ] || usage_error "features: too many arguments: $*"

	local seccomp='"enabled": false'
	# These are the names in lib/json/seccomp.jq. It refuses SCMP_ACT_NOTIFY, so that one is missing here.
	[ ! -x "$RUNX_LIBEXEC/seccomp" ] || seccomp='
			"enabled": true,
			"actions": [
				"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS",
				"SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP"
			],
			"operators": [
				"SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT",
				"SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE"
			],
			"archs": [
				"SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM", "SCMP_ARCH_LOONGARCH64", "SCMP_ARCH_M68K",
				"SCMP_ARCH_MIPS", "SCMP_ARCH_MIPS64", "SCMP_ARCH_MIPS64N32", "SCMP_ARCH_MIPSEL",
				"SCMP_ARCH_MIPSEL64", "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PARISC",
				"SCMP_ARCH_PARISC64", "SCMP_ARCH_PPC", "SCMP_ARCH_PPC64", "SCMP_ARCH_PPC64LE",
				"SCMP_ARCH_RISCV64", "SCMP_ARCH_S390", "SCMP_ARCH_S390X", "SCMP_ARCH_SH",
				"SCMP_ARCH_SHEB", "SCMP_ARCH_X32", "SCMP_ARCH_X86", "SCMP_ARCH_X86_64"
			],
			"knownFlags": [
				"SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
				"SECCOMP_FILTER_FLAG_TSYNC"
			],
			"supportedFlags": [
				"SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
				"SECCOMP_FILTER_FLAG_TSYNC"
			]
		'
	# mountOptions are the flags in guest/mounts/mounts.c. In this format an absent field means unknown, and false means not
	# supported. systemd is false: runX accepts systemd's cgroup paths, but does not ask systemd to manage them.
	cat <<END
{
	"ociVersionMin": "1.0.0",
	"ociVersionMax": "1.3.0",
	"hooks": ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"],
	"mountOptions": [
		"acl", "async", "atime", "bind", "defaults", "dev", "diratime", "dirsync", "exec",
		"iversion", "lazytime", "loud", "mand", "noacl", "noatime", "nodev", "nodiratime", "noexec",
		"noiversion", "nolazytime", "nomand", "norelatime", "nostrictatime", "nosuid",
		"nosymfollow", "private", "ratime", "rbind", "rdev", "rdiratime", "relatime", "rexec",
		"rnoatime", "rnodev", "rnodiratime", "rnoexec", "rnorelatime", "rnostrictatime", "rnosuid",
		"rnosymfollow", "ro", "rprivate", "rrelatime", "rro", "rrw", "rshared", "rslave",
		"rstrictatime", "rsuid", "rsymfollow", "runbindable", "rw", "shared", "silent", "slave",
		"strictatime", "suid", "symfollow", "sync", "tmpcopyup", "unbindable"
	],
	"linux": {
		"namespaces": ["cgroup", "ipc", "mount", "network", "pid", "uts"],
		"cgroup": {"v1": true, "v2": true, "systemd": false, "systemdUser": false, "rdma": false},
		"seccomp": {$seccomp},
		"apparmor": {"enabled": false},
		"selinux": {"enabled": false},
		"intelRdt": {"enabled": false, "schemata": false, "monitoring": false},
		"memoryPolicy": {"modes": [], "flags": []},
		"mountExtensions": {"idmap": {"enabled": false}},
		"netDevices": {"enabled": false}
	},
	"annotations": {
		"org.lfedge.runx.version": "$RUNX_VERSION",
		"org.lfedge.runx.checkpoint.enabled": "false"
	},
	"potentiallyUnsafeConfigAnnotations": ["org.lfedge.runx."]
}
END
}
