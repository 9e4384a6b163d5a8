# SPDX-License-Identifier: Apache-2.0
# Builds, tests and installs runX. `make help` lists the targets. ./build makes the kernel and the initrd.

# uname has several names for 32-bit Arm.
ARCH          ?= $(shell uname -m | sed 's/^armv7.*\|^armv8l/arm/')
CROSS_COMPILE ?=
PREFIX        ?= /usr
DESTDIR       ?=
V             ?= 0

OUT     := out/$(ARCH)
BINDIR  := $(DESTDIR)$(PREFIX)/sbin
LIBEXEC := $(DESTDIR)$(PREFIX)/libexec/runX
SHARE   := $(DESTDIR)$(PREFIX)/share/runX
MAN8    := $(DESTDIR)$(PREFIX)/share/man/man8

CC         := $(CROSS_COMPILE)gcc
# PID 1 is static. With musl (Debian: musl-tools) it has a tenth of its size with glibc.
# musl's wrapper hides the host's C library headers, and with them the kernel's. These options bring the kernel's back.
MUSL       := $(addprefix -idirafter /usr/include,/ /$(shell $(CC) -print-multiarch))
GUEST_CC   ?= $(if $(CROSS_COMPILE),$(CC),$(if $(shell command -v musl-gcc),musl-gcc $(MUSL),$(CC)))
STRIP      := $(CROSS_COMPILE)strip
WARNINGS   := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes
HARDEN     := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE -Wl,-z,relro,-z,now -pie
CFLAGS     ?= -Os
# For 32-bit glibc. Without these its open and stat fail on files over 2 GiB, inodes over 32 bits and times after 2038.
WIDE       := -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64
# What glibc 2.38 and newer would have a program need of itself. Without it, a program that was built there also runs with an
# older glibc: what Debian 13 builds, in a dom0 of Debian 12.
OLDER      := -include helpers/shared/older.h
ALL_CFLAGS  = -std=gnu11 -D_GNU_SOURCE $(WIDE) $(OLDER) -I. $(WARNINGS) $(CFLAGS)
STATIC     := -static -ffunction-sections -Wl,--gc-sections
SANITIZED  := -std=gnu11 -D_GNU_SOURCE -I. -Wall -Wextra -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
THREADED   := -std=gnu11 -D_GNU_SOURCE -I. -Wall -Wextra -g -O1 -fsanitize=thread
ifeq ($(DEBUG),1)
HARDEN     := -g -O1 -fsanitize=address,undefined -fno-omit-frame-pointer
STRIP      := :
endif

ifeq ($(V),0)
Q = @
say = @printf '  %-7s %s\n'
else
Q =
say = @:
endif

# 0 builds without seccomp profiles, for hosts without libseccomp.
SECCOMP    ?= 1
# Options that say where libseccomp is, if the compiler does not find it.
SECCOMP_FLAGS ?=

# Each file in helpers/ with a main is a program of the host, named like the file. Its folder is a room: it has the
# modules that only the programs of this room use. helpers/shared has the modules that several rooms and the guest use.
MAINS := $(shell grep -l '^int main' helpers/*.c helpers/*/*.c)
ifneq ($(SECCOMP),1)
MAINS := $(filter-out helpers/seccomp.c,$(MAINS))
endif
HELPERS := $(basename $(notdir $(MAINS)))
ROOMS   := $(sort $(patsubst %/,%,$(dir $(wildcard helpers/*/*.c guest/*/*.c))))
HEADERS := $(wildcard helpers/*/*.h guest/*/*.h tests/standin/*.h)
$(OUT)/seccomp: LIBS := $(SECCOMP_FLAGS) -lseccomp

SHELL_FILES := runX build .ci/run debian.sh $(wildcard lib/*.sh lib/*/*.sh guest/*/*.sh tests/bed/*.sh) \
	$(shell grep -lrE '^\#!/bin/(ba)?sh' tests 2>/dev/null)
C_FILES     := $(wildcard $(foreach place,helpers guest tests,$(place)/*.c $(place)/*/*.[ch]) tests/xen/programs/*.c)

.DELETE_ON_ERROR:
.PHONY: all helpers init helper-tests standin xen-tests install uninstall demo test bench bench-host check fuzz lint fmt bed shell clean help

# make passes CROSS_COMPILE on if it was given, even if it is empty. Otherwise ./build chooses one for $(ARCH).
all: ## build everything for $ARCH: helpers, guest kernel, initrd (./build all)
	$(Q)ARCH=$(ARCH) ./build all

helpers: $(HELPERS:%=$(OUT)/%) ## build the C programs of the host
init: $(OUT)/init ## build the guest's PID 1

# Expands to nothing, or stops make: programs of another machine must not get into $(ARCH)'s folder.
right_machine = $(if $(filter $(ARCH)%,$(shell $(1) -dumpmachine)),,$(error $(1) is not for $(ARCH): run ARCH=$(ARCH) ./build helpers))

# There are several ways to compile. Each has a folder, with an object for each module and an archive for each room. From
# an archive the linker takes only the modules that a program needs.
HOST      := $(OUT)/$(if $(filter 1,$(DEBUG)),debug,host)
GUEST     := $(OUT)/guest
SANITIZE  := out/sanitized
THREADS   := out/threaded
FUZZ      := out/fuzz/modules

define way # FOLDER COMMAND CHECK
$(1)/%.o: %.c $$(HEADERS) Makefile
	$(3)@mkdir -p $$(@D)
	$$(Q)$(2) -c -o $$@ $$<
$(foreach room,$(ROOMS),$(call archive,$(1),$(room)))
endef

define archive # FOLDER ROOM
$(1)/$(2).a: $(patsubst %.c,$(1)/%.o,$(filter-out $(MAINS),$(wildcard $(2)/*.c)))
	@rm -f $$@
	$$(Q)ar rc $$@ $$^

endef

$(eval $(call way,$(HOST),$$(CC) $$(ALL_CFLAGS) $$(HARDEN),$$(call right_machine,$$(CC))))
$(eval $(call way,$(GUEST),$$(GUEST_CC) $$(ALL_CFLAGS) $$(STATIC),$$(call right_machine,$$(GUEST_CC))))
$(eval $(call way,$(SANITIZE),gcc $$(SANITIZED)))
$(eval $(call way,$(THREADS),gcc $$(THREADED)))
$(eval $(call way,$(FUZZ),clang $$(SANITIZED) -fsanitize=fuzzer-no-link))

# parts FOLDER,FILE: the object and the archives that a program with this main is linked from
parts = $(2:%.c=$(1)/%.o) $(if $(findstring /,$(patsubst helpers/%,%,$(2))),$(1)/$(patsubst %/,%,$(dir $(2))).a) $(1)/helpers/shared.a

define program # MAIN
$(OUT)/$(basename $(notdir $(1))): $(call parts,$(HOST),$(1))
	$$(say) LD $$@
	$$(Q)$$(CC) $$(ALL_CFLAGS) $$(HARDEN) -o $$@ $$^ $$(LIBS)
	$$(Q)$$(STRIP) $$@

endef
# The programs are static, because the dynamic linker takes half of the run time of a short one, and static ones need less memory.
# Three are not: the proxy reads what a VM writes, and is a position-independent executable, which no static program of musl's
# wrapper is; foreground passes on signal 34, which musl keeps for itself; seccomp needs libseccomp.
DYNAMIC_MAINS := helpers/client/foreground.c helpers/proxy/proxy.c helpers/seccomp.c
STATIC_MAINS  := $(filter-out $(DYNAMIC_MAINS),$(MAINS))
$(foreach main,$(filter $(DYNAMIC_MAINS),$(MAINS)),$(eval $(call program,$(main))))
$(foreach main,$(STATIC_MAINS),$(eval $(OUT)/$(basename $(notdir $(main))): $(call parts,$(GUEST),$(main))))
# What PID 1 is linked from. Each room stands before the rooms that it uses, so that one pass of the linker does.
GUEST_ROOMS := guest/console guest/process guest/network guest/mounts guest/base helpers/shared
$(OUT)/init: $(GUEST)/guest/init.o $(GUEST_ROOMS:%=$(GUEST)/%.a)
$(addprefix $(OUT)/,$(basename $(notdir $(STATIC_MAINS))) init):
	$(say) LD $@
	$(Q)$(GUEST_CC) $(ALL_CFLAGS) $(STATIC) -o $@ $^
	$(Q)$(STRIP) $@

install: ## install under $DESTDIR$PREFIX what `make` has built
	install -d $(BINDIR) $(LIBEXEC) $(SHARE)/lib/verbs $(SHARE)/lib/json $(MAN8)
	install -m 0755 runX $(BINDIR)/runX
	install -m 0755 $(HELPERS:%=$(OUT)/%) $(LIBEXEC)
	install -m 0644 lib/*.sh $(SHARE)/lib
	install -m 0644 lib/verbs/* $(SHARE)/lib/verbs
	install -m 0644 lib/json/* $(SHARE)/lib/json
	install -m 0644 $(OUT)/kernel $(wildcard $(OUT)/kernel-full) $(OUT)/initrd $(SHARE)
	install -m 0644 docs/runX.8 $(MAN8)

uninstall: ## remove what install has installed
	rm -f $(BINDIR)/runX $(MAN8)/runX.8
	rm -rf $(LIBEXEC) $(SHARE)

demo: ## boot the test bed and run a container as a Xen VM (about 10 min the first time, then 40 s)
	@tests/demo

test: ## run all tests: unit, helpers, real Xen (about an hour); ARCH=aarch64: real Xen on aarch64 alone
	@tests/run all

bench: ## measure runX beside xl, runc and crun, with its budgets: ROWS='create start' (all rows), REPEAT (3), ARCH
	@tests/bench/all

bench-host: helpers ## measure runX's own part of each verb, without Xen: processes, jq, xl, CPU time
	@tests/bench/host

check: ## run all tests that need no Xen (2 min on two cores)
	@tests/run check

fuzz: ## fuzz the host's end: FUZZ_SECONDS (60) or FUZZ_RUNS for each of FUZZ_TARGETS (all)
	@tests/fuzz/run

lint: ## check sources: ShellCheck, shfmt, clang-format, cppcheck, mandoc, rooms, assertions
	@tests/lint $(SHELL_FILES) -- $(C_FILES)

fmt: ## format shell and C files as lint wants them
	shfmt -w $(SHELL_FILES)
	clang-format -i $(C_FILES)

bed: all ## boot the test bed: real Xen in QEMU, with runX installed
	@tests/bed/install

shell: bed ## open a shell in the test bed's dom0, with runX, containerd and sample bundles
	@tests/bed/bed shell

clean: ## remove out/ (the cache in ~/.cache/runx stays)
	rm -rf out

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Test programs for this machine. Those of tests/guest/ run modules of the guest. Those of tests/helpers/ test modules of
# the helpers.
out/tests/filtered: tests/guest/filtered.c guest/process/seccomp.c guest/process/seccomp.h Makefile
	@mkdir -p $(@D)
	$(Q)gcc -std=gnu11 -D_GNU_SOURCE -I. -Wall -Wextra -O1 -o $@ $(filter %.c,$^)

out/tests/mounter out/tests/mirror: out/tests/%: tests/guest/%.c $(SANITIZE)/guest/mounts.a
	@mkdir -p $(@D)
	$(Q)gcc $(SANITIZED) -o $@ $^

out/tests/grouper: tests/guest/grouper.c $(addprefix $(SANITIZE)/guest/,process.a base.a)
	@mkdir -p $(@D)
	$(Q)gcc $(SANITIZED) -Wl,--wrap=mount -o $@ $^

out/tests/starter: tests/guest/starter.c $(GUEST_ROOMS:%=$(SANITIZE)/%.a)
	@mkdir -p $(@D)
	$(Q)gcc $(SANITIZED) -o $@ $^

RACE_TESTS   := $(patsubst tests/helpers/%.c,out/tests/%,$(wildcard tests/helpers/*_race_test.c))
HELPER_TESTS := $(filter-out $(RACE_TESTS),$(patsubst tests/helpers/%.c,out/tests/%,$(wildcard tests/helpers/*_test.c)))
helper-tests: $(HELPER_TESTS) $(RACE_TESTS)
FILES_TESTS  := $(filter out/tests/files%,$(HELPER_TESTS))
$(FILES_TESTS): $(addprefix $(SANITIZE)/helpers/,files.a shared.a)
$(filter-out $(FILES_TESTS),$(HELPER_TESTS)): $(addprefix $(SANITIZE)/helpers/,net.a proxy.a shared.a)
$(HELPER_TESTS): out/tests/%: tests/helpers/%.c $(wildcard tests/helpers/*.h)
	@mkdir -p $(@D)
	$(Q)gcc $(SANITIZED) -o $@ $(filter %_test.c,$^) $(filter %.a,$^) -lcmocka
# ThreadSanitizer and AddressSanitizer exclude each other.
$(RACE_TESTS): out/tests/%: tests/helpers/%.c $(wildcard tests/helpers/*.h) $(THREADS)/helpers/files.a
	@mkdir -p $(@D)
	$(Q)gcc $(THREADED) -o $@ $(filter %_test.c %.a,$^) -lcmocka

# A server of 9P over a socket, for tests with other clients than ours.
out/tests/files_server: tests/helpers/files_server.c $(HOST)/helpers/files.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(HARDEN) -pthread -o $@ $^
# These tests include the program.
out/tests/foreground_test: helpers/client/foreground.c
out/tests/exec_test: helpers/client/exec.c helpers/client/client.c
out/tests/control_test: helpers/client/control.c helpers/client/client.c
out/tests/vif_test: helpers/net/vif.c

# A stand-in of Xen, and the programs of the host over it, which reach its devices, and the host's clock, by these functions
# (tests/standin).
STANDIN := out/standin
wrapped := --wrap=open,--wrap=ioctl,--wrap=timerfd_create,--wrap=timerfd_settime,--wrap=clock_gettime
wrapped_guest := --wrap=open,--wrap=tcgetattr,--wrap=tcsetattr,--wrap=clock_gettime,--wrap=clock_settime,--wrap=adjtime
standin: $(HELPERS:%=$(STANDIN)/libexec/%) $(addprefix $(STANDIN)/,xen bin/xl trip)

define standin # MAIN
$(STANDIN)/libexec/$(basename $(notdir $(1))): $(call parts,$(SANITIZE),$(1)) $(SANITIZE)/tests/standin/devices.o
	@mkdir -p $$(@D)
	$$(say) LD $$@
	$$(Q)gcc $$(SANITIZED) -Wl,$$(wrapped) -o $$@ $$(filter %.o,$$^) $$(filter %.a,$$^) $$(LIBS)

endef
$(foreach main,$(MAINS),$(eval $(call standin,$(main))))
$(STANDIN)/libexec/seccomp: LIBS := $(SECCOMP_FLAGS) -lseccomp

# The guest of the stand-in is the guest's own code from its frames up to its processes.
$(STANDIN)/xen: $(patsubst %,$(SANITIZE)/tests/standin/%.o,xen loop store domain backend initrd vm files init child) \
		$(GUEST_ROOMS:%=$(SANITIZE)/%.a)
	@mkdir -p $(@D)
	$(say) LD $@
	$(Q)gcc $(SANITIZED) -Wl,$(wrapped_guest) -o $@ $^ -lutil -lm

$(STANDIN)/bin/xl: $(patsubst %,$(SANITIZE)/tests/standin/%.o,xl hotplug ask)
$(STANDIN)/trip: $(SANITIZE)/tests/standin/trip.o
$(STANDIN)/bin/xl $(STANDIN)/trip:
	@mkdir -p $(@D)
	$(say) LD $@
	$(Q)gcc $(SANITIZED) -o $@ $^

# Test programs for dom0 and its guests, built for $ARCH by ./build tests.
xen-tests: $(addprefix $(OUT)/tests/,supervise io signals hostile.initrd hostile-9p.initrd floor.initrd)

$(OUT)/tests/supervise: tests/xen/programs/supervise.c $(HOST)/helpers/shared.a
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(HARDEN) -o $@ $^

# These run in guests with any root, so they are static.
$(OUT)/tests/io $(OUT)/tests/signals: $(OUT)/tests/%: tests/xen/programs/%.c Makefile
	@mkdir -p $(@D)
	$(Q)$(GUEST_CC) $(ALL_CFLAGS) -static -o $@ $<

# Whole initrds. helpers/root/prepare.c appends the container's description to them. floor is the smallest VM: tests/bench
# measures it beside a container's.
$(OUT)/tests/%.initrd: tests/xen/programs/%.c $(GUEST)/guest/console.a $(GUEST)/helpers/shared.a
	@rm -rf $@.d && mkdir -p $@.d
	$(Q)$(GUEST_CC) $(ALL_CFLAGS) $(STATIC) -o $@.d/init $^
	$(Q)cd $@.d && echo init | busybox cpio -o -H newc 2>/dev/null >../$(@F)

# Fuzz targets: tests/fuzz/NAME.c with the modules that it tests. NAME.c has stand-ins for other modules, which the linker
# then does not take, and for the functions in wrap_NAME. Only the modules are instrumented for coverage.
wrap_channel  := ioctl mmap read poll
wrap_files    := pthread_create
wrap_guest    := close read write fstat send recv recvmsg openat poll ioctl mmap munmap ring_read
wrap_ring     := ioctl mmap munmap
wrap_xenstore := read write poll
comma := ,

out/fuzz/%: tests/fuzz/%.c tests/fuzz/fuzz.h $(addprefix $(FUZZ)/helpers/,files.a proxy.a shared.a)
	$(say) CC $@
	$(Q)clang $(SANITIZED) -c -o $@.o $<
	$(Q)clang $(SANITIZED) -fsanitize=fuzzer $(wrap_$*:%=-Wl$(comma)--wrap=%) -o $@ $@.o $(filter %.a,$^)
