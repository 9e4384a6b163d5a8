# SPDX-License-Identifier: Apache-2.0
# runX --version: prints the version in runc's form, under the name that runX was called by.

RUNX_VERSION=0.1.0

cmd_version() {
	# go-runc looks for "runc version", and Docker for any "version". Both read the lines below it.
	echo "${0##*/} version $RUNX_VERSION"
	echo "spec: 1.3.0"
}
