# SPDX-License-Identifier: Apache-2.0
# tests/rooms, which `make lint` runs: it passes this tree, and fails a tree with one wrong arrow.

load helpers

# refused FILE LINE TEXT: a tree whose FILE has LINE as well fails, and TEXT is said
refused() {
	local tree=$BATS_TEST_TMPDIR/tree
	rm -rf "$tree"
	mkdir -p "$tree/${1%/*}"
	(cd "$top" && git ls-files helpers guest lib 'tests/*.[ch]' | xargs cp --parents -t "$tree")
	printf '%s\n' "$2" >>"$tree/$1"
	git -C "$tree" init -q
	git -C "$tree" add .
	run "$top/tests/rooms" "$tree"
	[ "$status" -eq 1 ] && [[ $output == *"$3"* ]] || { echo "wanted: $3" "got: $output" && return 1; }
}

@test "rooms: this tree keeps to them" {
	run "$top/tests/rooms"
	[ "$status" -eq 0 ] && [ -z "$output" ] || { echo "$output" && return 1; }
}

@test "rooms: a file that leans on a room above or beside its own" {
	refused helpers/shared/ring.c '#include "helpers/proxy/vm.h"' 'helpers/shared/ring.c: helpers/proxy/vm.h'
	refused helpers/client/exec.c '#include "helpers/proxy/vm.h"' 'helpers/client/exec.c: helpers/proxy/vm.h'
	refused guest/mounts/copy.c '#include "guest/process/child.h"' 'guest/mounts/copy.c: guest/process/child.h'
	refused guest/network/network.c '#include "helpers/shared/host.h"' "helpers/shared/host.h is the host's alone"
	refused lib/plan.sh '. "$RUNX_LIBDIR/verbs/kill.sh"' 'lib/plan.sh: lib/verbs/kill.sh'
	refused lib/verbs/kill.sh '. "$RUNX_LIBDIR/verbs/state.sh"' 'lib/verbs/kill.sh: lib/verbs/state.sh'
}

@test "rooms: a file of another room by its name alone, and a folder that is in no table" {
	refused helpers/proxy/vm.c '#include "ring.h"' 'there is no helpers/proxy/ring.h'
	refused helpers/new/new.c '/* */' 'helpers/new/new.c: its folder is in no table'
}
