#!/bin/sh
# shellcheck disable=SC2016,SC2034,SC2154 # expanded inside; read by the library
# Commands at once: on one container, for one name, and on many containers.
. "${0%/*}/lib.sh"

# ---- one name --------------------------------------------------------------------------------------------------

for i in 1 2 3 4 5 6; do
    "$RATION" create --name same -- true >"$work/id.$i" 2>"$work/err.$i" &
done
wait
expect_equal "$(cat "$work"/id.* | wc -l)" 1 'of those who want a name one gets it'
expect_equal "$(cat "$work"/err.* | grep -c 'taken by container')" 5 'the others hear who has it'
expect_equal "$("$RATION" ps -aq | wc -l)" 1 'and leave nothing'
run_ration rm same

# ---- one container ---------------------------------------------------------------------------------------------

run_ration create --name one -- sleep 3600
for i in 1 2 3 4; do "$RATION" start one >/dev/null 2>"$work/err.$i" & done
wait
expect_equal "$("$RATION" ps -q | wc -l)" 1 'started by four it runs once'
expect_equal "$("$RATION" events --filter container=one --filter event=start | wc -l)" 1 'and has begun once'
for i in 1 2 3 4; do "$RATION" stop -t 0 one >/dev/null 2>"$work/err.$i" || : >"$work/failed" & done
wait
check_not 'stopped by four it is stopped for all' test -e "$work/failed"
for round in 1 2 3; do
    "$RATION" start one >/dev/null 2>&1 &
    "$RATION" rm -f one >/dev/null 2>&1 || : >"$work/failed"
    wait
    expect_equal "$("$RATION" ps -aq | wc -l)" 0 "removed while it starts it is gone, round $round"
    "$RATION" create --name one -- sleep 3600 >/dev/null
done
check_not 'and rm -f says so' test -e "$work/failed"
for i in 1 2 3; do "$RATION" rm -f one >/dev/null 2>&1 || : >"$work/failed" & done
wait
check_not 'removed by three it is removed for all' test -e "$work/failed"

# ---- many ------------------------------------------------------------------------------------------------------

n=0
while [ "$n" -lt 20 ]; do
    n=$((n + 1))
    "$RATION" run -d --name "many$n" -- sleep 3600 >/dev/null 2>"$work/err.$n" &
done
wait
expect_equal "$("$RATION" ps -q | wc -l)" 20 'twenty at once'
expect_equal "$(cat "$work"/err.*)" '' 'without a word'
# shellcheck disable=SC2046 # a list of ids
run_ration stop -t 0 $("$RATION" ps -q)
expect_status 0 'and all are stopped'
expect_equal "$("$RATION" ps -q | wc -l)" 0 'none runs'

engine_clean
