#!/bin/sh
# shellcheck disable=SC2016,SC2034 # expanded in the run; read by the library
# A COMMAND with user number 0 does what lifts the limits of others: it unshares namespaces, mounts the
# control groups anew and raises whatever it finds there. What counts does not change.
. "${LIB:-${0%/*}/../lib.sh}"
require_root
require_controller cpu memory pids cpuset
hog=$TOOLS/hog
escape=$TOOLS/escape
probe=$TOOLS/probe

# Where a version 1 hierarchy is, COMMAND is kept from making user namespaces; the limits must hold without
# that, too.
open='--security-opt seccomp=unconfined'
for options in "$open" '--privileged' "--init=false $open" "--cgroupns host $open" '--userns private' \
    '--cap-add ALL'; do
    # shellcheck disable=SC2086 # a list of words
    {
        run_json $options --memory 20m --memory-swap 20m -- "$escape" memory "$hog" mem 60m
        name="${options:-as is}: "
        expect_json "$json" verdict.cause memory "$name memory still kills"
        expect_json "$json" verdict.whose own
        expect_stderr_matches '^escape: mounted [0-9]+, wrote [0-9]+$' "$name it did try"
        run_json $options --pids-limit 10 -- "$escape" pids "$hog" fork 40
        expect_status 3 "$name the fork bomb is still stopped"
        run_ration run $options --cpuset-cpus 0 -- "$escape" cpuset "$probe" affinity
        expect_stdout_is 0 "$name it stays on its CPU"
    }
    assert_no_leftovers "$name nothing is left, neither of the groups it made"
done

# In a hierarchy where it has no group of its own it would see those of other runs beneath the root.
if [ "$LAYOUT" != v2 ]; then
    run_ration run -- unshare -U true
    expect_status 1 'COMMAND cannot make a user namespace, in which it could mount what others are limited by'
    run_ration run -- sh -c 'true & wait $!'
    expect_status 0 'but processes, as ever'
fi
# shellcheck disable=SC2086
run_ration run $open -- unshare -U true
expect_status 0 'where it is allowed to, it can'

# With the privileges that it has, without a user namespace.
run_json --privileged --memory 20m --memory-swap 20m -- "$escape" -n memory "$hog" mem 60m
expect_json "$json" verdict.cause memory 'privileged, without a user namespace: memory still kills'
expect_stderr_matches '^escape: mounted [1-9]' 'it could mount hierarchies'

# CPU time: one tenth of a CPU for half a second of use takes about five seconds.
run_json --privileged --cpus 0.1 -- "$escape" cpu "$hog" cputime 300ms
expect_json_between "$json" metrics.wall_us.value 2000000 60000000 'the CPU quota still holds'

run_ration run --device-cgroup-rule 'deny c 1:5 rwm' -- "$escape" devices "$probe" open r /dev/zero
expect_status 3 'a device that is denied stays denied'

# The cgroup files that it is shown cannot be written to.
run_ration run --memory 20m -- sh -c 'for f in $(find /sys/fs/cgroup -name "*.max" -o \
    -name "*limit_in_bytes"); do echo max >"$f" && echo "wrote $f"; done; exit 0' 2>/dev/null
expect_stdout_is '' 'nothing can be written through /sys/fs/cgroup'
run_ration run --memory 20m -- cat /proc/self/cgroup
expect_stdout_lacks 'ration' 'its own group is all it knows of'
assert_no_leftovers
