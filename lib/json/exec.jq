# SPDX-License-Identifier: Apache-2.0
#
# Makes the plan of exec from its process.json, as plan.jq does from config.json.

object("process")
# The record `process` tells the guest to take nothing from the container process.
| [("" | record("process")), process, (.ioPriority | io_priority), (.scheduler | scheduler)] as $records
| "terminal=\(.terminal == true)",
"console_size=\(.consoleSize | console_size | @sh)",
"guest=\($records | join("") | @sh)",
(.capabilities | unknown_capabilities)
