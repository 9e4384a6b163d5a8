# SPDX-License-Identifier: Apache-2.0
# The help's text. `runX help` prints all of it, and --help of a verb prints the verb's part.

# help_about VERB: prints the usage of this verb. Its part of the text ends at the next line that is indented less.
help_about() {
	local line here=false
	printf 'usage: runX [global options] COMMAND [options] [arguments]\n\n'
	help_text | while IFS= read -r line; do
		case $line in
		"  $1 "* | "  $1, "* | *", $1 "*) here=true ;;
		'   '*) ;;
		*) here=false ;;
		esac
		[ $here = false ] || printf '%s\n' "$line"
	done
}

help_text() {
	cat <<'END'
runX: an OCI runtime that starts every container in a Xen virtual machine of its own

usage: runX [global options] COMMAND [options] [arguments]

commands:
  create  [--bundle DIR] [--pid-file FILE] [--console-socket PATH] ID
                         make a container and its VM; the VM waits for start
  start   ID             run the container's process
  run     [--detach] [--keep] [options of create] ID
                         create and start; without --detach, wait for the end and delete
  exec    [--detach] [--tty] [--env K=V] [--cwd DIR] [--user UID[:GID]] [--additional-gids GID]
          [--cap CAP] [--no-new-privs] [--ignore-paused] [--pid-file FILE] [--console-socket PATH]
          ID COMMAND [ARG…]
  exec    [--detach] [--ignore-paused] [--pid-file FILE] [--console-socket PATH] --process FILE ID
                         run one more process in a running container
  state   ID             print the container's state (JSON)
  kill    [--all] ID [SIGNAL]
                         send a signal (number or name, default TERM) to the process, or to all processes
  delete  [--force] ID   remove a stopped container; with --force, any container
  pause   ID             stop the VM of a running container
  resume  ID             let the VM of a paused container continue
  update  [--resources FILE|-] [--memory BYTES] [--cpu-quota US] [--cpu-period US]
          [--cpu-share N] [--cpuset-cpus LIST] [--cpu-idle N] [--pids-limit N] ID
                         change what the VM may use (FILE has linux.resources as JSON)
  events  [--stats] [--interval 5s] ID
                         print what the VM uses (JSON) until it ends; with --stats, only once
  list    [--format table|json] [--quiet]
                         show the containers; with --quiet, only their ids
  ps      [--format table|json] ID [OPTIONS OF ps]
                         show the container's process on the host, the proxy
  spec    [--bundle DIR]
                         write a config.json as the beginning of a bundle
  features               print what engines may ask for (JSON)
  check   [--json]       say if this machine is fit to run containers, and what to do if it is not
  timeline [--svg] FILE [ID]
                         draw the times of containers that RUNX_TRACE=FILE has written
  checkpoint, restore    refused: a VM's streams and devices cannot be restored

global options:
  --root DIR             where containers are recorded (/run/runX)
  --log FILE             append errors and warnings to FILE
  --log-format text|json
                         the form of the lines of that file
  --systemd-cgroup       read linux.cgroupsPath as slice:prefix:name
  --debug                trace shell commands to stderr
  --version, --help
END
}
