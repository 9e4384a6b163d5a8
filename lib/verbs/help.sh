# SPDX-License-Identifier: Apache-2.0
# runX --help: prints a summary of commands and options.

cmd_help() {
	# shellcheck source=lib/help.sh
	. "$RUNX_LIBDIR/help.sh"
	help_text
}
