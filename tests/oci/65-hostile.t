#!/bin/sh
# shellcheck disable=SC2016,SC2034 # scripts are for the container; lib.sh reads the parts of a document
# Programs and images that mean harm: what they lift, overwrite, follow and race for. They are aimed at canaries;
# files of the machine's own are only tried to be opened. RACES: how often each race is run (300).
. "${0%/*}/lib.sh"
require_root
require_controller memory pids cpu
: "${RACES:=$(pick 300 20)}"

canary=$work/canary
fresh_canary() {
    rm -rf "$canary"
    mkdir -p "$canary/dir"
    echo sings >"$canary/file"
    chmod 640 "$canary/file"
}
canary_lives() { # NAME
    expect_equal "$(cd "$canary" && find . | LC_ALL=C sort | tr '\n' ' ')$(cat "$canary/file")$(stat -c %a "$canary/file")" \
        '. ./dir ./file sings640' "$1"
}
fresh_canary

# What podman asks for, nearly.
podman_like() { # UID
    defaults
    USER_JSON="{\"uid\":$1,\"gid\":$1}"
    caps='"CAP_CHOWN","CAP_DAC_OVERRIDE","CAP_FOWNER","CAP_FSETID","CAP_KILL","CAP_NET_BIND_SERVICE","CAP_SETFCAP","CAP_SETGID","CAP_SETPCAP","CAP_SETUID","CAP_SYS_CHROOT"'
    CAPS="{\"bounding\":[$caps],\"effective\":[$caps],\"permitted\":[$caps]}"
    [ "$1" = 0 ] || CAPS="{\"bounding\":[$caps]}"
    NS='"pid","mount","ipc","uts","network","cgroup"'
    MORE_MOUNTS=',{"destination":"/dev/mqueue","type":"mqueue","source":"mqueue","options":["nosuid","noexec","nodev"]},
        {"destination":"/sys/fs/cgroup","type":"cgroup","source":"cgroup","options":["rprivate","nosuid","noexec","nodev","relatime","ro"]}'
    LINUX=',"resources":{"devices":[{"allow":false,"access":"rwm"}],"memory":{"limit":67108864,"swap":67108864},
        "pids":{"limit":64},"cpu":{"quota":50000,"period":100000}},
        "maskedPaths":["/proc/acpi","/proc/kcore","/proc/keys","/proc/latency_stats","/proc/timer_list","/proc/timer_stats",
        "/proc/sched_debug","/proc/scsi","/sys/firmware","/sys/fs/selinux","/sys/dev/block"],
        "readonlyPaths":["/proc/asound","/proc/bus","/proc/fs","/proc/irq","/proc/sys","/proc/sysrq-trigger"]'
}
tools() { # into the root of the bundle
    config
    cp "$TOOLS/hog" "$TOOLS/escape" "$bundle/rootfs/bin/"
}
runs() { # SCRIPT: as the container's process
    script "$1"
    tools
    run
}

# ---- limits ---------------------------------------------------------------------------------------------------

for uid in 0 1000; do
    podman_like $uid
    ARGS='["/bin/hog","mem","100m"]'
    tools
    run
    expect_status 137 "uid $uid: 100 MB of memory where 64 are allowed"
    ARGS='["/bin/hog","fork","100"]'
    config
    run
    expect_status 3 "uid $uid: a hundred processes where 64 are allowed"
    runs 'dd if=/dev/zero of=/dev/shm/x bs=1M count=100 2>/dev/null && echo written'
    expect_stdout_lacks written "uid $uid: 100 MB in /dev/shm"
    # User namespaces of its own, the hierarchies mounted anew, every limit that is found there lifted.
    ARGS='["/bin/escape","memory","/bin/hog","mem","100m"]'
    config
    run
    expect_status 137 "uid $uid: memory limits that it lifts itself hold all the same"
    expect_stderr_matches '^escape: mounted' "uid $uid: it did try"
    ARGS='["/bin/escape","pids","/bin/hog","fork","100"]'
    config
    run
    expect_status 3 "uid $uid: limits of processes hold, too"
done
podman_like 0
CAPS="{\"bounding\":[$caps,\"CAP_SYS_ADMIN\"],\"effective\":[$caps,\"CAP_SYS_ADMIN\"],\"permitted\":[$caps,\"CAP_SYS_ADMIN\"]}"
ARGS='["/bin/escape","-n","memory","/bin/hog","mem","100m"]'
tools
run
expect_status 137 'with CAP_SYS_ADMIN, and no user namespace: what counts is above'

# ---- what may be opened for writing ------------------------------------------------------------------------------

doors='/proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sys/vm/drop_caches /proc/sysrq-trigger
    /proc/sys/fs/binfmt_misc/register /sys/kernel/uevent_helper /proc/bus /proc/irq/default_smp_affinity /proc/kcore
    /sys/firmware /proc/keys'
for uid in 0 1000; do
    podman_like $uid
    runs "for f in $(echo "$doors" | tr -s '\n ' ' ') \$(find /sys -type f -name '*_agent' -o -name cgroup.procs -o -name tasks \
        -o -name 'devices.allow' -o -name '*.max' -o -name '*limit_in_bytes' 2>/dev/null); do
        [ ! -f \$f ] || { (: >>\$f) 2>/dev/null && echo \"opened \$f\"; }; done; exit 0"
    expect_stdout_is '' "uid $uid: no file of the machine's can be opened for writing"
    runs 'mount -t proc none /tmp 2>/dev/null && echo mounted; mount -t tmpfs none /tmp 2>/dev/null && echo mounted
        mount -o remount,rw /sys/fs/cgroup 2>/dev/null && echo mounted; umount /proc/keys 2>/dev/null && echo mounted
        mknod /tmp/m c 1 1 2>/dev/null && head -c 1 /tmp/m && echo device; chroot . true 2>/dev/null; exit 0'
    expect_stdout_is '' "uid $uid: it mounts nothing and reads no device"
    runs 'cat /proc/self/status; cat /proc/self/cgroup'
    expect_stdout_matches '^CapInh:.0000000000000000' "uid $uid: no inheritable capabilities"
    expect_stdout_matches '^CapAmb:.0000000000000000' "uid $uid: no ambient capabilities"
    expect_stdout_lacks 'ration' "uid $uid: it sees nothing of its group's surroundings"
done

# ---- our own program -----------------------------------------------------------------------------------------------

ours=$work/ours
cp "$RUNTIME" "$ours"
before=$(cksum <"$ours")
own() { # ARGS...: a copy of the runtime, which may be harmed
    status=0
    "$ours" --root "$runtime_root" "$@" >"$out" 2>"$err" </dev/null || status=$?
}
podman_like 0
ARGS='["/proc/self/exe"]'
tools
printf '#!/proc/self/exe\n' >"$bundle/rootfs/bin/hash-bang"
chmod 755 "$bundle/rootfs/bin/hash-bang"
own run --bundle "$bundle" "$id"
check '/proc/self/exe as the program is none' test "$status" -ne 0
own delete --force "$id"
ARGS='["/bin/hash-bang"]'
config
own run --bundle "$bundle" "$id"
check 'nor is it as an interpreter of scripts' test "$status" -ne 0
own delete --force "$id"
if grep -q /lib64/ld-linux-x86-64.so.2 /usr/bin/env 2>/dev/null; then
    sed 's|/lib64/ld-linux-x86-64.so.2|/proc/self/exe\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00|' /usr/bin/env \
        >"$bundle/rootfs/bin/elf"
    chmod 755 "$bundle/rootfs/bin/elf"
    ARGS='["/bin/elf"]'
    config
    own run --bundle "$bundle" "$id"
    check 'nor as one of programs' test "$status" -ne 0
    own delete --force "$id"
fi
# While others are executed beside it: whatever /proc shows of them is tried to be opened.
script 'while :; do for p in /proc/[0-9]*; do
    (: >>$p/exe) 2>/dev/null && echo "exe $(readlink $p/exe)"
    for l in $p/cwd $p/root $p/fd/*; do case $(readlink $l 2>/dev/null) in *canary*|*/rootfs*|*/root/*) echo "$l";; esac; done
    done; done'
config
"$ours" --root "$runtime_root" run --detach --bundle "$bundle" "$id" >"$bundle/out" 2>&1 </dev/null
n=0 failed=0
while [ $n -lt $((RACES / 6)) ]; do
    own exec "$id" /bin/true
    [ "$status" -eq 0 ] || failed=$((failed + 1))
    own exec "$id" /bin/hash-bang
    [ "$status" -ne 0 ] || failed=$((failed + 1))
    own exec "$id" /proc/self/exe --version
    n=$((n + 1))
done
expect_equal $failed 0 "exec beside a program that looks at everybody, $n times"
# "exe" of busybox is its own to open, were it not busy.
expect_equal "$(grep -v busybox "$bundle/out" | sort -u | head -n 5)" '' 'it could open nothing, and saw nothing of ours'
own exec --cap CAP_NET_RAW "$id" /bin/grep CapInh /proc/self/status
expect_stdout_matches '0000000000000000' 'exec --cap adds no inheritable capability'
own exec "$id" /bin/cat /proc/net/unix
expect_stdout_lacks '@' 'no abstract socket'
own delete --force "$id"
expect_status 0 'it is deleted'
expect_equal "$(cksum <"$ours")" "$before" 'our own program is as it was'

# ---- descriptors and directories ---------------------------------------------------------------------------------------

podman_like 0
script 'for f in /proc/self/fd/*; do readlink $f; done'
tools
exec 9<"$canary" 8<"$canary/file"
run
exec 9<&- 8<&-
expect_stdout_lacks canary 'descriptors of who calls do not get in'
leaked=
exec 3<"$canary" 4<"$canary" 5<"$canary" 6<"$canary" 7<"$canary" 8<"$canary" 9<"$canary"
for n in 3 4 5 6 7 8 9 10 11 12 13 14 15; do
    CWD="\"/proc/self/fd/$n\""
    script 'pwd; ls; ls ..'
    config
    run
    ! grep -Eq 'file|canary' "$out" || leaked="$leaked $n"
done
exec 3<&- 4<&- 5<&- 6<&- 7<&- 8<&- 9<&-
expect_equal "$leaked" '' 'no working directory is outside'

# ---- images with links --------------------------------------------------------------------------------------------------

link_case() { # NAME WHAT-TO-DO-IN-THE-ROOT [MOUNTS]: created or refused, the canary lives
    podman_like 0
    [ $# -lt 3 ] || MOUNTS=$3
    MORE_MOUNTS=${MORE:-}
    config
    (cd "$bundle/rootfs" && eval "$2")
    run
    canary_lives "an image with $1: nothing outside changes"
    expect_equal "$(groups_of "$id")" '' "an image with $1: nothing is left"
    fresh_canary
}
no_dev='{"destination":"/proc","type":"proc","source":"proc"}'
link_case '/dev -> outside' 'rm -rf dev; ln -s "$canary" dev'
link_case '/dev -> outside, upwards' 'rm -rf dev; ln -s ../../../../../../../"$canary" dev'
link_case '/dev -> outside, not mounted' 'rm -rf dev; ln -s "$canary" dev' "$no_dev"
link_case '/dev/null -> outside' 'rm -rf dev/*; ln -s "$canary/file" dev/null' "$no_dev"
link_case '/dev/console, ptmx, pts -> outside' \
    'rm -rf dev/*; for d in console ptmx tty zero stdin fd; do ln -s "$canary/file" dev/$d; done; ln -s "$canary/dir" dev/pts' "$no_dev"
link_case '/proc -> outside' 'rmdir proc; ln -s "$canary/dir" proc'
link_case '/proc a directory of its own' 'mkdir -p proc/self/attr proc/sys/kernel; ln -s "$canary/file" proc/self/attr/exec' ''
link_case '/sys -> outside' 'rmdir sys; ln -s "$canary/dir" sys'
link_case '/etc -> outside' 'rm -rf etc; ln -s "$canary" etc'
MORE=',{"destination":"/data/deep/er","type":"tmpfs","source":"t"}'
link_case 'a mount point -> outside' 'ln -s "$canary" data'
link_case 'a mount point deeper -> outside' 'mkdir data; ln -s "$canary" data/deep'
link_case 'a mount point that is a magic link' 'ln -s /proc/1/root/"$canary" data'
MORE=",{\"destination\":\"/file\",\"type\":\"bind\",\"source\":\"$template/etc/passwd\",\"options\":[\"bind\"]}"
link_case 'a file to mount on -> outside' 'ln -s "$canary/new" file'
MORE=
podman_like 0
config
ln -s "$canary/file" "$bundle/rootfs/etc/secret"
ln -s "$canary/dir" "$bundle/rootfs/etc/secrets"
LINUX=',"maskedPaths":["/etc/secret","/etc/secrets","/etc/secret/x"],"readonlyPaths":["/etc/secret","/etc/secrets"]'
config
run
canary_lives 'masked and read-only paths that are links: nothing outside changes'
podman_like 0
config
rm -rf "$bundle/rootfs"
ln -s "$canary" "$bundle/rootfs"
run
canary_lives 'a root that is a link to outside has nothing made in it'
fresh_canary
podman_like 0
runs 'echo secret >/dev/shm/theirs'
podman_like 0
runs 'ls /dev/shm'
expect_stdout_lacks theirs '/dev/shm is nobody else'"'"'s'

# ---- races --------------------------------------------------------------------------------------------------------------

podman_like 0
MORE_MOUNTS=',{"destination":"/swap/a/b","type":"tmpfs","source":"t"},{"destination":"/swap/c","type":"tmpfs","source":"t"}'
config
(
    cd "$bundle/rootfs" || exit
    while [ ! -e "$work/stop" ]; do
        mkdir swap 2>/dev/null
        rm -rf swap 2>/dev/null
        ln -s "$canary" swap 2>/dev/null
        rm -rf swap 2>/dev/null
    done
) &
swapper=$!
n=0 came=0
while [ $n -lt $((RACES / 3)) ]; do
    "$RUNTIME" --root "$runtime_root" run --bundle "$bundle" "$id" >/dev/null 2>&1 </dev/null && came=$((came + 1))
    n=$((n + 1))
done
: >"$work/stop"
wait $swapper
diag "$came of $n containers came to be"
canary_lives "a mount point that is a directory or a link by turns, $n times"
delete_force
expect_equal "$(groups_of "$id")$(find "$runtime_root" -name "$id")" '' 'nothing is left of them'

# ---- storms ---------------------------------------------------------------------------------------------------------------

podman_like 0
ARGS='["/bin/sleep","0.3"]'
tools
for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
    ("$RUNTIME" --root "$runtime_root" run --bundle "$bundle" "$id" </dev/null >/dev/null 2>"$work/said.$n"
    echo $? >"$work/ended.$n") &
done
wait
expect_equal "$(cat "$work"/ended.* | grep -c '^0$')" 1 'twelve runs of one ID at once: one winner'
expect_equal "$(groups_of "$id")" '' '... nothing left'
for round in 1 2 3; do
    ARGS='["/bin/sleep","3600"]'
    config
    rt run --detach --bundle "$bundle" "$id"
    for n in 1 2 3 4 5 6; do
        "$RUNTIME" --root "$runtime_root" exec "$id" /bin/true </dev/null >/dev/null 2>&1 &
        "$RUNTIME" --root "$runtime_root" pause "$id" </dev/null >/dev/null 2>&1 &
        "$RUNTIME" --root "$runtime_root" kill "$id" KILL </dev/null >/dev/null 2>&1 &
        "$RUNTIME" --root "$runtime_root" delete --force "$id" </dev/null >/dev/null 2>&1 &
    done
    wait
    rt delete --force "$id"
    expect_status 0 "storm $round of exec, pause, kill and delete: it can be deleted"
    expect_equal "$(groups_of "$id")$(find "$runtime_root" -name "$id")" '' "storm $round: nothing is left"
done
rt run --detach --bundle "$bundle" "$id"
rt pause "$id"
rt kill "$id" KILL
expect_status 0 'a paused container can be killed'
check '... and is dead' wait_status stopped
rt delete "$id"
expect_status 0 '... and is deleted'
assert_no_leftovers 'nothing is left of all that'
