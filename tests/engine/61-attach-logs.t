#!/bin/sh
# shellcheck disable=SC2016,SC2034,SC2154 # expanded inside; read by the library
# A container's output: the log, whole and in parts, as it grows and is rotated; and being attached.
. "${0%/*}/lib.sh"
seconds=$(pick 20 90)

ended() { test "$("$RATION" inspect -f '{{.State.Status}}' "$1")" = exited; }
has_lines() { test "$("$RATION" logs "$1" 2>&1 | wc -l)" -ge "$2"; }

# ---- logs --------------------------------------------------------------------------------------------

run_ration run -d --name talker -- sh -c 'for i in 1 2 3 4 5; do echo out $i; done; echo err >&2; printf unfinished'
expect_status 0 'a container that writes'
wait_until "$seconds" ended talker
run_ration logs talker
expect_stdout_is 'out 1
out 2
out 3
out 4
out 5
unfinished' 'stdout is on stdout, the last line without its end too'
expect_stderr_matches '^err$' 'stderr is on stderr'
run_ration logs --tail 2 talker
expect_stdout_lacks 'out 4' '--tail leaves out what is before'
run_ration logs -n 0 talker
expect_stdout_is '' '--tail 0 is nothing'
run_ration logs --tail 100 talker
expect_stdout_matches '^out 1$' 'a larger --tail is all'
run_ration logs -t --tail 3 talker
expect_stdout_matches '^20[0-9-]*T[0-9:]*\.[0-9]{9}Z out 5$' '-t puts the time before a line'
run_ration logs --since 1h talker
expect_stdout_matches 'out 1' 'what is younger than an hour'
run_ration logs --until 1h talker
expect_stdout_is '' 'nothing is older than an hour'
run_ration logs --since 2000-01-01T00:00:00Z --until 2001-01-01 talker
expect_stdout_is '' 'a time that is past'
for words in '--tail x talker' '--since never talker' 'nosuch' '' 'talker talker'; do
    # shellcheck disable=SC2086 # words
    run_ration logs $words
    check "logs $words is refused" test "$status" -ne 0
done
run_ration logs nosuch
expect_refusal 125 'nosuch' 'there is no such container'
log=$("$RATION" inspect -f '{{.LogPath}}' talker)
check 'the path of the log is told' test -s "$log"
printf '{"log":"torn' >>"$log"
run_ration logs talker
expect_stdout_matches '^unfinished' 'a line that its writer did not finish is passed over'

run_ration run -d --name binary -- printf '\377\001"\134\302\344\n'
wait_until "$seconds" ended binary
run_ration logs binary
expect_equal "$(od -An -tx1 <"$out" | tr -d ' \n')" 'ff01225cc2e40a' 'any bytes come out as they went in'

# Followed across rotation: nothing twice, nothing missing.
run_ration run -d --name turner --log-opt max-size=4096 --log-opt max-file=20 -- \
    sh -c 'i=0; while [ $i -lt 400 ]; do echo "line $i"; i=$((i+1)); [ $((i % 50)) -ne 0 ] || sleep 0.1; done'
timeout "$((seconds * 3))" "$RATION" logs -f turner >"$work/followed" 2>&1
expect_equal "$(wc -l <"$work/followed")" 400 'all lines are followed'
expect_equal "$(sed -n '$p' "$work/followed")" 'line 399' 'to the last one'
check 'in their order' sh -c "awk '{ if (\$2 != NR - 1) exit 1 }' '$work/followed'"
check 'the log was rotated meanwhile' test -s "${log%/*/log}/$("$RATION" inspect -f '{{.Id}}' turner)/log.1"
run_ration logs turner
check 'read afterwards it is the same' cmp "$out" "$work/followed"
run_ration logs --tail 300 turner
expect_equal "$(wc -l <"$out")" 300 'the last entries are found across files'
expect_equal "$(sed -n 1p "$out")" 'line 100' 'from the right one on'

run_ration run -d --name bounded --log-opt max-size=4096 --log-opt max-file=2 -- sh -c 'seq 1 5000'
wait_until "$seconds" ended bounded
run_ration logs bounded
expect_equal "$(sed -n '$p' "$out")" 5000 'a bounded log has the end'
check 'and not all' test "$(wc -l <"$out")" -lt 5000

# ---- attach ------------------------------------------------------------------------------------------------

run_ration run -d --name quiet -- sh -c 'while [ ! -e /tmp/.no ]; do echo tick; sleep 0.1; done'
"$RATION" attach quiet >"$work/attached" 2>"$work/attached.err" </dev/null &
attach_pid=$!
check 'attached, its output comes' wait_until "$seconds" test -s "$work/attached"
run_ration kill quiet
wait "$attach_pid"
expect_equal $? 137 'and its exit status'
run_ration attach quiet
expect_refusal 125 'not running' 'nobody is attached to what has ended'
run_ration attach nosuch
expect_refusal 125 'nosuch' 'or is not there'
run_ration attach --detach-keys ctrl-1 quiet
expect_refusal 2 'detach-keys' 'keys that there are not'

run_ration run -di --name reader -- cat
echo 'through the pipe' | "$RATION" attach reader >"$work/attached"
expect_equal $? 0 'the end of input ends cat'
expect_equal "$(cat "$work/attached")" 'through the pipe' 'what is typed comes out'

at_keyboard() {
    t_last=$*
    status=0
    said=$("$TOOLS/ptyrun" -t "$seconds" -o "$out" "$@" 2>"$err") || status=$?
}
expect_said() { # TEXT NAME
    if [ "$status" -eq 0 ] && [ "$said" = "$1" ]; then ok "$2"; else t_fail_run "$2" "said '$said', wanted '$1'"; fi
}
run_ration run -dit --name shell -- sh
# shellcheck disable=SC2086 # words
{
    at_keyboard await raw send 'echo a$((1+1))b\n' expect a2b send '\020\021' wait mode -- $RATION attach shell
    expect_said 'status 0
cooked' 'ctrl-p ctrl-q detaches'
    run_ration inspect -f '{{.State.Status}}' shell
    expect_stdout_is running 'and it goes on'
    at_keyboard await raw send 'echo x\020y$((2+3))\n' expect y5 send 'zq' wait mode -- \
        $RATION attach --detach-keys z,q shell
    expect_said 'status 0
cooked' 'other keys detach, and what only begins like them goes through'
    at_keyboard await raw kill 15 wait mode -- $RATION attach shell
    expect_said 'status 143
cooked' 'a signal ends ration attach with the terminal as it was'
    at_keyboard -r 33 -c 99 await raw send 'stty size\n' expect '33 99' send 'exit 5\n' wait mode -- $RATION attach shell
    expect_said 'status 5
cooked' 'the size is ours, and so is the exit status'
}
engine_clean
