#!/bin/sh
# Each allocation of a run fails, alone and with all that follow it: no crash, nothing left, and either
# the run as it should be or a sentence and 125.
. "${LIB:-${0%/*}/../lib.sh}"
. "${0%/*}/fault.sh"
require_root
[ -x "$TOOLS/ration-alloc" ] || skip_all 'takes a static build, for ration-alloc'

alloc_sweep() { # NAME OPTION-OF-RUN...
    name=$1
    shift
    # shellcheck disable=SC2086 # limits are several words
    sweep "$name" "$stride" -x ran sweep-alloc -- \
        "$TOOLS/ration-alloc" run --name @ $limits "$@" -- "$step" say ran
}

alloc_sweep 'a run'
alloc_sweep 'a run with a report' --report "$work/report" --format json -e A=b --hostname box \
    --tmpfs /run --timeout 1m --cpu-time 1m --ulimit nofile=64:64
# shellcheck disable=SC2086
sweep 'a run with a terminal' "$stride" -t -x ran sweep-alloc -- \
    "$TOOLS/ration-alloc" run -i -t --name @ $limits -- "$step" say ran
# shellcheck disable=SC2086
sweep 'a plan' "$stride" -x memory sweep-alloc -- \
    "$TOOLS/ration-alloc" plan --json --layout v2 $limits
assert_no_leftovers 'nothing is left of the allocation sweep'
