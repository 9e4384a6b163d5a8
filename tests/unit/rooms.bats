# SPDX-License-Identifier: Apache-2.0
# tests/rooms, which `make lint` runs: it accepts this tree, and refuses a tree with one wrong include.

load helpers

# refused FILE LINE TEXT: with LINE added to FILE, the tree is refused, and the output has TEXT
refused() {
	local tree=$BATS_TEST_TMPDIR/tree
	rm -rf "$tree"
	mkdir -p "$tree/$(dirname "$1")"
	(cd "$top" && git ls-files runX helpers guest lib 'tests/*.[ch]' | xargs cp --parents -t "$tree")
	printf '%s\n' "$2" >>"$tree/$1"
	git -C "$tree" init -q
	git -C "$tree" add .
	run "$top/tests/rooms" "$tree"
	[ "$status" -eq 1 ] && [[ $output == *"$3"* ]] || { echo "wanted: $3" "got: $output" && return 1; }
}

@test "rooms: this tree is accepted" {
	run "$top/tests/rooms"
	[ "$status" -eq 0 ] && [ -z "$output" ] || { echo "$output" && return 1; }
}

@test "rooms: a file that uses a room above or beside its own" {
	refused helpers/shared/ring.c '#include "helpers/proxy/vm.h"' 'helpers/shared/ring.c: helpers/proxy/vm.h'
	refused helpers/client/exec.c '#include "helpers/proxy/vm.h"' 'helpers/client/exec.c: helpers/proxy/vm.h'
	refused guest/mounts/copy.c '#include "guest/process/child.h"' 'guest/mounts/copy.c: guest/process/child.h'
	refused guest/network/network.c '#include "helpers/shared/host.h"' "helpers/shared/host.h is the host's alone"
	refused lib/plan.sh '. "$RUNX_LIBDIR/verbs/kill.sh"' 'lib/plan.sh: lib/verbs/kill.sh'
	refused lib/verbs/kill.sh '. "$RUNX_LIBDIR/verbs/state.sh"' 'lib/verbs/kill.sh: lib/verbs/state.sh'
	refused lib/json/hooks.jq 'include "values";' 'lib/json/hooks.jq: a jq module may not include another'
}

@test "rooms: every way to write an include counts" {
	refused helpers/client/exec.c '# include "helpers/proxy/vm.h"' 'helpers/client/exec.c: helpers/proxy/vm.h'
	refused helpers/client/exec.c '	#include "helpers/proxy/vm.h" /* why */' 'helpers/client/exec.c: helpers/proxy/vm.h'
	refused helpers/client/exec.c '#include <helpers/proxy/vm.h>' 'helpers/client/exec.c: helpers/proxy/vm.h'
	refused lib/plan.sh '[ -z "$a" ] || . "$RUNX_LIBDIR/verbs/kill.sh"' 'lib/plan.sh: lib/verbs/kill.sh'
	refused lib/plan.sh 'if :; then . "${RUNX_LIBDIR}/verbs/kill.sh"; fi' 'lib/plan.sh: lib/verbs/kill.sh'
	refused lib/plan.sh '. "$RUNX_LIBDIR"/verbs/kill.sh' 'lib/plan.sh: lib/verbs/kill.sh'
}

@test "rooms: runX sources modules that exist" {
	refused runX '[ -z "$a" ] || . "$RUNX_LIBDIR/json/values.sh"' 'runX: lib/json/values.sh is in a room that this file may not use'
	refused runX '. "$RUNX_LIBDIR/nosuch.sh"' 'runX: there is no lib/nosuch.sh'
}

@test "rooms: a header of another room included without its path, and a folder that is in no table" {
	refused helpers/proxy/vm.c '#include "ring.h"' 'there is no helpers/proxy/ring.h'
	refused helpers/new/new.c '/* */' 'helpers/new/new.c: its folder is in no table'
}
