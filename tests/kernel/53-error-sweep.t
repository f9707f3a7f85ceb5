#!/bin/sh
# Each system call of a run fails once, in each of these ways: no hang, no crash, nothing left, a
# sentence, and if the run goes on in spite of it, COMMAND is confined as if nothing had happened.
. "${LIB:-${0%/*}/../lib.sh}"
. "${0%/*}/fault.sh"
require_root

errors='ENOSPC ENOMEM EIO EINTR EPERM EMFILE EAGAIN'
# EIO is how a terminal says that its other side has gone, which is no error.
few_errors='ENOMEM EINTR EPERM'

fail_sweep() { # NAME PROCESS ERRORS OPTION-OF-RUN...
    name=$1 process=$2 these=$3
    shift 3
    # shellcheck disable=SC2086 # limits and errors are several words
    sweep "$name" "$stride" -p "$process" -i sweep-fail $these -- \
        "$RATION" run --name @ $limits "$@" -- "$TOOLS/fingerprint"
}

for process in supervisor box command; do
    fail_sweep "a run, calls of the $process fail" "$process" "$errors"
done
if [ "$stride" -eq 1 ]; then
    make_root "$work/root"
    for process in supervisor box command; do
        # shellcheck disable=SC2086
        sweep "a run in a root of its own, calls of the $process fail" "$stride" -p "$process" -i \
            sweep-fail $few_errors -- \
            "$RATION" run --name @ $limits --rootfs "$work/root" -- /fingerprint
        # shellcheck disable=SC2086
        sweep "a run with a terminal, calls of the $process fail" "$stride" -p "$process" -t -x ran \
            sweep-fail $few_errors -- \
            "$RATION" run -i -t --name @ $limits -- "$step" say ran
    done
    for process in supervisor box; do
        fail_sweep "a run among the host's processes, calls of the $process fail" "$process" \
            "$few_errors" --pid host
        fail_sweep "a run without init, calls of the $process fail" "$process" "$few_errors" \
            --init=false
        fail_sweep "a run in a user namespace, calls of the $process fail" "$process" \
            "$few_errors" --userns private
        fail_sweep "a run with counted output, calls of the $process fail" "$process" \
            "$few_errors" --output-limit 1m --timeout 1m --report /dev/null
    done
fi
assert_no_leftovers 'nothing is left of the error sweeps'
