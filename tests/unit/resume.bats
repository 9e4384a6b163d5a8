#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What resume does to a container (pause.bats has what it asks of xl), with stand-ins for xl and the proxy. states.bats tests in
# which states it works.

load helpers

@test "resume: if xl fails, the container stays paused" {
	in_state paused
	XL_FAIL=unpause runX resume c1
	fails_with 'container c1: xl cannot unpause its domain 7 (xl list'
	xl_that 'libxl: error: libxl_domain.c:1:libxl_domain_unpause: Domain 7:Unpausing domain: Permission denied'
	runX resume c1
	fails_with 'container c1: xl cannot unpause its domain 7 (xl list'
	state_is paused
}

@test "resume: it removes the mark of a pause that was killed before it reached Xen" {
	in_state paused
	xl_that 'libxl: error: libxl_domain.c:1:libxl_domain_unpause: Domain 7:Unpausing domain: Invalid argument'
	runX resume c1
	succeeds
	state_is running
}
