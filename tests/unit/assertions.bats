# SPDX-License-Identifier: Apache-2.0
# tests/assertions, which `make lint` runs: it accepts this tree, and finds assertions that cannot fail.

load helpers

# file LINE…: writes the file that is judged, a test with these lines
file() {
	printf '\t%s\n' "$@" | sed -e '1i @test "a test" {' -e '$a }' >"$BATS_TEST_TMPDIR/some.bats"
}

# refused LINE…: its first line is the only one that is refused, with a command after it
refused() {
	file "$@" 'true'
	run "$top/tests/assertions" "$BATS_TEST_TMPDIR/some.bats"
	[ "$status" -eq 1 ] || { echo "accepted: $1" && return 1; }
	[ "${#lines[@]}" -eq 1 ] || { echo "$output" && return 1; }
	[[ $output == "$BATS_TEST_TMPDIR/some.bats:2: "*"$1"* ]] || { echo "$output" && return 1; }
}

accepted() {
	file "$@"
	run "$top/tests/assertions" "$BATS_TEST_TMPDIR/some.bats"
	[ "$status" -eq 0 ] || { echo "$output" && return 1; }
	[ -z "$output" ]
}

@test "assertions: this tree is accepted" {
	run "$top/tests/assertions"
	[ "$status" -eq 0 ] || { echo "$output" && return 1; }
	[ -z "$output" ]
}

@test "assertions: a list or a negation with a command after it cannot fail" {
	refused '[ "$a" = 1 ] && [ "$b" = 1 ]'
	refused '[ "$a" = 1 ] && [[ $b == *1* ]]'
	refused '[[ $a == 1 ]] && ! grep -q x y'
	refused 'grep -q x y && [ "$b" = 1 ]'
	refused '! grep -q x y'
	refused '[ "$a" = 1 ] &&' '	[ "$b" = 1 ]'
	refused '! grep -q x y' '' '# a comment'
}

@test "assertions: what fails is accepted" {
	accepted '[ "$a" = 1 ] && [ "$b" = 1 ]'
	accepted true '! grep -q x y'
	accepted '! grep -q x y || return 1' '[ "$a" = 1 ] && [ "$b" = 1 ] || return 1' true
	accepted '[ "$a" = 1 ] && [ "$b" = 1 ] &&' '	return' 'echo wrong' 'return 1'
	accepted '[[ $a == 1 && $b == 1 ]]' 'if [ "$a" = 1 ] && [ "$b" = 1 ]; then' true fi
}
