# SPDX-License-Identifier: Apache-2.0
# Stops a verb where a stand-in is at work, so that a test can do something beside it.
# shellcheck shell=bash

# The stand-ins that wait do so at a FIFO, so that a test knows where runX is, and no test sleeps.

# hangs_at NAME WHEN: as waits_at, but only a signal ends the program
hangs_at() {
	waits_at "$@"
	sed -i "/trap '' HUP INT TERM/d" "$stand_in"
}

# waits_at NAME WHEN: the program NAME, a stand-in, tells $FAKE/there when its words match the pattern WHEN, and waits for a word in $FAKE/on
waits_at() {
	stand_in=$FAKE/libexec/$1
	[ "$1" != xl ] || stand_in=$FAKE/bin/xl
	[ -p "$FAKE/there" ] || mkfifo "$FAKE/there" "$FAKE/on"
	rm "$stand_in"
	cat >"$stand_in" <<-END
		#!/bin/sh
		case "\$*" in
		$2)
			trap '' HUP INT TERM
			echo >"\$FAKE/there"
			read -r _ <"\$FAKE/on"
			;;
		esac
		exec "$top/tests/unit/fake/$1" "\$@"
	END
	chmod 755 "$stand_in"
}

# begin WORDS…: starts runX in the background, in a session of its own, and waits until a stand-in waits. Sets $runx.
begin() {
	# A shell without job control lets its background jobs ignore SIGINT and SIGQUIT, nohup SIGHUP, and no shell can undo that.
	# shellcheck disable=SC2086 # "busybox sh" is two words
	setsid perl -e '$SIG{$_} = "DEFAULT" for qw(HUP INT QUIT); exec @ARGV' ${RUNX_SHELL:-dash} "$top/runX" --log "$log" --log-format json "$@" </dev/null >"$FAKE/said" 2>&1 3>&- &
	runx=$!
	read -r _ <"$FAKE/there"
}

go_on() {
	echo >"$FAKE/on"
}

# ends STATUS: the runX of begin ends with this status
ends() {
	local rc=0
	wait "$runx" || rc=$?
	[ $rc -eq "$1" ] || { echo "status $rc, wanted $1:" && cat "$FAKE/said" && return 1; }
}

# runX_beside WORDS…: runs another runX beside it, in the background
runX_beside() {
	# shellcheck disable=SC2086
	${RUNX_SHELL:-dash} "$top/runX" --log "$log" --log-format json "$@" </dev/null >"$FAKE/beside" 2>&1 3>&- &
	beside=$!
}

# beside_ends STATUS: the runX of runX_beside ends with this status
beside_ends() {
	local rc=0
	wait "$beside" || rc=$?
	[ $rc -eq "$1" ] || { echo "status $rc, wanted $1:" && cat "$FAKE/beside" && return 1; }
}

# awaits_lock: returns when somebody waits for the lock of c1's state directory
awaits_lock() {
	local inode
	inode=$(stat -c %i "$RUNX_ROOT/c1")
	until grep -q -- "-> FLOCK .*:$inode " /proc/locks; do :; done
}
