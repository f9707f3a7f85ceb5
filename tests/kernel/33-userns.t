#!/bin/sh
# shellcheck disable=SC2016,SC2034 # expanded in the run; read by the library
# A root that is another user outside (--userns private with maps of root's choice): it enters its groups
# though they are not its own, their limits hold, and nothing inside can lift them.
. "${LIB:-${0%/*}/../lib.sh}"
require_root
require_controller cpu memory pids
hog=$TOOLS/hog
escape=$TOOLS/escape
maps='--userns private --uidmap 0:100000:65536 --gidmap 0:100000:65536'

# shellcheck disable=SC2086 # lists of words
for options in "$maps" "$maps --init=false" "$maps --pid host" "$maps --privileged" \
    "$maps --cgroupns host" '--userns private --uidmap 0:100000:1 --gidmap 0:100000:1'; do
    name="${options#--userns private }"
    run_ration run $options --memory 50m -- sh -c 'id -u; id -g; cat /proc/self/uid_map'
    expect_status 0 "$name: runs"
    expect_stdout_matches '^ *0 +100000 +' "$name: its root is another user outside"
    run_json $options --memory 20m --memory-swap 20m -- "$hog" mem 60m
    expect_json "$json" verdict.cause memory "$name: the memory limit holds"
    expect_json "$json" verdict.whose own
    run_json $options --pids-limit 10 -- "$hog" fork 30
    expect_json "$json" verdict.cause pids "$name: the pids limit holds"
    expect_json_between "$json" metrics.cpu_total_us.value 1 10000000 "$name: its CPU time is counted"

    # Mounts the hierarchies itself, and tries to write whatever could lift a limit.
    run_json $options --memory 20m --memory-swap 20m --pids-limit 40 -- \
        "$escape" -n memory,pids,cpu "$hog" mem 60m
    expect_stderr_matches '^escape: mounted [0-9]+, wrote 0$' "$name: no file of a group can be written"
    expect_json "$json" verdict.whose own "$name: nor are the limits lifted"
    assert_no_leftovers "$name: nothing is left"
done

# The files of its own group, and those of the group above if it could be reached, are not its own.
# shellcheck disable=SC2086
start_sleeper 'a run of another root starts' $maps --memory 20m --pids-limit 40
for controller in memory pids; do
    for dir in "$(group_dir $controller "$pid")" "$(limit_dir $controller "$pid")"; do
        expect_equal "$(find "$dir" -maxdepth 1 ! -uid 0)" '' "$dir: every file stays root's own"
    done
done
end_sleeper
expect_status 137

# COMMAND is in the group of every hierarchy before its first instruction.
# shellcheck disable=SC2086
run_ration run $maps --memory 20m --pids-limit 40 --cpus 1 --cgroupns host -- cat /proc/self/cgroup
for controller in memory pids cpu; do
    if [ "$(controller_version $controller)" = 2 ]; then
        expect_stdout_matches '^0::.*/ration-[^/]*/box$' "$controller: it began in its group"
    else
        expect_stdout_matches "[:,]${controller}[:,].*/ration-[^/]*/box\$" \
            "$controller: it began in its group"
    fi
done
assert_no_leftovers
