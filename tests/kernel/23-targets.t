#!/bin/sh
# shellcheck disable=SC2016,SC2034 # expanded in the run; read by the library
# What a run makes in a rootfs for its mounts to stand on goes with it, however it ends; what was there
# before stays, and nobody else's mount is taken away.
. "${LIB:-${0%/*}/../lib.sh}"
require_root
hog=$TOOLS/hog

root=$work/root
fresh_root() {
    rm -rf "$root"
    mkdir -p "$root/bin" "$root/kept"
    cp "$hog" "$root/bin/hog"
}
tree() {
    (cd "$root" && find . | sort | tr '\n' ' ')
}
clean='. ./bin ./bin/hog ./kept '
mkdir "$work/shown"
echo text >"$work/text"

fresh_root
run_ration run --rootfs "$root" -v "$work/shown:/a/b/c" -v "$work/text:/x/text:ro" \
    -v "$work/shown:/kept" -w /where/it/runs -- /bin/hog exit 3
expect_status 3 'targets that are missing are made'
expect_equal "$(tree)" "$clean" 'and are gone when the run has ended'

run_ration run --rootfs "$root" -v "$work/shown:/shown" -- /bin/hog file 4k /shown/made
expect_equal "$(ls "$work/shown")" made 'what COMMAND wrote into a mount is where it belongs'
expect_equal "$(tree)" "$clean" 'and the target is gone'
rm "$work/shown/made"

run_ration run --rootfs "$root" -w /where -- /bin/hog file 4k left
expect_equal "$(tree)" "$clean./where ./where/left " 'a directory that something was put into stays'
fresh_root

ln -s kept "$root/link"
run_ration run --rootfs "$root" -v "$work/shown:/link/below" -- /bin/hog exit 0
expect_status 0 'a target behind a link of the root'
expect_equal "$(tree)" "${clean}./link " 'is gone too'
fresh_root

# ---- failures ----------------------------------------------------------------------------------

fails() { # STATUS NAME OPTIONS...
    wanted=$1
    name=$2
    shift 2
    run_ration run --rootfs "$root" -v "$work/shown:/a/b" -v "$work/text:/t" "$@"
    expect_status "$wanted" "$name: fails"
    expect_equal "$(tree)" "$clean" "$name: what was made is gone"
}
fails 125 'a source that is not there' -v "$work/nowhere:/z" -- /bin/hog exit 0
fails 125 'a directory on a file' -v "$work/shown:/bin/hog" -- /bin/hog exit 0
fails 125 'a working directory that is a file' -w /bin/hog -- /bin/hog exit 0
fails 127 'no COMMAND' -- /nonexistent
! has_controller cpu || fails 125 'a limit that is refused' --cgroup-conf cpu.nonsense=1 -- /bin/hog exit 0

# ---- others on the same root -------------------------------------------------------------------

start_ration run --rootfs "$root" -v "$work/shown:/shared/below" -- /bin/hog sleep "3600.$$"
first=$ration_pid
wait_until 20 test -d "$root/shared/below"
t_find_first() { pid=$(find_process hog "3600.$$"); }
wait_until 20 t_find_first
run_ration run --rootfs "$root" -v "$work/text:/second" -- /bin/hog exit 0
check 'another run on the same root takes nothing of it away' \
    grep -q ' /shared/below ' "/proc/$pid/mountinfo"
expect_equal "$([ -e "$root/second" ] && echo there)" there \
    'nor what it made itself: it cannot know who uses it by now'
kill -TERM "$first"
wait_ration
expect_equal "$(tree)" "$clean./second " 'the last to leave removes its own'
fresh_root

# ---- hostile -----------------------------------------------------------------------------------

# In busybox's own shell "command -v" answers with the bare name.
busybox=/bin/busybox
[ -x $busybox ] || busybox=$(command -v busybox)
if [ -x "$busybox" ]; then
    cp "$busybox" "$root/bin/busybox"
    mkdir -p "$work/outside/below" "$root/kept/inside"
    run_ration run --rootfs "$root" --privileged -w /top/below -- /bin/busybox sh -c \
        '/bin/busybox rm -r /top && /bin/busybox ln -s "$0" /top' "../../../../..$work/outside"
    expect_status 0 'COMMAND puts a link out of the root in the way'
    check 'which is not followed' test -d "$work/outside/below"
    fresh_root
fi

# ---- killed in the middle ----------------------------------------------------------------------

RATION_STATE_DIR=$work/state # where no other ration reclaims it first
export RATION_STATE_DIR
start_ration run --rootfs "$root" -v "$work/shown:/a/b" -v "$work/text:/t" -- /bin/hog sleep "3601.$$"
t_find_killed() { pid=$(find_process hog "3601.$$"); }
wait_until 20 t_find_killed
kill -KILL "$ration_pid"
wait_ration
gone() { ! kill -0 "$pid"; }
wait_until 20 gone
run_ration run -- "$hog" exit 0
expect_equal "$(tree)" "$clean" 'what a killed ration left in its root goes with the next call'
assert_no_leftovers
