#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Counts the processes that each verb starts, and jq and xl among them. They are the main cost, on emulated and on real
# machines. A change that adds a process must say its reason here. One that saves a process should say so in the log.

load helpers

@test "processes: the number for each verb" {
	[ "$(id -u)" -eq 0 ] || skip 'they are counted in a PID namespace, which only root makes'
	diff - <("$top/tests/bench/host" --count) <<-END
		| verb                   | processes |  jq |  xl |
		| --- | --- | --- | --- |
		| create                 |         9 |   1 |   1 |
		| create, as Docker does |        12 |   1 |   1 |
		| create, disk           |        22 |   1 |   1 |
		| start                  |         4 |   0 |   1 |
		| state                  |         1 |   0 |   0 |
		| kill                   |         2 |   0 |   0 |
		| exec                   |         3 |   0 |   0 |
		| ps                     |         1 |   0 |   0 |
		| list                   |         4 |   1 |   0 |
		| pause                  |         3 |   0 |   1 |
		| resume                 |         4 |   0 |   1 |
		| update                 |         4 |   1 |   1 |
		| delete                 |         3 |   0 |   0 |
		| features               |         2 |   0 |   0 |
		| --version              |         1 |   0 |   0 |
	END
}
