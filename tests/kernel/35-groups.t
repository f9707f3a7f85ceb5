#!/bin/sh
# Groups of containers, by the cgroup room alone: at a given path, in every hierarchy, with the limits shown
# in COMMAND's own group; frozen, listed, signalled, changed and removed by whoever opens them again.
# shellcheck disable=SC2016,SC2034 # for other shells; lib.sh reads t_last
. "${LIB:-${0%/*}/../lib.sh}"
require_root
require_controller cpu memory pids
groups=$TOOLS/groups
hog=$TOOLS/hog
record=$work/record
top=rt-groups-$$

by_version() {
    if [ "$(controller_version "$1")" = 2 ]; then echo "$3"; else echo "$2"; fi
}

where_is() { # CONTROLLER PATH
    t_where=$(t_hierarchy "$1") && printf '%s/%s\n' "${t_where%% *}" "$2"
}

all_of() { # PATH: that directory in every hierarchy that has it
    awk '{ for (i = 7; i <= NF && $i != "-"; i++); if ($(i + 1) ~ /^cgroup2?$/) print $5 }' /proc/self/mountinfo |
        while read -r mount; do
            [ ! -d "$mount/$1" ] || echo "$mount/$1"
        done
}

# make_groups [RECORD:] ARGS...: status in $status, sentence in $err. Each on a record of its own.
make_groups() {
    t_last="(groups) $*"
    t_record=$record
    case $1 in *:) t_record=$work/${1%:} && shift ;; esac
    status=0
    "$groups" "$t_record" make "$@" >"$out" 2>"$err" || status=$?
}

dweller() { # NUMBER: a sleeper in the groups; its pid in $pid
    "$groups" "$record" enter "$hog" sleep "4600.$$$1" &
    pid=$!
    wait_until 20 in_group "$pid"
}

in_group() {
    grep -q "$top" "/proc/$1/cgroup" && [ "$(tr '\0' ' ' <"/proc/$1/cmdline" | grep -c sleep)" = 1 ]
}

# ---- at a path ---------------------------------------------------------------------------------

rule='deny a;c 1:3 rwm;c 1:5 rwm'
make_groups "path=/$top/pod/one" named mirror halves memory=50m memory-swap=60m cpu-quota=50000 \
    pids-limit=40 device-cgroup-rule="$rule"
expect_status 0 'groups are made at a path whose upper groups are missing'
limit=$(where_is memory "$top/pod/one")
file=$(by_version memory memory.limit_in_bytes memory.max)
expect_equal "$(cat "$limit/$file")" 52428800 'the limit stands in the group at the path'
expect_equal "$(cat "$limit/box/$file")" 52428800 'and in the inner group, where programs look'
cpu=$(where_is cpu "$top/pod/one")
if [ "$(controller_version cpu)" = 2 ]; then
    expect_equal "$(cat "$cpu/box/cpu.max")" '50000 100000' 'the CPU quota is shown inside'
else
    expect_equal "$(cat "$cpu/box/cpu.cfs_quota_us")" 50000 'the CPU quota is shown inside'
fi
dweller 1
missing=$(sed -n 's/^[0-9]*:\([^:]*\):/\1 /p' "/proc/$pid/cgroup" | grep -v "/$top/pod/one/box$" |
    grep -v '^name=.* /$\|^ /$' || :)
expect_equal "$missing" '' 'the container is in a group of its own in every hierarchy'
expect_equal "$("$groups" "$record" pids | grep -cx "$pid")" 1 'its processes are listed'
make_groups second: "path=/$top/pod/one"
expect_status 125 'a group that holds processes is not taken'
expect_stderr_matches "/$top/pod/one exists already and is in use" 'which is said'
check 'and left as it was' test -d "$limit/box"
make_groups second: "path=/$top/pod/../x"
expect_status 125 'a path with .. in it is refused'
make_groups second: "path=/$top/pod/one/deep/er" pids-limit=5
expect_status 0 'groups beneath others are made'
check 'and removed with those above that were made for them' "$groups" "$work/second" reclaim
check_not 'so that nothing of them is left' test -d "$(where_is pids "$top/pod/one/deep")"

# ---- frozen, signalled, changed ------------------------------------------------------------------

expect_equal "$("$groups" "$record" frozen)" no 'a running container is not frozen'
check 'it is frozen' "$groups" "$record" freeze
expect_equal "$("$groups" "$record" frozen)" yes 'and then said to be'
check 'it is thawed' "$groups" "$record" thaw
expect_equal "$("$groups" "$record" frozen)" no 'and then not frozen any more'
"$groups" "$record" update mirror memory=50m memory-swap=60m cpu-quota=50000 device-cgroup-rule="$rule" -- \
    cpu-quota=20000 memory=40m device-cgroup-rule='deny a;c 1:3 rwm;c 1:7 rwm' >"$out" 2>"$err" &&
    status=0 || status=$?
expect_equal "$status" 0 "limits of a live container are lowered on both levels $(cat "$err")"
expect_equal "$(cat "$limit/$file") $(cat "$limit/box/$file")" '41943040 41943040' 'memory on both'
"$groups" "$record" update mirror cpu-quota=20000 memory=40m memory-swap=60m -- cpu-quota=90000 memory=55m \
    >"$out" 2>"$err" && status=0 || status=$?
expect_equal "$status" 0 "and raised $(cat "$err")"
if [ "$(controller_version devices)" = 1 ]; then
    devices=$(where_is devices "$top/pod/one")
    expect_equal "$(sort "$devices/devices.list" | tr '\n' ';')" 'c 1:3 rwm;c 1:7 rwm;' \
        'device rules of a live container are replaced'
    expect_equal "$(sort "$devices/box/devices.list" | tr '\n' ';')" 'c 1:3 rwm;c 1:7 rwm;' \
        'in its own group as well'
fi
check_not 'a denied device is denied' "$groups" "$record" enter "$TOOLS/probe" open r /dev/zero
check 'an allowed one is allowed' "$groups" "$record" enter "$TOOLS/probe" open r /dev/full
dweller 2
expect_between "$("$groups" "$record" signal 23)" 2 3 'a signal reaches every process'

# A signal to all while they multiply: nobody gets away. (busybox's shell in the virtual machine is slow.)
make_groups second: "path=/$top/forks" mirror pids-limit=60
"$groups" "$work/second" enter sh -c \
    'i=0; while [ $i -lt 30 ]; do sleep 4700 & i=$((i + 1)); done; wait' 2>/dev/null &
wait_until 20 sh -c '[ "$("$0" "$1" pids | wc -l)" -gt 5 ]' "$groups" "$work/second"
"$groups" "$work/second" signal 15 >/dev/null
check 'who forks does not outrun a signal to all' wait_until 20 sh -c '[ -z "$("$0" "$1" pids)" ]' \
    "$groups" "$work/second"
"$groups" "$work/second" reclaim

# ---- out of memory -------------------------------------------------------------------------------

expect_equal "$("$groups" "$record" oom "$hog" mem 100m 2>&1 | tail -n 1)" 'told more' \
    'want of memory is announced'
expect_between "$("$groups" "$record" count | sed -n 's/^failcnt //p')" 1 1000000000 \
    'and counted, whichever of the two levels was hit'

# ---- the end -------------------------------------------------------------------------------------

check 'it is frozen once more' "$groups" "$record" freeze
freezer=$(where_is freezer "$top/pod/one") && [ -e "$freezer/freezer.state" ] &&
    echo FROZEN >"$freezer/freezer.state"
check 'a frozen container is killed' "$groups" "$record" kill
expect_equal "$("$groups" "$record" pids)" '' 'nobody is left'
wait
check 'its groups go' "$groups" "$record" reclaim
expect_equal "$(all_of "$top")" '' 'and nothing is left'

# An empty group is replaced, somebody else's upper group stays, a foreign group is not touched.
pids=$(where_is pids "$top")
mkdir "$pids" "$pids/two"
make_groups "path=/$top/two" pids-limit=3
expect_status 0 'an empty group that stands at the path is replaced'
check 'reclaimed' "$groups" "$record" reclaim
check 'but not the group above, which was there before' test -d "$pids"
mkdir "$pids/two" "$pids/two/inner"
check 'a group of that path that is not ours is no concern of the record' "$groups" "$record" reclaim
check 'and stays' test -d "$pids/two/inner"
rmdir "$pids/two/inner" "$pids/two" "$pids"
expect_equal "$(all_of "$top")" '' 'nothing else is left'

# ---- begun, but not completed ------------------------------------------------------------------

make_groups "path=/$top/half" halves mirror memory=50m cgroup-conf=pids.max=nonsense
expect_status 125 'groups whose limits cannot be written are not made'
expect_equal "$(all_of "$top")" '' 'and who was born in them is gone with them'

# ---- somebody else than root -------------------------------------------------------------------

chmod 777 "$work"
if [ "$LAYOUT" = v2 ]; then
    delegated=/sys/fs/cgroup/$top
    mkdir "$delegated" "$delegated/shell"
    chown -R 1000:1000 "$delegated"
    # as_user ARGS...: the tool as user 1000 in the delegated group
    as_user() {
        status=0
        sh -c 'echo $$ >"$0/shell/cgroup.procs" && exec "$@"' "$delegated" "$hog" run-as 1000 \
            "$groups" "$work/third" "$@" >"$out" 2>"$err" || status=$?
    }
    for path in up/one "/$top/up/one"; do
        as_user make "path=$path" mirror halves memory=50m
        expect_equal "$status" 0 "delegated: groups at $path $(cat "$err")"
        expect_equal "$(cat "$delegated/up/one/box/memory.max")" 52428800 'with their limits, on both levels'
        as_user reclaim
        expect_equal "$status" 0 "and they are reclaimed $(cat "$err")"
        expect_equal "$(find "$delegated" -mindepth 1 -type d)" "$delegated/shell" 'with all that was made for them'
    done
    as_user make "path=/elsewhere-$$/one" mirror memory=50m
    expect_status 125 'delegated: what is not beneath is refused'
    rmdir "$delegated/shell" "$delegated"
else
    status=0
    "$hog" run-as 1000 "$groups" "$work/third" make path=/nowhere/one named mirror >"$out" 2>"$err" || status=$?
    expect_equal "$status" 0 "without a writable hierarchy and without limits there are no groups $(cat "$err")"
    expect_equal "$(cat "$work/third")" '' 'and none is on record'
    status=0
    "$hog" run-as 1000 "$groups" "$work/third" make path=/nowhere/one memory=50m >"$out" 2>"$err" || status=$?
    expect_equal "$status" 125 'a limit is refused'
    expect_stderr_matches '--memory' 'by its name'
fi
assert_no_leftovers
