#!/bin/sh
# shellcheck disable=SC2016,SC2034 # expanded in the run; read by the library
# An ordinary user: what cannot be had is refused by name; what is delegated is really in force.
. "${LIB:-${0%/*}/../lib.sh}"
require_root
hog=$TOOLS/hog
chmod 777 "$work"
: >"$json"
chmod 666 "$json"

as_nobody_json() { # ARGS...
    : >"$json"
    run_ration_as_nobody run --report "$json" --format json "$@"
}

# ---- without delegation ------------------------------------------------------------------------

run_ration_as_nobody run -- "$hog" exit 7
expect_status 7 'a user runs a command without limits'
run_ration_as_nobody run --timeout 300ms -- "$hog" sleep 60
expect_status 124 'a timeout needs no privilege'
run_ration_as_nobody run --rlimit-nofile 20 -- "$hog" fds 50
expect_status 3 'nor does an rlimit'
run_ration_as_nobody run -- "$TOOLS/probe" fds
expect_stdout_is '0 1 2' 'no descriptor of ours is handed on'
run_ration_as_nobody run -- sh -c 'sleep 1000 & exit 4'
expect_status 4 'processes in the background end with COMMAND'

for option in '--memory 50m' '--pids-limit 20' '--cpus 0.5' '--cpuset-cpus 0'; do
    # shellcheck disable=SC2086 # a list of words
    run_ration_as_nobody run $option -- "$hog" exit 0
    expect_refusal 125 "${option% *}" "$option is refused for a user to whom nothing is delegated"
done
run_ration_as_nobody run --memory 50m -- "$hog" exit 0
expect_stderr_matches 'delegat|root|best-effort' 'and the remedy is said'
run_ration_as_nobody run --pid host -- "$hog" exit 0
expect_refusal 125 '--pid' 'what could not be ended whole is refused: neither a group nor process numbers of its own'

as_nobody_json --best-effort --memory 64m --pids-limit 50 -- "$hog" exit 5
expect_status 5 '--best-effort runs on'
expect_json "$json" rootless true
expect_json "$json" limits.memory.asked 64m
expect_json_matches "$json" limits.memory.note 'not in force' 'the report says what is not in force'
expect_json_matches "$json" limits.memory.note 'instead|RLIMIT|rlimit' 'and what stands in for it'
as_nobody_json --best-effort --memory 64m -- "$hog" mem 300m
expect_equal "$([ "$status" -ne 0 ] && echo failed)" failed 'the stand-in stops 300 MiB'
run_ration_as_nobody run --best-effort --memory 64m --report - -- "$hog" exit 0
expect_stderr_matches 'not in force' 'the text says it too'
assert_no_leftovers 'nothing of a user'"'"'s runs is left'
left=$(find /tmp/ration-65534 -mindepth 1 2>/dev/null)
expect_equal "$left" '' 'nor in the run directory of the user'
rm -rf /tmp/ration-65534

# ---- with a delegated group --------------------------------------------------------------------

if [ "$LAYOUT" = v2 ]; then
    root=/sys/fs/cgroup
    group=$root/rt-delegated
    mkdir "$group"
    chown 1000:1000 "$group" "$group/cgroup.procs" "$group/cgroup.subtree_control" \
        "$group/cgroup.threads"
    # in_group ARGS...: ration as user 1000, from a shell that was placed in the group.
    in_group() {
        t_last=$*
        status=0
        : >"$json"
        sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group" "$hog" run-as 1000 "$@" \
            >"$out" 2>"$err" </dev/null || status=$?
    }
    run_json_in_group() {
        in_group "$RATION" run --report "$json" --format json "$@"
    }
    run_json_in_group --memory 20m -- "$hog" mem 60m
    expect_status 137 'delegated: a memory limit kills'
    expect_json "$json" verdict.cause memory
    expect_json "$json" verdict.whose own
    expect_json "$json" limits.memory.in_force 20971520
    expect_json "$json" rootless true
    run_json_in_group --memory 20m -- "$hog" mem 10m
    expect_status 0 'delegated: below the limit it lives'
    run_json_in_group --pids-limit 10 -- "$hog" fork 40
    expect_status 3 'delegated: a pids limit is in force'
    expect_json "$json" verdict.cause pids
    run_json_in_group --cpus 0.2 -- "$hog" cputime 200ms
    expect_json_between "$json" metrics.wall_us.value 500000 60000000 'delegated: a CPU quota is in force'
    in_group sh -c '"$0" run --memory 20m -- "$1" mem 10m && "$0" run --memory 20m -- "$1" exit 6' \
        "$RATION" "$hog"
    expect_status 6 'delegated: one run after the other from the same shell'
    in_group sh -c 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 60 & all="$all $!"; done
        "$0" run --memory 20m -- "$1" exit 7
        status=$?
        kill $all
        wait
        exit $status' "$RATION" "$hog"
    expect_status 7 'delegated: from among many processes'
    expect_equal "$(find "$group" -mindepth 1 -type d)" '' 'the delegated group is as it was'
    check 'and can be removed' rmdir "$group"
    rm -rf /tmp/ration-1000
    assert_no_leftovers
fi
