# SPDX-License-Identifier: Apache-2.0
#
# Stand in for the modules that a config.json has nothing for, which lib/plan.sh leaves out: jq 1.6 compiles a program
# for longer than all else in create takes, and what is not there costs nothing.

def absent($field): if . == null then empty else fail($field; "is new: config.json has changed while runX read it") end;

def seccomp: absent("linux.seccomp");
def host_hooks: absent("hooks");
def guest_hooks($state): absent("hooks");
def sysctls: absent("linux.sysctl");
def wanted($in): [.memory, .cpu, .pids | absent("linux.resources")] | {};
def asked($env; $vm; $binds): "";
def is_sandbox: false;
