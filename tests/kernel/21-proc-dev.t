#!/bin/sh
# shellcheck disable=SC2016,SC2034 # expanded in the run; read by the library
# On the host's own root: /proc, /dev and /sys of the run's own, names, network, clocks, and that all of
# it is inside only.
. "${LIB:-${0%/*}/../lib.sh}"
require_root
outside=$(cat /proc/self/mountinfo)
inside() { # SCRIPT OPTIONS...
    script=$1
    shift
    run_ration run "$@" -- sh -c "$script"
}

# ---- /proc -------------------------------------------------------------------------------------

inside 'cd /proc && echo [0-9]*'
expect_stdout_is '1 2' 'there are two processes: the reaper and COMMAND'
inside 'cat /proc/1/environ /proc/1/maps /proc/1/mem; readlink /proc/1/exe /proc/1/root /proc/1/cwd; echo end' \
    2>/dev/null
expect_stdout_is end 'nothing can be read of the reaper'
inside 'tr "\0" " " </proc/1/cmdline' -e SECRET=shown
expect_stdout_lacks 'SECRET|cmdline' 'nor how ration was called'
inside 'kill -9 1; kill -STOP 1; kill -15 1; kill -HUP 1; sleep 0.1; exit 7'
expect_status 7 'nothing can be done to the reaper'
inside 'kill -9 -1; exit 7'
expect_status 7 'kill -1 finds only what is inside'

for file in kcore keys timer_list sched_debug latency_stats; do
    [ -e "/proc/$file" ] || continue
    run_ration run -- sh -c 'test -c "$0" && cat "$0" && echo hidden' "/proc/$file"
    expect_stdout_is hidden "/proc/$file is hidden"
done
for dir in acpi scsi asound; do
    [ -d "/proc/$dir" ] || continue
    run_ration run -- sh -c 'ls -A "$0"; touch "$0/x" 2>/dev/null || echo empty' "/proc/$dir"
    expect_stdout_is empty "/proc/$dir is hidden"
done
if [ -d /sys/firmware ]; then
    inside 'ls -A /sys/firmware; echo empty'
    expect_stdout_is empty '/sys/firmware is hidden'
fi
for dir in bus fs irq sys; do
    run_ration run -- sh -c 'test -d "$0" && grep -q " $0 ro," /proc/self/mountinfo && echo read-only' "/proc/$dir"
    expect_stdout_is read-only "/proc/$dir is read-only"
done
# Opened only: a run that failed here must not change the machine.
run_ration run -- "$TOOLS/probe" open w /proc/sys/kernel/panic
expect_status 3 'no setting of the kernel can be changed'
run_ration run -- "$TOOLS/probe" open w /proc/sys/kernel/core_pattern
expect_status 3 'nor the program that gets core dumps'
inside '[ ! -e /proc/sysrq-trigger ] || { grep -q " /proc/sysrq-trigger ro," /proc/self/mountinfo; }'
expect_status 0 '/proc/sysrq-trigger is read-only'
inside 'umount /proc/keys 2>/dev/null || umount /dev 2>/dev/null || mount -t tmpfs none /mnt 2>/dev/null || echo refused'
expect_stdout_is refused 'and COMMAND cannot take any of it away'

# ---- /dev --------------------------------------------------------------------------------------

inside 'cd /dev && echo *'
expect_stdout_is 'fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero' \
    '/dev has what every program expects and no more'
inside 'cd /dev && for n in null zero full random urandom tty; do stat -c "%n %t:%T %a" $n; done'
expect_stdout_is 'null 1:3 666
zero 1:5 666
full 1:7 666
random 1:8 666
urandom 1:9 666
tty 5:0 666' 'its nodes are those devices'
inside 'cd /dev && for n in fd stdin stdout stderr ptmx; do readlink $n; done'
expect_stdout_is '/proc/self/fd
/proc/self/fd/0
/proc/self/fd/1
/proc/self/fd/2
pts/ptmx' 'its links'
inside 'echo x >/dev/null; head -c 3 /dev/zero | wc -c; echo x >/dev/full || echo full; ls /dev/pts' 2>/dev/null
expect_equal "$(tr -s ' \n' ' ' <"$out")" '3 full ptmx ' 'they work, and no terminal of the host is there'
inside 'echo here >/dev/shm/x; cat /dev/shm/x; grep " /dev/shm " /proc/self/mountinfo'
expect_stdout_matches 'nosuid,nodev,noexec.*size=65536k' '/dev/shm is 64 MiB of its own'
check_not 'and not the host'"'"'s' test -e /dev/shm/x
inside 'grep " /dev/shm " /proc/self/mountinfo' --shm-size 1m
expect_stdout_matches 'size=1024k' '--shm-size'
inside 'stat -c %t:%T /dev/fuse-or-not /dev/mine' --device /dev/zero:/dev/mine 2>/dev/null
expect_stdout_is 1:5 '--device gives a device by another name'
inside '[ -e /dev/vda ] || [ -e /dev/sda ] || [ -e /dev/mem ] || [ -e /dev/kmsg ] || echo none'
expect_stdout_is none 'no disk, no memory, no kernel log is there'
run_ration run --cap-add MKNOD -- "$TOOLS/probe" open r /dev/zero
expect_status 0 'a device of /dev can be opened'

# ---- /sys, network -----------------------------------------------------------------------------

inside 'touch /sys/x 2>/dev/null || mkdir /sys/kernel/x 2>/dev/null || echo read-only; grep " /sys " /proc/self/mountinfo | tail -n 1'
expect_stdout_matches '^read-only$' '/sys is read-only'
inside 'cd /sys/class/net && echo *; cat /proc/net/dev | wc -l'
expect_stdout_matches '^lo( sit0| tunl0| ip6tnl0)*$' 'of the network there is loopback alone'
inside 'ip link show lo 2>/dev/null || ifconfig lo'
expect_stdout_matches 'UP' 'and it is up'
inside 'cd /sys/class/net && echo *' --network host
expect_stdout_is "$(cd /sys/class/net && echo *)" '--network host: the host'"'"'s'
inside 'touch /sys/kernel/x 2>/dev/null || echo read-only' --network host
expect_stdout_is read-only '/sys is read-only there, too'
for options in '' '--network host'; do
    # shellcheck disable=SC2086 # a list of words
    inside 'awk '"'"'$5 ~ "^/sys" && $6 !~ "^ro" { last[$5] = 1; next } { delete last[$5] }
        END { for (m in last) if (m !~ "^/sys/fs/cgroup/.") print m }'"'"' /proc/self/mountinfo |
        while read -r m; do [ "$(stat -f -c %T "$m" 2>/dev/null)" ] && touch "$m/x" 2>/dev/null && echo "$m"; done' $options
    expect_stdout_is '' "nothing at or beneath /sys can be written to ${options:+with $options}"
done

# ---- names, clocks, IPC --------------------------------------------------------------------------

host=$(hostname)
inside hostname -h inside.example
expect_stdout_is inside.example '-h'
inside 'hostname changed 2>/dev/null; exit 0' --cap-add SYS_ADMIN
expect_equal "$(hostname)" "$host" 'the host keeps its name'
inside hostname --uts host
expect_stdout_is "$host" '--uts host'
inside 'cat /proc/sysvipc/shm | wc -l'
expect_stdout_is 1 'no shared memory of the host is there'
if [ -e /proc/self/timens_offsets ]; then
    up=$(cut -d. -f1 /proc/uptime)
    inside 'cut -d. -f1 /proc/uptime' --time-offset 1000000
    expect_between "$(($(cat "$out") - up))" 1000000 1000600 '--time-offset shifts the clocks'
    inside 'exit 5' --time-offset 1000000
    expect_status 5 'exit status with clocks of its own'
    run_ration run --time-offset 1000000 -- /nonexistent/program
    expect_refusal 127 '/nonexistent/program' 'a failed start with clocks of its own'
    inside 'exit 5' --time-offset -300000000
    expect_refusal 125 '--time-offset' 'clocks before 0 are refused'
else
    skip '--time-offset' 'this kernel has no time namespaces'
fi

# ---- read-only root ------------------------------------------------------------------------------

inside 'for d in / /etc /usr /tmp /var /root "$0"; do touch "$d/x-$$" 2>/dev/null && echo "$d"; done; touch /dev/shm/x && echo shm' --read-only
expect_stdout_is shm '--read-only: nothing of the host'"'"'s can be written to'
mkdir "$work/write" "$work/target"
run_ration run --read-only -v "$work/write:$work/target" -- \
    sh -c 'touch "$0/x" "$0/../x" 2>/dev/null; test -e "$0/x" && echo written' "$work/target"
expect_stdout_is written 'but what is mounted for it'
check 'it arrived' test -e "$work/write/x"
if mkdir "$work/sub" && mount -t tmpfs -o size=16k rt-ration-none "$work/sub" 2>/dev/null; then
    run_ration run --read-only -- touch "$work/sub/x"
    expect_status 1 'nor what is mounted somewhere beneath'
    run_ration run -w / -v "$work:/tmp:ro" -- touch /tmp/sub/x
    expect_status 1 'a read-only volume is, with all that is mounted beneath'
    umount "$work/sub"
else
    skip 'mounts beneath a read-only root' 'cannot mount here'
fi

expect_equal "$(cat /proc/self/mountinfo)" "$outside" 'of all this nothing is mounted out here'
assert_no_leftovers
