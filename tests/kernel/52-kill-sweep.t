#!/bin/sh
# SIGKILL at every system call of a run, of ration itself and of the processes it starts: nobody lives
# on, and the next call finds and removes whatever else is left.
. "${LIB:-${0%/*}/../lib.sh}"
. "${0%/*}/fault.sh"
require_root

kill_sweep() { # NAME PROCESS OPTION-OF-RUN...
    name=$1 process=$2
    shift 2
    # shellcheck disable=SC2086 # limits are several words
    sweep "$name" "$stride" -p "$process" -x ran sweep-kill -- \
        "$RATION" run --name @ $limits "$@" -- "$step" say ran
}

kill_asleep() { # NAME PROCESS OPTION-OF-RUN...: COMMAND does not end by itself
    name=$1 process=$2
    shift 2
    # shellcheck disable=SC2086
    sweep "$name" "$stride" -p "$process" -b "$asleep_ms" sweep-kill -- \
        "$RATION" run --name @ $limits "$@" -- /bin/sleep 60
}

for process in supervisor box command; do
    kill_sweep "a run, the $process killed" "$process"
done
for process in supervisor box; do
    kill_asleep "a run of sleep, the $process killed" "$process"
    # shellcheck disable=SC2086
    sweep "a run with a terminal, the $process killed" "$stride" -p "$process" -t -x ran \
        sweep-kill -- "$RATION" run -i -t --name @ $limits -- "$step" say ran
done
make_root "$work/root"
for process in supervisor box; do
    # shellcheck disable=SC2086
    sweep "a run in a root of its own, the $process killed" "$stride" -p "$process" -x ran \
        sweep-kill -- "$RATION" run --name @ $limits --rootfs "$work/root" -- /faultstep say ran
done
# Without a pid namespace nothing dies by itself.
for process in supervisor box; do
    kill_asleep "a run among the host's processes, the $process killed" "$process" --pid host
done
if [ "$stride" -eq 1 ]; then
    for process in supervisor box; do
        kill_sweep "a run among the host's processes to its end, the $process killed" "$process" \
            --pid host
        kill_sweep "a run without init, the $process killed" "$process" --init=false
        kill_asleep "a run of sleep without init, the $process killed" "$process" --init=false
        kill_asleep "a run without both, the $process killed" "$process" --init=false --pid host
        kill_sweep "a run in a user namespace, the $process killed" "$process" --userns private
        kill_sweep "a run with counted output, the $process killed" "$process" \
            --output-limit 1m --timeout 1m --report /dev/null
    done
fi
assert_no_leftovers 'nothing is left of the kill sweeps'
