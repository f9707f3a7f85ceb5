#!/bin/sh
# shellcheck disable=SC2016,SC2034 # expanded in the run; read by the library
# Every family of limits is in force: the kernel's own files say so while COMMAND runs, COMMAND feels
# it from its first instruction on, and the result says what the files said.
. "${LIB:-${0%/*}/../lib.sh}"
require_root
require_controller cpu memory pids cpuset
hog=$TOOLS/hog
probe=$TOOLS/probe

# by_version CONTROLLER V1 V2: the word for the version that has it here
by_version() {
    if [ "$(controller_version "$1")" = 2 ]; then echo "$3"; else echo "$2"; fi
}

# The group that carries the limits has VALUE in FILE, and the result tells the same under LIMIT.
in_file() { # CONTROLLER V1-FILE V2-FILE VALUE
    file=$(by_version "$1" "$2" "$3")
    expect_equal "$(group_file "$1" "$pid" "$file")" "$4" "$file is $4 while COMMAND runs"
}

in_result() { # LIMIT ASKED IN-FORCE FILE
    expect_json "$json" "limits.$1.asked" "$2"
    expect_json "$json" "limits.$1.in_force" "$3" "limits.$1.in_force is $3, as read back"
    expect_json_matches "$json" "limits.$1.file" "$4"
}

# ---- many at once ------------------------------------------------------------------------------

if start_sleeper 'limits of four controllers' --memory 50m --memory-swap 50m --cpus 0.5 \
    --cpu-shares 512 --pids-limit 25 --cpuset-cpus 0 --cpuset-mems 0 --memory-reservation 20m; then
    in_file memory memory.limit_in_bytes memory.max 52428800
    if [ "$(controller_version memory)" = 2 ]; then
        in_file memory '' memory.swap.max 0
    else
        in_file memory memory.memsw.limit_in_bytes '' 52428800
    fi
    in_file memory memory.soft_limit_in_bytes memory.low 20971520
    if [ "$(controller_version cpu)" = 2 ]; then
        in_file cpu '' cpu.max '50000 100000'
    else
        in_file cpu cpu.cfs_quota_us '' 50000
    fi
    in_file cpu cpu.shares cpu.weight "$(by_version cpu 512 59)"
    in_file pids pids.max pids.max 25
    in_file cpuset cpuset.cpus cpuset.cpus 0
    in_file cpuset cpuset.mems cpuset.mems 0
    expect_equal "$(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' "/proc/$pid/status")" 0 \
        'the kernel lets COMMAND run on CPU 0 only'
    group=$(group_dir memory "$pid")
    expect_equal "${group##*/}" box 'COMMAND is in the inner group'
    check_not 'the supervisor is not in a limited group' \
        grep -q ration- "/proc/$ration_pid/cgroup"
    expect_equal "$(cat "$(limit_dir memory "$pid")/cgroup.procs")" '' \
        'nobody is in the group that carries the limits'
    end_sleeper
    expect_status 137
    in_result memory 50m 52428800 "$(by_version memory memory.limit_in_bytes memory.max)"
    in_result cpus 0.5 "$(by_version cpu 50000 '50000 100000')" \
        "$(by_version cpu cpu.cfs_quota_us cpu.max)"
    in_result cpu-shares 512 "$(by_version cpu 512 59)" "$(by_version cpu cpu.shares cpu.weight)"
    in_result pids-limit 25 25 pids.max
    in_result cpuset-cpus 0 0 cpuset.cpus
fi

if start_sleeper 'unlimited' --memory -1 --pids-limit -1 --cpu-quota -1; then
    in_file memory memory.limit_in_bytes memory.max "$(by_version memory 9223372036854771712 max)"
    in_file pids pids.max pids.max max
    if [ "$(controller_version cpu)" = 2 ]; then
        in_file cpu '' cpu.max 'max 100000'
    else
        in_file cpu cpu.cfs_quota_us '' -1
    fi
    end_sleeper
    expect_json_matches "$json" limits.memory.in_force '^(max|9223372036854771712|-1)$'
fi

total=$(awk '/^MemTotal:/ { print $2 }' /proc/meminfo)
total=$((total * 1024))
if start_sleeper 'a percentage' --memory 25%; then
    value=$(group_file memory "$pid" "$(by_version memory memory.limit_in_bytes memory.max)")
    # Rounded down to whole pages.
    expect_between "$value" $((total / 4 - 8192)) $((total / 4)) 'a quarter of the machine'
    end_sleeper
    expect_json "$json" limits.memory.in_force "$value"
    expect_json "$json" limits.memory.asked 25%
fi

if start_sleeper 'quota and period' --cpu-quota 20000 --cpu-period 50000; then
    if [ "$(controller_version cpu)" = 2 ]; then
        in_file cpu '' cpu.max '20000 50000'
    else
        in_file cpu cpu.cfs_quota_us '' 20000
        in_file cpu cpu.cfs_period_us '' 50000
    fi
    end_sleeper
fi

if start_sleeper 'a size that is no whole page' --memory 50000001b; then
    in_file memory memory.limit_in_bytes memory.max 49999872
    end_sleeper
    expect_json_matches "$json" limits.memory.note 'page' 'the rounding is told'
fi
assert_no_leftovers

# ---- from the first instruction on -------------------------------------------------------------

run_ration run --cpuset-cpus 1 -- "$probe" affinity
expect_stdout_is 1 'cpuset: COMMAND finds itself on CPU 1'
run_ration run --cpuset-cpus 0-1 -- "$probe" affinity
expect_stdout_is '0 1' 'cpuset: a range'
run_ration run --pids-limit 1 -- sh -c '(true) & wait $! && exit 3; exit 4'
expect_stderr_matches '[Ff]ork|[Rr]esource' 'pids: the very first fork is refused'
run_json --memory 8m -- "$hog" mem 30m
expect_json "$json" verdict.cause memory 'memory: the first touch beyond the limit kills'
run_json --memory 20m --init=false -- "$hog" mem 60m
expect_json "$json" verdict.cause memory 'memory: also as process 1'
run_json --cpus 0.2 -- "$hog" cpu "$(pick 1s 2s)"
expect_json_between "$json" metrics.nr_throttled.value 1 1000000 'cpu: the quota throttles'

run_ration run --ulimit nofile=100:200 --rlimit-as 1g --rlimit-core 0 --rlimit-cpu 100:200 \
    --rlimit-data 900m:901m --rlimit-fsize 10m --rlimit-memlock 1m --rlimit-msgqueue 65536 \
    --rlimit-nice 0 --rlimit-nproc 333 --rlimit-rss 700m --rlimit-rtprio 0 --rlimit-locks 50 \
    --rlimit-rttime 1000000:2000000 --rlimit-sigpending 99 --rlimit-stack 4m:5m -- "$probe" rlimits
expect_stdout_is 'as 1073741824 1073741824
core 0 0
cpu 100 200
data 943718400 944766976
fsize 10485760 10485760
locks 50 50
memlock 1048576 1048576
msgqueue 65536 65536
nice 0 0
nofile 100 200
nproc 333 333
rss 734003200 734003200
rtprio 0 0
rttime 1000000 2000000
sigpending 99 99
stack 4194304 5242880' 'all sixteen rlimits, soft and hard'
run_json --ulimit nofile=100:200 -- "$hog" fds 150
expect_status 3 'nofile: the 101st file is refused'
expect_json_matches "$json" limits.rlimit-nofile.in_force '100' 'limits.rlimit-nofile is told'

# ---- devices -----------------------------------------------------------------------------------

mkdir "$work/mnt"
# Root with every capability inside, so that only the device rules stand in the way.
run_ration run -- "$probe" open rw /dev/null
expect_status 0 'devices: /dev/null opens'
run_ration run --device-cgroup-rule 'deny c 1:5 rwm' -- "$probe" open r /dev/zero
expect_status 3 'devices: a rule that denies keeps COMMAND out of /dev/zero'
run_ration run --device-cgroup-rule 'deny c 1:5 rwm' -- "$probe" open r /dev/null
expect_status 0 'devices: and of nothing else'
run_ration run --device-cgroup-rule 'deny c 1:5 w' -- "$probe" open r /dev/zero
expect_status 0 'devices: what is denied is writing'
run_ration run --device-cgroup-rule 'deny c 1:5 w' -- "$probe" open w /dev/zero
expect_status 3 'devices: and writing is'
run_ration run --device-cgroup-rule 'allow c 1:11 r' --cap-add MKNOD --cap-add SYSLOG --tmpfs "$work/mnt:dev" -- \
    sh -c 'mknod "$1" c 1 11 && exec "$0" open r "$1"' "$probe" "$work/mnt/kmsg"
expect_status 0 'devices: a rule that allows lets COMMAND open a node of its own making'
run_ration run --device-cgroup-rule 'allow c 1:3 r' --cap-add MKNOD --cap-add SYSLOG --tmpfs "$work/mnt:dev" -- \
    sh -c 'mknod "$1" c 1 11 && exec "$0" open r "$1"' "$probe" "$work/mnt/kmsg"
expect_status 3 'devices: without it, it cannot'
assert_no_leftovers

# ---- block devices -----------------------------------------------------------------------------

disk=$(awk '$4 ~ /^(vd|sd|nvme|xvd)[a-z0-9]*$/ { print $4; exit }' /proc/partitions)
if [ -n "$disk" ] && [ -b "/dev/$disk" ] && has_controller "$(by_version memory blkio io)"; then
    number=$(cat "/sys/class/block/$disk/dev")
    if start_sleeper 'block I/O' --device-read-bps "/dev/$disk:1m" \
        --device-write-bps "/dev/$disk:2m" --device-read-iops "/dev/$disk:100" \
        --device-write-iops "/dev/$disk:200"; then
        if has_controller io; then
            expect_equal "$(group_file io "$pid" io.max)" \
                "$number rbps=1048576 wbps=2097152 riops=100 wiops=200" 'io.max has all four'
        else
            for pair in read_bps_device:1048576 write_bps_device:2097152 read_iops_device:100 \
                write_iops_device:200; do
                file=blkio.throttle.${pair%%:*}
                expect_equal "$(group_file blkio "$pid" "$file")" "$number ${pair#*:}" "$file"
                expect_equal "$(cat "$(group_dir blkio "$pid")/$file")" "$number ${pair#*:}" \
                    "$file of the inner group, since the kernel does not look above"
            done
        fi
        end_sleeper
    fi
    if [ -d /scratch ]; then
        # 2 MiB at 1 MiB a second, written past the page cache: a second at the least, less the
        # burst of a tenth that the kernel lets through at first.
        run_json --device-write-bps "/dev/$disk:1m" -- "$hog" write 2m /scratch/throttled --direct
        expect_json_between "$json" metrics.wall_us.value 1000000 60000000 'writing is throttled'
        rm -f /scratch/throttled
    fi
else
    skip 'block I/O limits' 'there is no disk, or no controller for it'
fi
assert_no_leftovers

# ---- huge pages, network, others ---------------------------------------------------------------

if has_controller hugetlb; then
    if start_sleeper 'huge pages' --hugetlb 2MB:4m; then
        in_file hugetlb hugetlb.2MB.limit_in_bytes hugetlb.2MB.max 4194304
        end_sleeper
    fi
else
    expect_refused 125 '--hugetlb' --hugetlb 2MB:4m -- "$hog" exit 0
fi

if [ "$(controller_version net_cls)" = 1 ]; then
    if start_sleeper 'net_cls' --net-cls 10:1; then
        expect_equal "$(group_file net_cls "$pid" net_cls.classid)" 1048577 'net_cls.classid'
        end_sleeper
    fi
else
    expect_refused 125 '--net-cls' --net-cls 10:1 -- "$hog" exit 0
fi
if [ "$(controller_version net_prio)" = 1 ]; then
    if start_sleeper 'net_prio' --net-prio lo:5; then
        check 'net_prio.ifpriomap' sh -c \
            'printf "%s\n" "$1" | grep -qx "lo 5"' sh \
            "$(group_file net_prio "$pid" net_prio.ifpriomap)"
        end_sleeper
    fi
else
    expect_refused 125 '--net-prio' --net-prio lo:5 -- "$hog" exit 0
fi

if start_sleeper 'a file by its own name' --cgroup-conf pids.max=33; then
    in_file pids pids.max pids.max 33
    end_sleeper
    expect_json_matches "$json" limits.cgroup-conf.in_force 33
fi
expect_refused 125 'cgroup-conf' --cgroup-conf memory.nonexistent=1 -- "$hog" exit 0
expect_refused 125 'cgroup-conf' --cgroup-conf pids.max=nonsense -- "$hog" exit 0

if [ "$(controller_version memory)" = 2 ]; then
    if start_sleeper 'what only v2 has' --memory-high 30m --memory-min 1m --memory-low 2m \
        --oom-group --cpu-weight 50 --cpuset-partition member; then
        in_file memory '' memory.high 31457280
        in_file memory '' memory.min 1048576
        in_file memory '' memory.low 2097152
        in_file memory '' memory.oom.group 1
        in_file cpu '' cpu.weight 50
        end_sleeper
    fi
    expect_refused 125 '--memory-swappiness' --memory-swappiness 10 -- "$hog" exit 0
    expect_refused 125 '--oom-kill-disable' --oom-kill-disable --memory 50m -- "$hog" exit 0
else
    if start_sleeper 'what only v1 has' --memory 50m --memory-swappiness 10 --oom-kill-disable \
        --kernel-memory-tcp 4m; then
        in_file memory memory.swappiness '' 10
        check 'memory.oom_control' sh -c 'printf "%s\n" "$1" | grep -qx "oom_kill_disable 1"' sh \
            "$(group_file memory "$pid" memory.oom_control)"
        in_file memory memory.kmem.tcp.limit_in_bytes '' 4194304
        end_sleeper
    fi
    expect_refused 125 '--memory-high' --memory-high 30m -- "$hog" exit 0
    expect_refused 125 '--oom-group' --oom-group -- "$hog" exit 0
fi
# What memory.min promises must hold however the hierarchy is mounted: without memory_recursiveprot a group
# that has the controller is protected only if it asks for it itself. COMMAND's own group has none.
file_bytes() { # DIRECTORY
    awk '$1 == "file" { print $2 }' "$1/memory.stat"
}
cache_is_filled() {
    protected=$(find "$1" -maxdepth 1 -name 'ration-*' -type d | head -n 1)
    [ -n "$protected" ] && [ "$(file_bytes "$protected")" -gt 28000000 ]
}
# What of 30 MB of page cache a run keeps when its surroundings are asked to give all of theirs back.
kept_cache() { # OPTIONS...
    sync
    echo 3 >/proc/sys/vm/drop_caches
    start_json --cgroup-parent "/$parent" "$@" -- sh -c 'cat "$1" >/dev/null; exec sleep 4700' sh /scratch/protected
    wait_until 30 cache_is_filled "$above"
    echo 100M 2>/dev/null >"$above/memory.reclaim"
    kept=$(file_bytes "$protected")
    while read -r one; do kill -KILL "$one"; done <"$protected/box/cgroup.procs"
    wait_ration
    echo "# kept with $*: $kept"
}
if [ "$VM" = 1 ] && [ "$(controller_version memory)" = 2 ] && [ -d /scratch ] &&
    mount -o remount,nsdelegate /sys/fs/cgroup; then
    parent=rt-protect-$$
    above=/sys/fs/cgroup/$parent
    mkdir "$above"
    echo '+memory' >"$above/cgroup.subtree_control"
    if [ -e "$above/memory.reclaim" ]; then
        dd if=/dev/zero of=/scratch/protected bs=1M count=30 2>/dev/null
        kept_cache
        expect_between "$kept" 0 10000000 'page cache that nothing protects is given back'
        echo 24M >"$above/memory.min"
        kept_cache --memory-min 24m
        expect_between "$kept" 22000000 31457280 'memory-min protects without memory_recursiveprot'
        echo 3 >/proc/sys/vm/drop_caches
        "$TOOLS/groups" "$work/record" make "path=/$parent/one" mirror memory-min=24m
        "$TOOLS/groups" "$work/record" enter sh -c 'cat /scratch/protected >/dev/null'
        echo 100M 2>/dev/null >"$above/memory.reclaim"
        expect_between "$(file_bytes "$above/one")" 22000000 31457280 \
            'and where the inner group has the controller as well'
        "$TOOLS/groups" "$work/record" reclaim
        echo 24M >"$above/memory.low"
        echo 0 >"$above/memory.min"
        run_json --cgroup-parent "/$parent" --memory-min 24m -- "$hog" exit 0
        expect_json_matches "$json" limits.memory-min.note "$parent/memory.min" \
            'a group above that is given less protection is named'
        rm -f /scratch/protected
    else
        skip 'memory-min in effect' 'the kernel has no memory.reclaim'
    fi
    rmdir "$above"
    mount -o remount,nsdelegate,memory_recursiveprot /sys/fs/cgroup
fi

if start_sleeper 'idle' --cpu-idle; then
    in_file cpu cpu.idle cpu.idle 1
    end_sleeper
fi
assert_no_leftovers

# ---- groups above ------------------------------------------------------------------------------

# A group of our own above the run, tighter than what the run asks for.
where=$(t_hierarchy memory)
parent=rt-parent-$$
mkdir "${where%% *}/$parent"
[ "$(controller_version memory)" = 1 ] ||
    echo '+memory' >"${where%% *}/$parent/cgroup.subtree_control"
echo 20m >"${where%% *}/$parent/$(by_version memory memory.limit_in_bytes memory.max)"
run_json --cgroup-parent "/$parent" --memory 50m -- "$hog" mem 5m
expect_status 0 'a run beneath a group that is tighter'
expect_json "$json" limits.memory.in_force 52428800
expect_json_matches "$json" limits.memory.note "$parent.*20971520|20971520.*$parent" \
    'the tighter group above is named, with its value'
run_json --cgroup-parent "/$parent" --memory 10m -- "$hog" mem 5m
check_not 'the group above is not named when the run itself is tighter' \
    sh -c '"$0" "$1" limits.memory.note | grep "$2"' "$TOOLS/jget" "$json" "$parent"
"$RATION" plan --cgroup-parent "/$parent" --memory 50m >"$work/plan" 2>&1
check 'the plan names it too' grep -q "$parent" "$work/plan"
check 'the group above is left as it was' test -d "${where%% *}/$parent"
rmdir "${where%% *}/$parent"

run_json --cgroup-parent "/ration-above-$$/deeper" --memory 50m -- "$hog" exit 0
expect_status 0 'a group above that is missing is made'
assert_no_leftovers 'and removed again'
