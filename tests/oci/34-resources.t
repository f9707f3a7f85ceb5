#!/bin/sh
# config-linux.md: every field of linux.resources: in force where the machine has it, else an error, never silence.
# shellcheck disable=SC2013,SC2016,SC2034 # lib.sh reads the parts of a document; scripts are for the container
. "${0%/*}/lib.sh"

# The container's own group by its process: what is in force on it, whichever level the runtime writes.
dir_of() { group_dir "$1" "$(state_of pid)"; }

# FILE of the group that carries the limits: the process's own, or the one above it.
file_of() { # CONTROLLER FILE
    t_own=$(dir_of "$1") || return 1
    if [ -f "${t_own%/*}/$2" ] && [ "${t_own##*/}" = box ]; then
        cat "${t_own%/*}/$2"
    else
        cat "$t_own/$2"
    fi
}

# resource JSON CONTROLLER V1-FILE V1-TEXT V2-FILE V2-TEXT NAME [ERE]: '-' for a file: this version has none.
# The text is a whole line of the file. ERE: an error with this is as good, where the device decides.
resource() {
    defaults
    sleeper
    LINUX=",\"cgroupsPath\":\"/oci-$id\",\"resources\":{$1}"
    create_here
    t_controller=$2
    # Version 2 has another name for it.
    [ "$2" != blkio ] || has_controller blkio || t_controller=io
    case $(controller_version "$t_controller") in
    1) t_file=$3 t_text=$4 ;;
    2) t_file=$5 t_text=$6 ;;
    *) t_file=- t_text= ;;
    esac
    # Not every kernel is built with every file.
    [ "$t_file" = - ] || t_kernel_has "$t_controller" "$t_file" || t_file=-
    if [ "$t_file" = - ]; then
        if [ "$status" -ne 0 ]; then ok "$7"; else t_fail_run "$7" 'the machine cannot do it, and create did not fail'; fi
    elif [ "$status" -ne 0 ] && [ -n "${8:-}" ] && grep -q "$8" "$err"; then
        ok "$7"
    elif [ "$status" -ne 0 ]; then
        t_fail_run "$7" 'create failed'
    elif file_of "$t_controller" "$t_file" 2>/dev/null | grep -qxF -e "$t_text"; then
        ok "$7"
    else
        t_fail_run "$7" "$t_file has not '$t_text' but: $(file_of "$t_controller" "$t_file" 2>&1 | tr '\n' ' ')"
    fi
    delete_force
}

# Has a group of the kernel's such a file? A container's of our own tells.
t_kernel_has() { # CONTROLLER FILE
    t_there=$(dir_of "$1" 2>/dev/null) && [ -e "$t_there/$2" ] && return 0
    [ "$status" -ne 0 ] || return 1
    t_root=$(t_hierarchy "$1" | cut -d ' ' -f 1)
    [ -e "$t_root/$2" ] && return 0
    mkdir "$t_root/oci-probe-$$" 2>/dev/null || return 1
    [ -e "$t_root/oci-probe-$$/$2" ]
    t_has=$?
    rmdir "$t_root/oci-probe-$$"
    return $t_has
}

resource '"memory":{"limit":67108864,"swap":100663296}' memory memory.memsw.limit_in_bytes 100663296 \
    memory.swap.max 33554432 'memory.swap sets limit of memory+swap usage'
resource '"memory":{"limit":67108864,"swap":-1}' memory memory.memsw.limit_in_bytes 9223372036854771712 \
    memory.swap.max max 'memory.swap: -1 removes the limit'
resource '"memory":{"kernelTCP":16777216}' memory memory.kmem.tcp.limit_in_bytes 16777216 - - \
    'memory.kernelTCP sets hard limit for kernel TCP buffer memory'
resource '"memory":{"swappiness":17}' memory memory.swappiness 17 - - 'memory.swappiness'
resource '"memory":{"disableOOMKiller":true}' memory memory.oom_control 'oom_kill_disable 1' - - \
    'memory.disableOOMKiller'
resource '"cpu":{"quota":20000,"period":100000,"burst":10000}' cpu cpu.cfs_burst_us 10000 cpu.max.burst 10000 \
    'cpu.burst: the maximum amount of accumulated time in microseconds'
resource '"cpu":{"idle":1}' cpu cpu.idle 1 cpu.idle 1 'cpu.idle: cgroups are configured with minimum weight'
resource '"cpu":{"realtimeRuntime":5000,"realtimePeriod":1000000}' cpu cpu.rt_runtime_us 5000 - - \
    'cpu.realtimeRuntime per realtimePeriod'

disk=$(cat /sys/block/vda/dev 2>/dev/null || cat /sys/block/*/dev | head -n 1)
number="\"major\":${disk%:*},\"minor\":${disk#*:}"
resource "\"blockIO\":{\"throttleReadBpsDevice\":[{$number,\"rate\":1048576}]}" blkio \
    blkio.throttle.read_bps_device "$disk 1048576" io.max "$disk rbps=1048576 wbps=max riops=max wiops=max" \
    'blockIO.throttleReadBpsDevice'
resource "\"blockIO\":{\"throttleWriteBpsDevice\":[{$number,\"rate\":2097152}]}" blkio \
    blkio.throttle.write_bps_device "$disk 2097152" io.max "$disk rbps=max wbps=2097152 riops=max wiops=max" \
    'blockIO.throttleWriteBpsDevice'
resource "\"blockIO\":{\"throttleReadIOPSDevice\":[{$number,\"rate\":300}]}" blkio \
    blkio.throttle.read_iops_device "$disk 300" io.max "$disk rbps=max wbps=max riops=300 wiops=max" \
    'blockIO.throttleReadIOPSDevice'
resource "\"blockIO\":{\"throttleWriteIOPSDevice\":[{$number,\"rate\":400}]}" blkio \
    blkio.throttle.write_iops_device "$disk 400" io.max "$disk rbps=max wbps=max riops=max wiops=400" \
    'blockIO.throttleWriteIOPSDevice'
# Version 2 has weights of 1 to 10000 in place of 10 to 1000. The top group has no such file: ask one of our own.
bfq=
asked=/sys/fs/cgroup/blkio/oci-asked-$$
if mkdir "$asked" 2>/dev/null; then
    [ ! -e "$asked/blkio.bfq.weight" ] || bfq=bfq
    rmdir "$asked"
fi
resource '"blockIO":{"weight":300}' blkio "blkio.${bfq:+bfq.}weight" 300 io.weight 'default 2930' 'blockIO.weight'
resource "\"blockIO\":{\"weightDevice\":[{$number,\"weight\":300}]}" blkio \
    "blkio.${bfq:+bfq.}weight_device" "$disk 300" io.weight "$disk 2930" 'blockIO.weightDevice' 'not supported'
resource '"blockIO":{"leafWeight":300}' blkio blkio.leaf_weight 300 - - 'blockIO.leafWeight'
resource '"hugepageLimits":[{"pageSize":"2MB","limit":4194304}]' hugetlb hugetlb.2MB.rsvd.limit_in_bytes 4194304 \
    hugetlb.2MB.rsvd.max 4194304 'hugepageLimits: by default the limit is of reservations'
resource '"hugepageLimits":[{"pageSize":"2MB","limit":4194304}]' hugetlb hugetlb.2MB.limit_in_bytes 4194304 \
    hugetlb.2MB.max 4194304 '... and of page faults'
resource '"hugepageLimits":[{"pageSize":"3MB","limit":4194304}]' none - - - - \
    'hugepageLimits: a page size that the machine does not have MUST generate an error'
resource '"network":{"classID":1048577}' net_cls net_cls.classid 1048577 - - 'network.classID'
resource '"network":{"priorities":[{"name":"lo","priority":5}]}' net_prio net_prio.ifpriomap 'lo 5' - - \
    'network.priorities'
resource '"rdma":{"mlx5_1":{"hcaHandles":3,"hcaObjects":10000}}' none - - - - \
    'rdma: a device that the machine does not have MUST generate an error'
resource '"memory":{"kernel":1048576}' none - - - - 'memory.kernel: what the kernel has no more MUST generate an error'

resource '"cpu":{"quota":50000,"period":0}' none - - - - 'cpu.quota of no period at all is an error'
defaults
LINUX=',"resources":{"unified":{"nosuch.file":"3"}}'
expect_error 'unified: a file that does not exist MUST generate an error'
if [ "$runtime_name" = ration-oci ]; then
    # Clients take "no such file or directory" for a command that is not there.
    check '... that says which field of the document asked for it' grep -q 'linux.resources.unified' "$err"
    expect_stderr_lacks '[-][-]cgroup-conf|no such file or directory' '... and is not taken for a missing command'
fi

# ---- every hierarchy -------------------------------------------------------------------------------------

defaults
sleeper
LINUX=",\"cgroupsPath\":\"/oci-$id\""
create_here
pid=$(state_of pid)
for mount in $(awk '$(NF - 2) ~ /^cgroup2?$/ && $5 !~ /\/run\// { print $5 }' /proc/self/mountinfo); do
    # One that somebody has mounted over, or that is read-only, is none.
    [ -w "$mount" ] && [ -f "$mount/cgroup.procs" ] || continue
    check "without resources, too, the container has a group in every hierarchy: $mount" \
        sh -c "find '$mount/oci-$id' -name cgroup.procs -exec cat {} + | grep -qx '$pid'"
done
delete_force
expect_equal "$(groups_of "oci-$id")" '' '... and none of them stays'
defaults
sleeper
LINUX=",\"cgroupsPath\":\"/oci-$id\""
has_controller pids && LINUX=",\"cgroupsPath\":\"/oci-$id\",\"resources\":{\"pids\":{\"limit\":9}}"
create_here
! has_controller pids || check 'with one limit it is in force' test "$(file_of pids pids.max)" = 9
for mount in $(awk '$(NF - 2) ~ /^cgroup2?$/ && $5 !~ /\/run\// { print $5 }' /proc/self/mountinfo); do
    [ -w "$mount" ] && [ -f "$mount/cgroup.procs" ] || continue
    check "... and the other hierarchies have their group: $mount" test -d "$mount/oci-$id"
done
delete_force

# ---- ownership -----------------------------------------------------------------------------------------------

owner_of_group() { # OPTIONS: of the cgroup mount; prints the owners inside
    NS='"pid","mount","ipc","uts","network","user","cgroup"'
    LINUX=",\"cgroupsPath\":\"/oci-$id\",\"uidMappings\":[{\"containerID\":0,\"hostID\":100000,\"size\":65536}],\"gidMappings\":[{\"containerID\":0,\"hostID\":100000,\"size\":65536}]"
    MORE_MOUNTS=",{\"destination\":\"/sys/fs/cgroup\",\"type\":\"cgroup\",\"source\":\"cgroup\",\"options\":[\"nosuid\",\"noexec\",\"nodev\"$1]}"
    script 'cd /sys/fs/cgroup && stat -c "%n %u" . cgroup.procs cgroup.subtree_control cgroup.threads cgroup.max.depth'
    config
    chown -R 100000:100000 "$bundle/rootfs"
    chmod 755 "$work" "$bundles" "$bundle"
    run
}
if [ "$LAYOUT" = v2 ]; then
    defaults
    USER_JSON='{"uid":5,"gid":5}'
    owner_of_group ''
    expect_equal "$(grep -c ' 5$' "$out")" 4 \
        'cgroup ownership: mounted read/write, directory and delegated files are the host uid'"'"'s of process.user.uid'
    check '... and no other file is' grep -qx 'cgroup.max.depth 65534' "$out"
    defaults
    USER_JSON='{"uid":5,"gid":5}'
    owner_of_group ',"ro"'
    expect_equal "$(grep -c ' 65534$' "$out")" 5 'cgroup ownership: mounted read-only the runtime SHOULD NOT change it'
else
    defaults
    owner_of_group ''
    check_not 'cgroup ownership: with cgroups v1 the runtime SHOULD NOT change it' \
        sh -c "find /sys/fs/cgroup -name 'oci-$id*' -user 100000 | grep ."
fi
