#!/bin/sh
# kill -9 at seeded moments of import, load, commit and rmi: the store is whole, and the next call removes what lies about.
. "${0%/*}/lib.sh"

busybox_image
run_ration save -o "$work/b.tar" busybox
run_ration create --name box busybox true
seed=4711
next() { # MAX: the next number below it
    seed=$(((seed * 1103515245 + 12345) % 2147483648))
    number=$((seed / 65536 % $1))
}

bad=0
killed=0
n=0
while [ "$n" -lt 200 ]; do
    n=$((n + 1))
    case $((n % 4)) in
    0) set -- import --host-busybox "i$n" ;;
    1) set -- load -i "$work/b.tar" ;;
    2) set -- commit box "c$n" ;;
    3) set -- rmi -f "i$((n - 3))" "c$((n - 1))" ;;
    esac
    next 60
    "$RATION" "$@" >/dev/null 2>&1 &
    victim=$!
    sleep "0.0$(printf %02d "$number")"
    kill -KILL "$victim" 2>/dev/null && killed=$((killed + 1))
    wait "$victim" 2>/dev/null
    if [ $((n % 10)) -eq 0 ]; then
        run_ration image verify
        [ "$status" -eq 0 ] || { bad=$((bad + 1)); t_fail_run "the store is whole after $n" 'it is not'; }
    fi
done
expect_between "$killed" 60 200 'calls were killed while they worked'
expect_equal "$bad" 0 'the store was whole each time it was looked at'
run_ration tag busybox again
expect_status 0 'the next call works'
expect_equal "$(find "$RATION_DATA_DIR/image/tmp" -mindepth 1 | wc -l)" 0 'and has removed what lay about'
run_ration rm box
run_ration image prune -a
expect_status 0 'prune'
expect_equal "$(find "$RATION_DATA_DIR/image/layers" "$RATION_DATA_DIR/image/blobs/sha256" -mindepth 1 | wc -l)" 0 'nothing is left in the store'

# Two at once.
"$RATION" import --host-busybox one >"$work/one" 2>&1 &
first=$!
"$RATION" import --host-busybox two >"$work/two" 2>&1 &
second=$!
wait "$first" && ok 'one import' || not_ok 'one import' "$(cat "$work/one")"
wait "$second" && ok 'and another at the same time' || not_ok 'and another at the same time' "$(cat "$work/two")"
run_ration image verify
expect_stdout_matches '0 defects' 'leave a store that is whole'
