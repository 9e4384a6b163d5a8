# SPDX-License-Identifier: Apache-2.0
# Says why an operation is refused in a state of the container, for the tables of unit/states.bats and xen/states.bats.
# shellcheck shell=bash

# words_of OUTCOME STATE: sets $words to the part of the error message that engines search for
words_of() {
	case $1,$2 in
	absent,*) words='container does not exist' ;;
	taken,*) words='container with given ID already exists' ;;
	not-up,*) words='container not running' ;;
	not-held,*) words='container not paused' ;;
	paused,*) words='container paused already' ;;
	runs,*) words='cannot start an already running container' ;;
	ended,*) words='cannot start a container that has stopped' ;;
	no-start,*) words="cannot start a container that is $2" ;;
	no-delete,*) words="that is not stopped: $2" ;;
	held,*) words='cannot exec in a paused container' ;;
	no-exec,stopped) words='cannot exec in a stopped container' ;;
	no-exec,*) words="cannot exec in a container that is $2" ;;
	*) echo "no such outcome: $1" && return 1 ;;
	esac
}
