#!/bin/sh
# shellcheck disable=SC2016,SC2034 # expanded in the run; read by the library
# What cannot be done is refused: status 125 (2 where the words themselves are wrong), one sentence that
# names the option or the place, and nothing left, not even for the next call to clear up.
. "${LIB:-${0%/*}/../lib.sh}"
require_root
require_controller cpu memory pids cpuset
hog=$TOOLS/hog

# ---- values that this machine or its kernel cannot take ----------------------------------------

expect_refused 125 '--memory' --memory 900t -- "$hog" exit 0
expect_refused 2 '--memory' --memory 101% -- "$hog" exit 0
expect_refused 2 '--memory' --memory 1 -- "$hog" exit 0
expect_refused 2 '--memory' --memory 4k -- "$hog" exit 0
expect_refused 2 '--memory' --memory -5m -- "$hog" exit 0
expect_refused 2 '--memory' --memory 50x -- "$hog" exit 0
expect_refused 2 '--memory' --memory 99999999999999999999 -- "$hog" exit 0
expect_refused 2 '--memory-swap' --memory 50m --memory-swap 40m -- "$hog" exit 0
expect_refused 2 '--cpus' --cpus 0 -- "$hog" exit 0
expect_refused 2 '--cpus' --cpus -1.5 -- "$hog" exit 0
expect_refused 125 '--cpus' --cpus 4000 -- "$hog" exit 0
expect_refused 2 '--cpu-quota' --cpu-quota 10 -- "$hog" exit 0
expect_refused 2 '--cpu-period' --cpu-period 2000000 -- "$hog" exit 0
expect_refused 2 '--cpu-shares' --cpu-shares 1 -- "$hog" exit 0
expect_refused 125 '--cpuset-cpus' --cpuset-cpus 4000 -- "$hog" exit 0
expect_refused 125 '--cpuset-cpus' --cpuset-cpus 0,4000 -- "$hog" exit 0
expect_refused 125 '--cpuset-mems' --cpuset-mems 60 -- "$hog" exit 0
expect_refused 2 '--cpuset-cpus' --cpuset-cpus 1- -- "$hog" exit 0
expect_refused 2 '--pids-limit' --pids-limit 1.5 -- "$hog" exit 0
expect_refused 2 '--hugetlb' --hugetlb 2MB -- "$hog" exit 0
expect_refused 2 '--hugetlb' --hugetlb 3MB:6m -- "$hog" exit 0
expect_refused 2 '--device-read-bps' --device-read-bps /dev/nonexistent:1m -- "$hog" exit 0
expect_refused 2 'memori' --memori 50m -- "$hog" exit 0
expect_refusal_of 2 '--memory' 'the nearest option is suggested'
expect_refused 2 'COMMAND' --memory 50m

# ---- names -------------------------------------------------------------------------------------

long=$(head -c 10000 /dev/zero | tr '\0' a)
expect_refused 2 '--name' --name with/slash -- "$hog" exit 0
expect_refused 2 '--name' --name ../up -- "$hog" exit 0
expect_refused 2 '--name' --name '' -- "$hog" exit 0
expect_refused 2 '--name' --name .hidden -- "$hog" exit 0
expect_refused 2 '--name' --name 'two
lines' -- "$hog" exit 0
run_ration run --name "$long" -- "$hog" exit 0
t_last='run --name (10,000 characters)'
expect_refusal_of 2 '--name'
expect_equal "$([ "$(wc -c <"$err")" -lt 1000 ] && echo short)" short \
    'and it is not all said back'

# ---- files and directories ---------------------------------------------------------------------

expect_refused 125 'rootfs' --rootfs "$work/nowhere" -- "$hog" exit 0
expect_refused 125 'rootfs' --rootfs "$TOOLS/hog" -- "$hog" exit 0
expect_refused 2 '--env-file' --env-file "$work/nowhere" -- "$hog" exit 0
expect_refused 2 '--env-file' --env-file "$work" -- "$hog" exit 0
mkfifo "$work/fifo"
expect_refused 2 '--env-file' --env-file "$work/fifo" -- "$hog" exit 0
expect_refused 125 'nowhere' -v "$work/nowhere:/mnt" -- "$hog" exit 0
expect_refused 125 'nowhere' -w "$work/nowhere" -- "$hog" exit 0
expect_refused 2 '--user' -u no-such-user -- "$hog" exit 0
expect_refused 2 '--user' -u 4294967296 -- "$hog" exit 0
expect_refused 2 '--user' -u -1 -- "$hog" exit 0
expect_refused 125 'report' --report "$work/nowhere/file" -- "$hog" exit 0
expect_refused 2 'format' --report "$work/file" --format nonsense -- "$hog" exit 0

# A root directory that wants to lead out of itself.
canary=$work/canary
make_root() { # DIR
    rm -rf "$1" "$canary"
    mkdir -p "$1/bin" "$1/proc" "$1/dev" "$1/sys" "$1/tmp" "$canary"
    cp "$hog" "$1/bin/hog"
    : >"$canary/null"
}
make_root "$work/root"
run_ration run --rootfs "$work/root" -- /bin/hog exit 9
expect_status 9 'a root directory with nothing but a program'
assert_no_leftovers
canary_unharmed() { # NAME
    expect_equal "$(cd "$canary" && echo *) $(wc -c <"$canary/null" | tr -d ' ')" 'null 0' "$1"
}
for entry in proc dev; do
    for target in "$canary" ../../canary /proc/self/cwd; do
        make_root "$work/root"
        rm -rf "${work:?}/root/$entry"
        ln -s "$target" "$work/root/$entry"
        expect_refused 125 "rootfs|/$entry" --rootfs "$work/root" -- /bin/hog exit 0
        canary_unharmed "/$entry -> $target leads nowhere"
    done
done
make_root "$work/root"
mkfifo "$work/root/passwd"
mkdir "$work/root/etc"
mv "$work/root/passwd" "$work/root/etc/passwd"
run_ration run --timeout 20s --rootfs "$work/root" -u somebody -- /bin/hog exit 0
expect_status 125 'an /etc/passwd that is a pipe does not hang it'
assert_no_leftovers
rm -rf "$work/root"

# ---- a machine that is not as it should be -----------------------------------------------------

# in_world SETUP ARGS...: `ration ARGS` in a mount namespace of its own, after SETUP.
in_world() {
    t_setup=$1
    shift
    t_last="$* (after: $t_setup)"
    status=0
    unshare -m sh -c "$t_setup"'
        exec "$@"' sh "$RATION" "$@" >"$out" 2>"$err" </dev/null || status=$?
}

hide_groups='mount -t tmpfs -o size=64k none /sys/fs/cgroup || exit 99'
[ "$VM" = 1 ] && hide_groups='umount -l /sys/fs/cgroup/* /sys/fs/cgroup 2>/dev/null
    ! grep -q " - cgroup" /proc/self/mountinfo || exit 99'
in_world "$hide_groups" run --memory 50m -- "$hog" exit 0
expect_refusal_of 125 '--memory' 'no control groups: a limit is refused'
in_world "$hide_groups" run --best-effort --memory 50m -- "$hog" exit 6
expect_status 6 'no control groups: --best-effort runs on'
in_world "$hide_groups" run --rlimit-nofile 50 -- "$hog" exit 6
expect_status 6 'no control groups: what needs none is no problem'

read_only='for m in $(awk '"'"'/ - cgroup2? / { print $5 }'"'"' /proc/self/mountinfo); do
        mount -o remount,bind,ro "$m" || exit 99
    done'
in_world "$read_only" run --memory 50m -- "$hog" exit 0
expect_refusal_of 125 'read-only' 'control groups mounted read-only: a limit is refused, and said why'
in_world "$read_only" run --best-effort --memory 50m -- "$hog" exit 6
expect_status 6 'control groups mounted read-only: --best-effort runs on'

# One page of space, used up; then no inode left.
in_world 'mount -t tmpfs -o size=4k none /run && head -c 4096 /dev/zero >/run/filler || exit 99' \
    run --memory 50m -- "$hog" exit 0
expect_refusal_of 125 'space|/run/ration' 'a full run directory is refused'
in_world 'mount -t tmpfs -o size=64k,nr_inodes=2 none /run && mkdir -m 700 /run/ration || exit 99' \
    run --memory 50m -- "$hog" exit 0
expect_refusal_of 125 'space|/run/ration' 'a run directory without inodes is refused'
in_world 'mount -t tmpfs -o ro none /run || exit 99' run --memory 50m -- "$hog" exit 0
expect_refusal_of 125 '/run/ration' 'a run directory that is read-only is refused'
in_world 'mount -t tmpfs none /run && mkdir -m 777 /run/ration || exit 99' \
    run --memory 50m -- "$hog" exit 0
expect_refusal_of 125 '/run/ration' 'a run directory that others can write is refused'
in_world 'mount -t tmpfs none /run && mkdir /run/elsewhere && ln -s elsewhere /run/ration || exit 99' \
    run --memory 50m -- "$hog" exit 0
expect_refusal_of 125 '/run/ration' 'a run directory that is a symbolic link is refused'

# A report that cannot be written whole: COMMAND ran, and that is not hidden.
mkdir "$work/full"
in_world 'cd '"$work/full"' && mount -t tmpfs -o size=4k none . && cd . &&
        head -c 4096 /dev/zero >'"$work/full/filler"' || exit 99' run --report "$work/full/report" --format json -- "$hog" exit 0
expect_refusal_of 125 '/full/report|--report' 'a report that finds no space is told'

# ---- names in use by others --------------------------------------------------------------------

where=$(t_hierarchy memory)
mkdir "${where%% *}/ration-rt-taken-$$"
run_ration run --name "rt-taken-$$" --memory 50m -- "$hog" exit 0
expect_refusal 125 "rt-taken-$$" 'a group by that name which is not ours is refused'
check 'and left alone' rmdir "${where%% *}/ration-rt-taken-$$"
assert_no_leftovers
