# SPDX-License-Identifier: Apache-2.0
#
# Makes the plan of exec from its process.json, as plan.jq does from config.json.

object("process") | few_values("process")
# The record `process` tells the guest to take nothing from the container process.
| [("" | record("process")), process, (.ioPriority | io_priority), (.scheduler | scheduler)] as $records
| "terminal=\(.terminal == true)",
"console_size=\(console_size | @sh)",
"guest=\($records | join("") | @sh)",
(.capabilities | unknown_capabilities),
# As in unmet.jq.
(.execCPUAffinity | section("process.execCPUAffinity") | select(asked_for)
	| "log_warning \u0027process.execCPUAffinity is ignored: a VM numbers its own CPUs\u0027")
