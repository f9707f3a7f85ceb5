#!/bin/sh
# shellcheck disable=SC2016,SC2034 # expanded in the run; read by the library
# A terminal of COMMAND's own (-t), with somebody at the keyboard of ours.
. "${LIB:-${0%/*}/../lib.sh}"
require_root
seconds=$(pick 20 90)

# at_keyboard STEP... -- OPTIONS... : a run on a terminal; $said is what ptyrun printed.
at_keyboard() {
    t_last=$*
    status=0
    said=$("$TOOLS/ptyrun" -t "$seconds" -o "$out" "$@" 2>"$err") || status=$?
}

expect_said() { # TEXT NAME
    if [ "$status" -eq 0 ] && [ "$said" = "$1" ]; then
        ok "$2"
    else
        t_fail_run "$2" "said '$said', wanted '$1'"
    fi
}

run_t="$RATION run -i -t --"

# shellcheck disable=SC2086 # a list of words
{
    at_keyboard -r 37 -c 111 expect '37 111' wait -- $run_t stty size
    expect_said 'status 0' 'the size is set before the first instruction of COMMAND'

    at_keyboard expect ready resize 40 100 pause 200 send 'stty size\n' expect '40 100' \
        resize 41 101 pause 200 send 'stty size; exit 3\n' expect '41 101' wait -- \
        $run_t sh -c 'echo ready; exec sh'
    expect_said 'status 3' 'a change of size is followed, and the exit status comes out'

    at_keyboard wait -- $run_t sh -c 'test -t 0 && test -t 1 && test -t 2 && exit 11'
    expect_said 'status 11' 'all three streams are the terminal'
    at_keyboard expect /dev/ wait -- $run_t tty
    expect_said 'status 0' 'the terminal has a name inside'

    at_keyboard expect ready mode send 'x\n' wait mode -- $run_t sh -c 'echo ready; read x; exit 4'
    expect_said 'raw
status 4
cooked' 'ours is raw meanwhile, and as before at the end'

    at_keyboard expect ready send '\003' wait mode -- \
        $run_t sh -c 'trap "exit 21" INT; echo ready; while :; do sleep 0.1; done'
    expect_said 'status 21
cooked' '^C is a SIGINT for COMMAND'
    at_keyboard expect ready send '\003' wait mode -- $run_t sh -c 'echo ready; exec sleep 100'
    expect_said 'status 130
cooked' '^C ends a COMMAND that does not mind it'
    at_keyboard expect ready send '\004' wait -- $run_t sh -c 'echo ready; cat; exit 6'
    expect_said 'status 6' '^D is the end of its input'

    at_keyboard expect ready await raw kill 15 wait mode -- $run_t sh -c 'echo ready; exec sleep 100'
    expect_said 'status 143
cooked' 'the mode is restored when ration is ended by SIGTERM'
    at_keyboard expect ready await raw kill 1 wait mode -- $run_t sh -c 'echo ready; exec sleep 100'
    expect_said 'status 129
cooked' 'the mode is restored when ration is ended by SIGHUP'
    at_keyboard expect ready await raw kill 9 wait await cooked mode -- \
        $run_t sh -c 'echo ready; exec sleep 100'
    expect_said 'status 137
cooked' 'the mode is restored when ration is killed by SIGKILL'
    "$RATION" run -- true
    assert_no_leftovers 'nothing is left of it'

    at_keyboard wait mode -- $run_t /nonexistent/program
    expect_said 'status 127
cooked' 'the mode is restored when COMMAND cannot be started'
    at_keyboard wait mode -- "$RATION" run -it --memory 20m -- "$TOOLS/hog" mem 60m
    expect_said 'status 137
cooked' 'the mode is restored when COMMAND is killed'
    at_keyboard wait mode -- "$RATION" run -it --timeout 500ms -- sleep 100
    expect_said 'status 124
cooked' 'the mode is restored after a timeout'

    at_keyboard expect back send 'word\n' wait -- $run_t sh -c \
        'exec </dev/null >/dev/null 2>&1; sleep 0.5; exec </dev/tty >/dev/tty 2>&1; echo back; read x; exit 9'
    expect_said 'status 9' 'COMMAND may close its terminal and open it again'

    at_keyboard wait -- "$RATION" run -it --report "$json" --format json -- sh -c 'exit 12'
    expect_said 'status 12' 'a terminal with a report'
    expect_json "$json" exit_status 12
}

# The last words before an end are not lost, and lines end as a terminal's do.
at_keyboard wait -- "$RATION" run -t -- sh -c 'for i in 1 2 3 4 5 6 7 8 9; do echo line $i; done'
expect_said 'status 0' '-t alone'
expect_equal "$(grep -c "^line [0-9]$(printf '\r')*$" "$out")" 9 'every line comes out'

# A terminal inside where there is none outside.
run_ration run -t -- sh -c 'test -t 1 && stty size && exit 5'
expect_status 5 '-t works where ration itself has no terminal'
expect_stdout_matches '24 80' 'with a usual size'
printf 'echo from-$((1+1))\nexit 8\n' >"$work/in"
run_ration_stdin "$work/in" run -i -t -- sh
expect_status 8 '-i -t reads from a file'
expect_stdout_matches 'from-2' 'and what it makes of it comes out'
assert_no_leftovers
