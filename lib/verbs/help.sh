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
  run     [--detach] [--keep] [options of create] ID
                         create and start; without --detach wait for the end, and delete
  exec    [--detach] [--tty] [--env K=V] [--cwd DIR] [--user UID[:GID]] [--additional-gids GID]
          [--cap CAP] [--no-new-privs] [--ignore-paused] [--pid-file FILE] [--console-socket PATH]
          ID COMMAND [ARG…]
  exec    [--detach] [--ignore-paused] [--pid-file FILE] [--console-socket PATH] --process FILE ID
                         run one more process in a running container
  state   ID             print the container's state (JSON)
  kill    [--all] ID [SIGNAL]
                         send a signal (number or name, TERM by default) to the process, or all
  delete  [--force] ID   remove a stopped container; with --force a running one
  pause   ID             stop the VM of a running container
  resume  ID             let the VM of a paused container run on
  update  [--resources FILE|-] [--memory BYTES] [--cpu-quota US] [--cpu-period US]
          [--cpu-share N] [--cpuset-cpus LIST] [--pids-limit N] ID
                         change what the VM may use (FILE: linux.resources as JSON)
  events  [--stats] [--interval 5s] ID
                         print what the VM uses (JSON), until it ends; with --stats once
  list    [--format table|json] [--quiet]
                         show the containers; with --quiet their ids
  ps      [--format table|json] ID [OPTIONS OF ps]
                         show the container's process on the host, the proxy
  spec    [--bundle DIR]
                         write a config.json to begin a bundle with
  features               print what engines may ask for (JSON)
  check   [--json]       say what of this machine is fit to run containers, and what to do about the rest
  timeline [--svg] FILE [ID]
                         draw what RUNX_TRACE=FILE has written of containers' lives
  checkpoint, restore    refused: a VM's streams and devices cannot be restored

global options:
  --root DIR             where containers are recorded (/run/runX)
  --log FILE             append errors to FILE
  --log-format text|json
  --systemd-cgroup       linux.cgroupsPath is slice:prefix:name
  --debug                trace to stderr
  --version, --help
END
}
