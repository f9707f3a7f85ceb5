#!/bin/sh
# podman as root: the limits of a container, and what reads and changes them. Of the scripts for podman the
# one to run where everything is slow: it is the groups that differ from layout to layout.
# shellcheck disable=SC2016,SC2034 # the shell inside is to expand it; lib.sh reads CLIENTS
CLIENTS='podman conmon tini-static'
. "${0%/*}/lib.sh"
. "${0%/*}/images.sh"
. "${0%/*}/podman.sh"

podman_configure "$world/home"
image_tar "$work/image.tar"
podman_import env
bb=localhost/busybox

# ---- limits ---------------------------------------------------------------------------------------

works 'a container with limits starts' podman run -d --name limits -m 64m --memory-swap 96m \
    --memory-reservation 32m --cpu-shares 512 --cpu-period 50000 --cpu-quota 25000 \
    --cpuset-cpus 0 --cpuset-mems 0 --pids-limit 50 $bb sleep 1000
expect_limit limits memory memory.limit_in_bytes 67108864 memory.max 67108864 'memory: the limit'
expect_limit limits memory memory.memsw.limit_in_bytes 100663296 memory.swap.max 33554432 \
    'memory and swap: the limit'
expect_limit limits memory memory.soft_limit_in_bytes 33554432 memory.low 33554432 \
    'memory: the reservation'
# The formula for weights changed after Debian 12's runtimes: 512 shares were 20, 256 were 10.
case $runtime_name in
runc | crun) weight_512=20 weight_256=10 ;;
*) weight_512=59 weight_256=35 ;;
esac
expect_limit limits cpu cpu.shares 512 cpu.weight $weight_512 'cpu: the shares'
expect_limit limits cpu cpu.cfs_period_us 50000 cpu.max '25000 50000' 'cpu: the period'
expect_limit limits cpu cpu.cfs_quota_us 25000 cpu.max '25000 50000' 'cpu: the quota'
expect_limit limits cpuset cpuset.cpus 0 cpuset.cpus 0 'cpuset: the processors'
expect_limit limits cpuset cpuset.mems 0 cpuset.mems 0 'cpuset: the memory nodes'
expect_limit limits pids pids.max 50 pids.max 50 'pids: the limit'
expect_equal "$(inside limits memory memory.limit_in_bytes memory.max)" 67108864 \
    'the memory limit is read inside'
expect_equal "$(inside limits pids pids.max pids.max)" 50 'the pids limit is read inside'
expect_equal "$(inside limits cpuset cpuset.cpus cpuset.cpus)" 0 'the processors are read inside'
expect_equal "$(podman exec limits nproc)" 1 'a program inside counts one processor'
tells '^limits .*67.11MB' 'stats knows the memory limit' \
    podman stats --no-stream --format '{{.Name}} {{.PIDs}} {{.MemUsage}}' limits
tells '^limits 1 ' 'stats counts the processes' \
    podman stats --no-stream --format '{{.Name}} {{.PIDs}} {{.MemUsage}}' limits
works 'update changes the memory' podman update --memory 80m --memory-swap 160m limits
expect_limit limits memory memory.limit_in_bytes 83886080 memory.max 83886080 'the new limit holds'
works 'update changes the processors' podman update --cpus 0.4 --cpu-shares 256 limits
expect_limit limits cpu cpu.shares 256 cpu.weight $weight_256 'the new shares hold'
expect_limit limits cpu cpu.cfs_quota_us 40000 cpu.max '40000 100000' 'the new quota holds'
expect_limit limits pids pids.max 50 pids.max 50 'what was not named is as it was'
refuses 3 'fork' 'more processes than the limit are refused' podman exec limits hog fork 60
works 'it is killed' podman rm -f -t 0 limits
exits 137 'more memory than the limit is 137' \
    podman run --name oom -m 32m --memory-swap 32m $bb hog mem 100m
works 'it is removed' podman rm oom
works 'memory below the limit is fine' \
    podman run --rm -m 64m --memory-swap 64m $bb hog mem 16m
works '--cpus alone' podman run -d --name half --cpus 0.5 $bb sleep 1000
expect_limit half cpu cpu.cfs_quota_us 50000 cpu.max '50000 100000' '--cpus is a quota'
works 'it is removed' podman rm -f -t 0 half

# ---- files of v2, and devices -----------------------------------------------------------------------

if [ "$(controller_version memory)" = 2 ]; then
    works 'files of v2 by name' podman run -d --name unified --cgroup-conf memory.high=50331648 \
        --cgroup-conf memory.oom.group=1 $bb sleep 1000
    expect_limit unified memory - - memory.high 50331648 'one is as it was said'
    expect_limit unified memory - - memory.oom.group 1 'the other as well'
    works 'it is removed' podman rm -f -t 0 unified
    run podman run --rm --cgroup-conf memory.nothing=1 $bb true
    check 'a file that there is not is refused' test "$status" -ne 0
    expect_stderr_matches 'memory.nothing' '... by its name'
fi
works 'a device can be used' podman run --rm --device /dev/fuse $bb sh -c ': </dev/fuse'
refuses 1 'not permitted' 'one that was not given cannot' \
    podman run --rm --cap-add MKNOD $bb sh -c 'mknod /tmp/d c 10 229 && : </tmp/d'

# ---- frozen, and gone -------------------------------------------------------------------------------

works 'a container that stays' podman run -d --name stays -m 64m $bb sh -c 'while :; do sleep 0.1; done'
works 'it is paused' podman pause stays
check 'its group is frozen' is_frozen stays
works 'it goes on' podman unpause stays
check_not 'its group is no longer frozen' is_frozen stays
says more 'exec joins it' podman exec stays echo more
works 'it is stopped' podman stop -t 1 stays
says 137 'wait tells how' podman wait stays
works 'all containers are removed' podman rm -fa -t 0
expect_podman_gone podman-limits
