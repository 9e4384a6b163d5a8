#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What pause does to a container, with stand-ins for xl and the proxy. states.bats tests in which states it works.

load helpers

@test "pause, resume: they call xl" {
	in_state paused
	[ "$(calls 'xl pause 7')" -eq 1 ]
	: >"$FAKE/calls"
	runX resume c1
	succeeds
	[ "$(cat "$FAKE/calls")" = 'xl unpause 7' ]
}

@test "pause: if xl fails, the container is not paused" {
	in_state running
	XL_FAIL=pause XL_SAYS='libxl: some noise' runX pause c1
	fails_with 'container c1: xl cannot pause its domain 7 (xl list'
	state_is running
}

@test "pause: an error of xl counts even if xl ends with 0" {
	in_state running
	xl_that 'libxl: error: libxl_domain.c:1:libxl_domain_pause: Domain 7:Pausing domain: No such process'
	runX pause c1
	fails_with 'container c1: xl cannot pause its domain 7 (xl list'
	state_is running
}

@test "pause: if xl can neither pause nor unpause, the container counts as paused, for a resume" {
	in_state running
	XL_FAIL='pause unpause' XL_SAYS='libxl: some noise' runX pause c1
	fails_with 'container c1: xl can neither pause its domain 7 nor unpause it (xl list'
	state_is paused
}
