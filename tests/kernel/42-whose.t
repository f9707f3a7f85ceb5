#!/bin/sh
# shellcheck disable=SC2016,SC2034 # expanded in the run; read by the library
# Whose memory limit it was: the run's own, that of a group above, or one that COMMAND made beneath; and
# that no limit above is blamed for having been touched only.
. "${LIB:-${0%/*}/../lib.sh}"
require_root
require_controller memory
hog=$TOOLS/hog
version=$(controller_version memory)
where=$(t_hierarchy memory)
where=${where%% *}
above=rt-whose-$$

# limit_above BYTES: the group that the runs below are put beneath.
limit_above() {
    if [ "$version" = 2 ]; then
        echo "$1" >"$where/$above/memory.max"
        echo 0 >"$where/$above/memory.swap.max"
    else
        echo "$1" >"$where/$above/memory.limit_in_bytes"
    fi
}
mkdir "$where/$above"
[ "$version" = 1 ] || echo +memory >"$where/$above/cgroup.subtree_control"
limit_above 60m

# evidence NAME PATTERN: the file that the verdict rests on, with a count that moved.
expect_moved() {
    expect_json_matches "$json" verdict.evidence \
        "\"after\":[1-9][0-9]*,\"before\":[0-9]+,\"source\":\"[^\"]*$2\"" "$1"
}
expect_still() {
    expect_json_matches "$json" verdict.evidence \
        "\"after\":([0-9]+),\"before\":\\1,\"source\":\"[^\"]*$2\"" "$1"
}
expect_once() { # each source stands in the evidence once
    t_sources=$("$TOOLS/jget" "$json" verdict.evidence | grep -o '"source":"[^"]*"' | sort)
    expect_equal "$t_sources" "$(printf '%s\n' "$t_sources" | sort -u)" "$1"
}
if [ "$version" = 2 ]; then
    own_source="$above/ration-[^/]*/memory.events.local oom"
    above_source="$above/memory.events.local oom"
else
    own_source="$above/ration-[^/]*/memory.oom_control eventfd"
    above_source="$above/memory.oom_control eventfd"
fi

# ---- own ---------------------------------------------------------------------------------------

run_json --cgroup-parent "/$above" --memory 20m --memory-swap 20m -- "$hog" mem 40m
expect_json "$json" verdict.cause memory 'beneath a wider limit, the own one kills'
expect_json "$json" verdict.whose own
expect_json "$json" verdict.limit memory
expect_moved 'the own group was out of memory' "$own_source"
expect_still 'the one above was not' "$above_source"
expect_once 'no source is named twice'

# ---- above -------------------------------------------------------------------------------------

run_json --cgroup-parent "/$above" -- "$hog" mem 90m
expect_json "$json" verdict.cause memory 'without a limit of its own, the one above kills'
expect_json "$json" verdict.whose ancestor
expect_json "$json" verdict.limit null
expect_moved 'the group above was out of memory' "$above_source"

run_json --cgroup-parent "/$above" --memory 200m -- "$hog" mem 90m
expect_json "$json" verdict.whose ancestor 'a limit of its own that is wider is not blamed'
expect_moved 'the group above was out of memory' "$above_source"
expect_still 'the own was not' "$own_source"
expect_once 'no source is named twice'

# The own limit is reached first, by a file's pages, which can be dropped again; then somebody else fills
# the group above, and it is its limit that kills.
on_disk() { # prints a directory that does not lie in memory
    for t_dir in /scratch /var/tmp; do
        case $(stat -f -c %T "$t_dir" 2>/dev/null) in
        ext* | xfs | btrfs | ef53) echo "$t_dir" && return ;;
        esac
    done
    return 1
}
neighbour_is_full() {
    t_used=$(cat "$where/$above"/ration-*/memory.current \
        "$where/$above"/ration-*/memory.usage_in_bytes 2>/dev/null | sort -n | tail -n 1)
    [ "${t_used:-0}" -ge 31457280 ]
}
if dir=$(on_disk); then
    limit_above 48m
    start_json --cgroup-parent "/$above" --oom-score-adj 500 --memory 30m --timeout 60s -- \
        sh -c '"$0" file 60m "$1"; echo read; until [ -e "$2" ]; do sleep 0.1; done
            exec "$0" mem 25m' "$hog" "$dir/rt-large.$$" "$work/filled"
    wait_until 30 grep -q read "$out"
    "$RATION" run --cgroup-parent "/$above" --memory 100m -- "$hog" mem 30m --hold 60 \
        >/dev/null 2>&1 </dev/null &
    neighbour=$!
    t_pids="$t_pids $neighbour"
    wait_until 30 neighbour_is_full
    touch "$work/filled"
    wait_ration
    expect_json "$json" verdict.cause memory 'a neighbour fills the group above'
    expect_json "$json" verdict.whose ancestor 'the own limit, though touched before, is not blamed'
    expect_json_between "$json" metrics.memory_failcnt.value 1 100000000 'it had been touched'
    expect_moved 'the group above was out of memory' "$above_source"
    kill -TERM "$neighbour"
    wait "$neighbour"
    rm -f "$dir/rt-large.$$"
fi

# ---- beneath -----------------------------------------------------------------------------------

limit_above 150m
cat >"$work/nest" <<'NEST'
set -e
hog=$1 version=$2
mount -t tmpfs none /run
if [ "$version" = 2 ]; then
    mount -t cgroup2 none /run
    mkdir /run/leaf /run/nest
    echo $$ >/run/leaf/cgroup.procs
    echo +memory >/run/cgroup.subtree_control
    echo 10m >/run/nest/memory.max
    echo 0 >/run/nest/memory.swap.max
else
    mount -t cgroup -o memory none /run
    mkdir /run/nest
    echo 10m >/run/nest/memory.limit_in_bytes
fi
echo $$ >/run/nest/cgroup.procs
exec "$hog" mem 40m
NEST
if [ "$version" = 1 ] || "$RATION" run --privileged --memory 100m -- \
    sh -c 'mount -t cgroup2 none /run && grep -q memory /run/cgroup.controllers' 2>/dev/null; then
    run_json --privileged --memory 100m -- sh "$work/nest" "$hog" "$version"
    expect_json "$json" verdict.cause memory 'a group that COMMAND made kills'
    expect_json "$json" verdict.whose null
    expect_json_matches "$json" verdict.text 'limit of a group that COMMAND itself made' 'it is told so'
    expect_once 'no source is named twice'
fi

# ---- held instead of killed --------------------------------------------------------------------

if [ "$version" = 1 ]; then
    run_json --memory 20m --memory-swap 20m --oom-kill-disable --timeout 1s -- "$hog" mem 60m
    expect_status 124 '--oom-kill-disable: what is out of memory is held until its time is up'
    expect_json "$json" verdict.cause wall_time
    expect_json "$json" verdict.limit timeout
    expect_moved 'that it was out of memory is in the evidence' 'memory.oom_control eventfd'
    expect_json_matches "$json" verdict.text 'out of memory, and --oom-kill-disable' 'and said'
    run_json --memory 20m --oom-kill-disable --timeout 30s -- "$hog" mem 10m
    expect_json_matches "$json" verdict.text '^exited: COMMAND exited with status 0$' \
        'who is not out of memory hears nothing of it'

    expect_refused 125 '--oom-group .*only on cgroup v2' --memory 20m --oom-group -- "$hog" exit 0
    run_json --best-effort --memory 20m --oom-group -- "$hog" exit 0
    expect_status 0 '--oom-group by --best-effort: runs'
    expect_json_matches "$json" limits.oom-group.note 'not in force' 'and is not in force'
else
    expect_refused 125 '--oom-kill-disable' --memory 20m --oom-kill-disable -- "$hog" exit 0
    run_json --memory 20m --memory-swap 20m --oom-group -- sh -c '"$0" mem 60m; exit 0' "$hog"
    expect_json "$json" verdict.cause memory '--oom-group: the shell dies with its child'
    expect_json "$json" verdict.whose own
fi

# Nobody reads a verdict: nothing is watched, and nothing is different.
run_ration run --cgroup-parent "/$above" --memory 20m --memory-swap 20m -- "$hog" mem 40m
expect_status 137 'without a report'
rmdir "$where/$above"
assert_no_leftovers
