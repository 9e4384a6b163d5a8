# SPDX-License-Identifier: Apache-2.0
# runX --version: in runc's form, and under runc's name where that is how we were called.

RUNX_VERSION=0.1.0

cmd_version() {
	# go-runc wants "runc version", Docker any "version"; both read the lines below it.
	echo "${0##*/} version $RUNX_VERSION"
	echo "spec: 1.3.0"
}
