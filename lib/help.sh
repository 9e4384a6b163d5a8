# SPDX-License-Identifier: Apache-2.0
# runX --help.

cmd_help() {
	cat <<'END'
runX: an OCI runtime that starts every container in a Xen virtual machine of its own

usage: runX [global options] COMMAND [options] [arguments]

commands:
  create  [--bundle DIR] [--pid-file FILE] [--console-socket PATH] ID
                         make a container and its VM, which waits for start
  start   ID             run the container's process
  state   ID             print the container's state (JSON)
  kill    [--all] ID [SIGNAL]
                         send a signal (number or name, TERM by default) to the process
  delete  [--force] ID   remove a stopped container; with --force a running one

global options:
  --root DIR             where containers are recorded (/run/runX)
  --log FILE             append errors to FILE
  --log-format text|json
  --debug                trace to stderr
  --version, --help
END
}
