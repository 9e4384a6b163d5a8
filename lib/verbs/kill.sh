# SPDX-License-Identifier: Apache-2.0
# runX kill: sends a signal to the container process, or to all processes of the container.

# The signals in the order of their numbers, from 1. The numbers are the same on x86 and Arm.
SIGNALS='HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP
TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS'
SIGRTMIN=34
SIGRTMAX=64

kill_option() {
	all=true
}

cmd_kill() {
	all=false
	parse_words kill_option '' 'all a' "$@"
	eval "set -- $words"
	check_id "$@"
	[ $# -le 2 ] || usage_error "kill: too many arguments: $*"
	signal_number "${2:-TERM}"

	read_status
	case $status,$all in
	stopped,true) return 0 ;;
	stopped,* | creating,*) die "container $id: container not running" ;;
	esac
	[ "$signal" -ne 0 ] || return 0
	trace signal
	set -- signal "$signal"
	[ $all = false ] || set -- "$@" all
	ask_proxy "$@" || {
		problem=${problem#"container $id: "}
		die "container $id: ${problem:-container not running}"
	}
}

# Sets $signal to the number of the signal $1. 0 sends none and asks whether there is somebody to send one to. $1 is a number, which
# may have leading zeros and a plus sign, or a name with or without SIG, in upper or lower case. Ends with an error if there is no such signal.
signal_number() {
	local name="${1#+}" known
	case $name in
	*[!0-9]* | '') ;;
	*)
		signal=${name#"${name%%[!0]*}"}
		signal=${signal:-0}
		case $signal in ???*) false ;; *) [ "$signal" -le $SIGRTMAX ] ;; esac ||
			die "unknown signal: $1 (numbers are 0 to $SIGRTMAX)"
		return 0
		;;
	esac
	name=$1
	case $name in
	*[a-z]*) name=$(printf %s "$name" | tr "[:lower:]" "[:upper:]") ;;
	esac
	name=${name#SIG}
	case $name in
	RTMIN | RTMIN+[0-9] | RTMIN+[12][0-9] | RTMIN+30)
		name=${name#RTMIN}
		signal=$((SIGRTMIN + ${name:-0}))
		return 0
		;;
	RTMAX | RTMAX-[0-9] | RTMAX-[12][0-9] | RTMAX-30)
		name=${name#RTMAX}
		signal=$((SIGRTMAX + ${name:-0}))
		return 0
		;;
	POLL) name=IO ;;
	CLD) name=CHLD ;;
	IOT) name=ABRT ;;
	esac
	signal=0
	for known in $SIGNALS; do
		signal=$((signal + 1))
		[ "$known" != "$name" ] || return 0
	done
	die "unknown signal: $1"
}
