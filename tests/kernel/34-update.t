#!/bin/sh
# Limits of a run that is alive are changed one by one; the report tells what each file was read back
# with, and of each limit its own file.
. "${LIB:-${0%/*}/../lib.sh}"
require_root
require_controller cpu memory pids cpuset
hog=$TOOLS/hog

# LIMIT VALUE ... -- LIMIT VALUE ...: result in $json, refusals in $err
# shellcheck disable=SC2034 # read by the library
run_update() {
    t_last="(library) $*"
    status=0
    "$TOOLS/update" "$@" -- "$hog" sleep 3600 >"$json" 2>"$err" || status=$?
}

run_update cpuset-cpus 0 memory 100m pids-limit 50 -- memory 50m
expect_status 0 'a run whose memory limit is lowered'
expect_json "$json" limits.memory.in_force 52428800 'the new memory limit is reported'
expect_json "$json" limits.cpuset-cpus.in_force 0 'the CPUs are reported as they were'
expect_json "$json" limits.pids-limit.in_force 50 'the number of processes is reported as it was'

# What is raised is written in another order than what is made.
run_update memory 100m memory-swap 200m -- memory-swap 300m memory 250m
expect_status 0 'a run whose memory limits are raised'
expect_json "$json" limits.memory.in_force 262144000 'the raised memory limit is reported'
expect_json_matches "$json" limits.memory-swap.in_force '^(314572800|52428800)$' \
    'the raised total is reported, or on v2 what of it is swap'

run_update cpus 1 rlimit-nofile 100 timeout 1h -- cpu-quota 50000 pids-limit 7 rlimit-nofile 90
expect_json_matches "$json" limits.cpus.in_force '^50000\b' \
    'a limit is changed by another name than it was given by'
expect_json "$json" limits.rlimit-nofile.in_force 100 'an rlimit stays what it was'
expect_stderr_matches 'was started without a group' 'a limit without a group is refused'
expect_stderr_matches '--rlimit-nofile 90 cannot be changed' 'an rlimit cannot be changed, and only that says so'
check 'nothing else is refused' test "$(wc -l <"$err")" -eq 2

# ---- output that nobody wants ------------------------------------------------------------------

for options in 'output-limit 1m' 'tty true'; do
    # shellcheck disable=SC2086 # two words
    "$TOOLS/update" $options timeout 1m -- -- "$hog" out 300000 >"$json" 2>"$err"
    expect_json "$json" exit_status 0 "($options) what COMMAND writes to nobody does not hold it up"
    expect_json_between "$json" metrics.output_bytes.value 300000 310000 "($options) and is counted"
done
assert_no_leftovers
