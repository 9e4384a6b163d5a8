# SPDX-License-Identifier: Apache-2.0
# runX. `make help` lists the targets; ./build is what makes kernel and initrd.

# 32-bit Arm has several names for its machines.
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
# PID 1 is static, and a tenth of the size with musl (Debian: musl-tools).
# Its wrapper hides the kernel's headers with the C library's; these bring them back.
MUSL       := $(addprefix -idirafter /usr/include,/ /$(shell $(CC) -print-multiarch))
GUEST_CC   ?= $(if $(CROSS_COMPILE),$(CC),$(if $(shell command -v musl-gcc),musl-gcc $(MUSL),$(CC)))
STRIP      := $(CROSS_COMPILE)strip
WARNINGS   := -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Wstrict-prototypes
HARDEN     := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE -Wl,-z,relro,-z,now -pie
CFLAGS     ?= -Os
# For 32-bit glibc, whose open and stat fail on files beyond 2 GiB, on inodes beyond 32 bits and on times beyond 2038.
WIDE       := -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64
ALL_CFLAGS  = -std=gnu11 -D_GNU_SOURCE $(WIDE) -Ihelpers $(WARNINGS) $(CFLAGS)
STATIC     := -static -ffunction-sections -Wl,--gc-sections
HELPER_CC   = $(CC)
ifeq ($(DEBUG),1)
HARDEN     := -g -O1 -fsanitize=address,undefined -fno-omit-frame-pointer
else
# Half of what it takes to run this one was the dynamic linker's, and a fifth of runX kill.
$(OUT)/control: HELPER_CC = $(GUEST_CC)
$(OUT)/control: HARDEN := $(STATIC)
endif

ifeq ($(V),0)
Q = @
say = @printf '  %-7s %s\n'
else
Q =
say = @:
endif

# 0: without seccomp profiles, on hosts without libseccomp.
SECCOMP    ?= 1
# Where libseccomp is, when it is not where the compiler looks.
SECCOMP_FLAGS ?=

HELPERS := proxy control exec foreground prepare stage block vif network hook
ifeq ($(SECCOMP),1)
HELPERS += seccomp
$(OUT)/seccomp: LIBS := $(SECCOMP_FLAGS) -lseccomp
endif

proxy   := proxy serve container vm requests execs session terminal host domain ring xenstore wire trace
control := control client
exec    := exec client host terminal
foreground := foreground
prepare := prepare lookup source
stage   := stage
block   := block hotplug xenstore
vif     := vif interface resolver traffic netlink hotplug xenstore
network := network netlink
hook    := hook host
seccomp := seccomp
init    := $(wildcard guest/*.c) $(addprefix helpers/,wire.c netlink.c xenstore.c)

SHELL_FILES := runX build .ci/run debian.sh $(wildcard lib/*.sh guest/*.sh tests/bed/*.sh) \
	$(shell grep -lrE '^\#!/bin/(ba)?sh' tests 2>/dev/null)
C_FILES     := $(wildcard helpers/*.[ch] guest/*.[ch] tests/helpers/*.[ch] tests/fuzz/*.[ch])

.DELETE_ON_ERROR:
.PHONY: all helpers init helper-tests xen-tests install uninstall demo test bench bench-host check fuzz lint fmt bed shell clean help

# CROSS_COMPILE is passed on where it was given, even if empty: else ./build has one for $(ARCH).
all: ## everything for $ARCH: helpers, guest kernel, initrd (./build all)
	$(Q)ARCH=$(ARCH) ./build all

helpers: $(HELPERS:%=$(OUT)/%) ## the C programs of the host
init: $(OUT)/init ## the guest's PID 1

# Expands to nothing, or stops before a program of another machine lies where $(ARCH)'s belong.
right_machine = $(if $(filter $(ARCH)%,$(shell $(1) -dumpmachine)),,$(error $(1) is not for $(ARCH): run ARCH=$(ARCH) ./build helpers))

define helper_rule
$(OUT)/$(1): $($(1):%=helpers/%.c) $(wildcard helpers/*.h) Makefile
	$$(call right_machine,$$(HELPER_CC))$$(say) CC $$@
	@mkdir -p $$(@D)
	$$(Q)$$(HELPER_CC) $$(ALL_CFLAGS) $$(HARDEN) -o $$@ $$(filter %.c,$$^) $$(LIBS)
ifneq ($$(DEBUG),1)
	$$(Q)$$(STRIP) $$@
endif
endef
$(foreach helper,$(HELPERS),$(eval $(call helper_rule,$(helper))))

$(OUT)/init: $(init) $(wildcard guest/*.h) $(addprefix helpers/,wire.h netlink.h xenstore.h) Makefile
	$(call right_machine,$(GUEST_CC))$(say) CC $@
	@mkdir -p $(@D)
	$(Q)$(GUEST_CC) $(ALL_CFLAGS) $(STATIC) -o $@ $(filter %.c,$^)
	$(Q)$(STRIP) $@

install: ## install under $DESTDIR$PREFIX what was built (run `make` before)
	install -d $(BINDIR) $(LIBEXEC) $(SHARE)/lib $(MAN8)
	install -m 0755 runX $(BINDIR)/runX
	install -m 0755 $(HELPERS:%=$(OUT)/%) $(LIBEXEC)
	install -m 0644 lib/*.sh lib/*.jq lib/*.awk lib/*.json $(SHARE)/lib
	install -m 0644 $(OUT)/kernel $(OUT)/initrd $(SHARE)
	install -m 0644 docs/runX.8 $(MAN8)

uninstall: ## remove what install put there
	rm -f $(BINDIR)/runX $(MAN8)/runX.8
	rm -rf $(LIBEXEC) $(SHARE)

demo: ## run a container as a Xen VM, from nothing (first time about 8 min, then 30 s)
	@tests/demo

test: ## set up and run the whole suite: unit, helpers, real Xen (about an hour); ARCH=aarch64: real Xen there
	@tests/run all

bench: ## what runX costs beside xl, runc and crun, with the budgets: ROWS='create start' (all), REPEAT (3), ARCH
	@tests/bench/all

bench-host: helpers ## what runX's own part of each verb costs, without Xen: processes, jq, xl, CPU
	@tests/bench/host

check: ## what needs no Xen (70 s on two cores)
	@tests/run check

fuzz: ## libFuzzer on the host's end, FUZZ_SECONDS (60) or FUZZ_RUNS for each of FUZZ_TARGETS
	@tests/fuzz/run

lint: ## ShellCheck, shfmt, clang-format, cppcheck, mandoc
	@tests/lint $(SHELL_FILES) -- $(C_FILES)

fmt: ## format shell and C as lint wants it
	shfmt -w $(SHELL_FILES)
	clang-format -i $(C_FILES)

bed: all ## boot the test bed: real Xen in QEMU, with runX installed
	@tests/bed/install

shell: bed ## a prompt in the test bed's dom0, with runX, containerd and sample bundles
	@tests/bed/bed shell

clean: ## remove what was built here (the cache under ~/.cache/runx stays)
	rm -rf out

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# Test programs for this machine, the tests of modules under the sanitizers.
out/tests/filtered: tests/helpers/filtered.c guest/seccomp.c guest/seccomp.h Makefile
	@mkdir -p $(@D)
	$(Q)gcc -std=gnu11 -D_GNU_SOURCE -Iguest -Wall -Wextra -O1 -o $@ $(filter %.c,$^)

out/tests/mounter: tests/helpers/mounter.c guest/mounts.c guest/copy.c $(wildcard guest/*.h) Makefile
	@mkdir -p $(@D)
	$(Q)gcc -std=gnu11 -D_GNU_SOURCE -Iguest -Wall -Wextra -g -O1 -fsanitize=address,undefined \
		-fno-sanitize-recover=all -o $@ $(filter %.c,$^)

out/tests/mirror: tests/helpers/mirror.c guest/copy.c guest/copy.h Makefile
	@mkdir -p $(@D)
	$(Q)gcc -std=gnu11 -D_GNU_SOURCE -Iguest -Wall -Wextra -g -O1 -fsanitize=address,undefined \
		-fno-sanitize-recover=all -o $@ $(filter %.c,$^)

# What runs in dom0 and its guests: for $ARCH, by ./build tests.
xen-tests: $(addprefix $(OUT)/tests/,supervise io signals hostile.initrd floor.initrd)

$(OUT)/tests/supervise: tests/helpers/supervise.c Makefile
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -O1 -o $@ $<

# In guests, whatever their root has.
$(OUT)/tests/io: tests/helpers/io.c Makefile
	@mkdir -p $(@D)
	$(Q)$(GUEST_CC) $(ALL_CFLAGS) -static -o $@ $<

$(OUT)/tests/signals: tests/helpers/signals.c Makefile
	@mkdir -p $(@D)
	$(Q)$(GUEST_CC) $(ALL_CFLAGS) -static -o $@ $<

# Initrds, and all of them: helpers/prepare.c appends the container's description. floor is the least VM, which tests/bench
# has beside a container's.
$(OUT)/tests/hostile.initrd: tests/helpers/hostile.c guest/io.c helpers/wire.c guest/io.h helpers/wire.h
$(OUT)/tests/floor.initrd: tests/helpers/floor.c
$(addprefix $(OUT)/tests/,hostile.initrd floor.initrd): Makefile
	@rm -rf $@.d && mkdir -p $@.d
	$(Q)$(GUEST_CC) $(ALL_CFLAGS) -Iguest -static -o $@.d/init $(filter %.c,$^)
	$(Q)cd $@.d && echo init | busybox cpio -o -H newc 2>/dev/null >../$(@F)

HELPER_TESTS := $(patsubst tests/helpers/%.c,out/tests/%,$(wildcard tests/helpers/*_test.c))
helper-tests: $(HELPER_TESTS)
out/tests/domain_test: $(addprefix helpers/,domain.c ring.c trace.c xenstore.c)
out/tests/wire_test: $(addprefix helpers/,session.c wire.c)
$(HELPER_TESTS): out/tests/%: tests/helpers/%.c $(wildcard helpers/*.h) Makefile
	@mkdir -p $(@D)
	$(Q)gcc -std=gnu11 -D_GNU_SOURCE -Ihelpers -Wall -Wextra -g -O1 -fsanitize=address,undefined \
		-fno-sanitize-recover=all -o $@ $(filter %.c,$^) -lcmocka

# Fuzz targets, tests/fuzz/NAME.c with the modules that it drives, and what it has instead of libc's or
# theirs. Coverage is of the modules alone.
FUZZ_TARGETS ?= guest ring xenstore
fuzz_guest    := serve container vm requests execs session ring wire trace
fuzz_ring     := ring
fuzz_xenstore := xenstore
wrap_guest    := close read write send recv recvmsg openat poll ioctl mmap munmap ring_read
wrap_ring     := ioctl mmap munmap
wrap_xenstore := read write poll
export FUZZ_TARGETS
comma := ,

define fuzz_rule
out/fuzz/$(1): $(fuzz_$(1):%=out/fuzz/$(1).o/%.o) tests/fuzz/$(1).c tests/fuzz/fuzz.h
	$$(say) CC $$@
	$$(Q)$$(FUZZ_CC) -c -o $$@.o/$(1)_target.o tests/fuzz/$(1).c
	$$(Q)$$(FUZZ_CC) -fsanitize=fuzzer $(wrap_$(1):%=-Wl$$(comma)--wrap=%) -o $$@ $$@.o/$(1)_target.o $$(filter %.o,$$^)
out/fuzz/$(1).o/%.o: helpers/%.c $(wildcard helpers/*.h) Makefile
	@mkdir -p $$(@D)
	$$(Q)$$(FUZZ_CC) -fsanitize=fuzzer-no-link -c -o $$@ $$<
endef
FUZZ_CC = clang -std=gnu11 -D_GNU_SOURCE -Ihelpers -Itests/fuzz -Wall -Wextra -g -O1 \
	-fsanitize=address,undefined -fno-sanitize-recover=all
$(foreach target,guest ring xenstore,$(eval $(call fuzz_rule,$(target))))
