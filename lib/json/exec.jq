# SPDX-License-Identifier: Apache-2.0
#
# The process.json of exec -> plan, as plan.jq makes one of config.json.

object("process")
# Nothing is taken over from the container's own process.
| [("" | record("process")), process] as $records
| "terminal=\(.terminal == true)",
"console_size=\(.consoleSize | console_size | @sh)",
"guest=\($records | join("") | @sh)",
(.capabilities | unknown_capabilities)
