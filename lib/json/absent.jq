# SPDX-License-Identifier: Apache-2.0
#
# Replaces the functions of the modules that helpers/json.c leaves out, because config.json has nothing for them.
#
# jq 1.6 needs more time to compile a program than create needs for everything else. A module that is left out costs
# nothing.

def absent($field): if . == null then empty else fail($field; "config.json has changed while runX read it: run it again") end;

def seccomp: absent("linux.seccomp");
def host_hooks: absent("hooks");
def guest_hooks($state): absent("hooks");
def sysctls: absent("linux.sysctl");
def wanted($in): [.memory, .cpu, .pids | absent("linux.resources")] | {};
def asked($env; $vm; $binds): "";
def io_priority: absent("process.ioPriority");
def scheduler: absent("process.scheduler");
def personality: absent("linux.personality");
def is_sandbox: false;
def unified: absent("linux.resources.unified");
def unmet_files: empty;
def unmet: empty;
