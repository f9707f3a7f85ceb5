#!/bin/sh
# shellcheck disable=SC2016,SC2034,SC2154 # expanded inside; read by the library
# Containers from create to rm: names and ids, states, exit statuses, logs, and what is said when something is wrong.
. "${0%/*}/lib.sh"

id_of() { # WHO
    "$RATION" ps -aq --no-trunc --filter "name=$1" | head -n 1
}

# Others run meanwhile: that nothing is left is told at the end.
refuses() { # STATUS ERE NAME
    expect_status "$1" "$3"
    expect_stderr_matches "$2" "$3: why"
}

# ---- create, start, wait, rm -------------------------------------------------------------------------------

run_ration create --name one -e 'A=two words' --label role=test --label lone -- sh -c 'echo "$A"; echo no >&2; exit 3'
expect_status 0 'create makes a container'
expect_stdout_matches '^[0-9a-f]{64}$' 'create prints its id'
one=$(cat "$out")
run_ration ps -q
expect_stdout_is '' 'one that does not run is not listed'
run_ration ps -a
expect_stdout_matches 'Created +one$' 'ps -a tells that it was created'
run_ration wait one
refuses 125 'never been started' 'one that was never started cannot be waited for'
run_ration start one
expect_stdout_is one 'start prints its name'
run_ration wait "$one"
expect_stdout_is 3 'wait prints its exit status'
run_ration ps -a --filter name=one
expect_stdout_matches 'Exited \(3\) .*one$' 'ps -a tells how it ended'
expect_equal "$(grep -c 'two words.n","stream":"stdout"' "$RATION_DATA_DIR/containers/$one/log")" 1 \
    'what it wrote is in its log'
expect_equal "$(grep -c '"no.n","stream":"stderr"' "$RATION_DATA_DIR/containers/$one/log")" 1 \
    'by stream'
check 'its result is kept' grep -q '"cause":' "$RATION_DATA_DIR/containers/$one/exit"
run_ration start -a one
expect_status 3 'start --attach ends as COMMAND does'
expect_stdout_is 'two words' 'with what COMMAND writes'

# ---- who is meant --------------------------------------------------------------------------------------------

prefix=$(printf %.6s "$one")
run_ration rename "$prefix" first
expect_status 0 'a beginning of an id is enough'
run_ration rename one again
refuses 125 'there is no container one' 'the old name is gone'
run_ration create --name first -- true
refuses 2 'taken by container [0-9a-f]{12}' 'a name that is taken says who has it'
run_ration create --name -- true
expect_status 2 'a name is checked'
n=0
while [ "$n" -lt 17 ]; do # of seventeen ids two begin alike
    n=$((n + 1))
    "$RATION" create -- true >/dev/null
done
letter=$("$RATION" ps -aq | cut -c1 | sort | uniq -d | head -n 1)
run_ration rm "$letter"
refuses 125 "^ration: $letter is the beginning of [0-9]+ containers' ids" \
    'an ambiguous beginning is refused'
run_ration container prune --filter until=0s
expect_status 0 'prune removes what does not run'
run_ration ps -aq
expect_stdout_is '' 'all of it'

# ---- running -------------------------------------------------------------------------------------------------

run_ration run -d --name two --label a=1 -- sh -c 'trap "exit 7" TERM; while :; do sleep 0.05; done'
expect_status 0 'run -d lets it run by itself'
run_ration rm two
refuses 125 'is running; stop it first' 'one that runs is not removed'
run_ration run -d --name two -- true
refuses 2 'taken by' 'nor is its name given away'
run_ration pause two
run_ration ps
expect_stdout_matches 'Up .*\(Paused\)' 'ps tells that it is paused'
run_ration pause two
refuses 125 'paused already' 'it is paused once'
run_ration unpause two
expect_status 0 'and goes on'
run_ration ps -q --filter label=a=1 --filter status=running
expect_stdout_matches '^[0-9a-f]{12}$' 'filters find it'
run_ration ps -q --filter label=a=2
expect_stdout_is '' 'or do not'
run_ration ps --filter colour=red
refuses 2 'knows' 'an unknown filter is refused'
run_ration stop two
run_ration wait two
expect_stdout_is 7 'its stop signal reaches it'
run_ration stop two
expect_status 0 'one that does not run needs no stopping'
run_ration start two
run_ration kill -s KILL two
run_ration wait two
expect_stdout_is 137 'a kill ends it'
run_ration kill two
refuses 125 'is not running' 'one that does not run cannot be killed'
run_ration rm -f two nobody
expect_status 0 'rm -f removes what is there'
run_ration rm nobody
refuses 125 'there is no container nobody' 'rm says what is not'

# ---- how it ended --------------------------------------------------------------------------------------------

run_ration run -d --name lost -- /nowhere/at/all
refuses 127 'cannot execute' 'what cannot be executed is an error of run -d'
run_ration ps -a --filter name=lost
expect_stdout_matches 'Exited \(127\) failed to start' 'and is told by ps'
if has_controller memory; then
    run_ration run -d --name greedy -m 16m -- "$TOOLS/hog" mem 64m
    run_ration wait greedy
    expect_stdout_is 137 'a memory limit kills'
    run_ration ps -a --filter name=greedy
    expect_stdout_matches 'Exited \(137\) memory: own limit' 'and ps tells so'
fi
run_ration run -d --rm --name gone --cidfile "$work/cid" -- sh -c 'sleep 0.2; exit 4'
expect_equal "$(cat "$work/cid")" "$(cat "$out")" '--cidfile has the id'
run_ration wait gone
run_ration ps -aq --filter name=gone
expect_stdout_is '' 'with --rm nothing of it stays'
run_ration create --cidfile "$work/cid" -- true
refuses 2 'there already' 'a file of another id is kept'
run_ration create --rm --restart always -- true
refuses 2 'cannot be started again' '--rm and --restart are no pair'

# ---- events --------------------------------------------------------------------------------------------------

run_ration events --filter container=lost --filter event=create
expect_stdout_matches 'container create [0-9a-f]{64} .*name=lost' 'events tell what happened'
run_ration events --format json --filter event=die
expect_stdout_matches '"Action":"die"' 'as JSON, too'

engine_clean
