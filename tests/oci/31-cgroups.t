#!/bin/sh
# config-linux.md: control groups.
# shellcheck disable=SC2016,SC2034 # lib.sh reads the parts of a document; scripts are for the container
. "${0%/*}/lib.sh"

# file CONTROLLER V1-FILE V2-FILE: of the container's limit group at $path, on whichever version it is
hierarchy_of() {
    for t_dir in "/sys/fs/cgroup/$1" /sys/fs/cgroup; do
        [ -d "$t_dir$path" ] && { echo "$t_dir$path"; return; }
    done
}
value() { # CONTROLLER V1-FILE V2-FILE
    if [ -f "$(hierarchy_of "$1")/$2" ]; then cat "$(hierarchy_of "$1")/$2"; else cat "/sys/fs/cgroup$path/$3"; fi
}
is_v2() { [ -f /sys/fs/cgroup/cgroup.controllers ]; }

with_resources() { # JSON: a created container under these
    defaults
    sleeper
    path=/oci-$id
    LINUX=",\"cgroupsPath\":\"$path\",\"resources\":$1"
    create_here
}
expect_value() { # CONTROLLER V1-FILE V1-VALUE V2-FILE V2-VALUE NAME
    if is_v2; then
        expect_equal "$(value "$1" "$2" "$4")" "$5" "$6"
    else
        expect_equal "$(value "$1" "$2" "$4")" "$3" "$6"
    fi
}

with_resources '{"memory":{"limit":67108864,"reservation":33554432},"cpu":{"shares":512,"quota":20000,"period":50000},"pids":{"limit":41}}'
expect_status 0 'resources: a container under limits is created'
expect_value memory memory.limit_in_bytes 67108864 memory.max 67108864 'memory.limit sets limit of memory usage'
expect_value memory memory.soft_limit_in_bytes 33554432 memory.low 33554432 'memory.reservation sets soft limit of memory usage'
expect_value cpu cpu.cfs_quota_us 20000 cpu.max '20000 50000' 'cpu.quota per period'
is_v2 || expect_value cpu cpu.cfs_period_us 50000 cpu.max x 'cpu.period'
is_v2 || expect_value cpu cpu.shares 512 cpu.weight x 'cpu.shares'
expect_value pids pids.max 41 pids.max 41 'pids.limit specifies the maximum number of tasks in the cgroup'
pid=$(state_of pid)
check 'cgroupsPath: an absolute path is relative to the cgroups mount point' grep -q ":$path" "/proc/$pid/cgroup"
rt update --resources - "$id" </dev/null
printf '{"memory":{"limit":83886080},"pids":{"limit":42}}' >"$work/update.json"
rt update --resources "$work/update.json" "$id"
expect_status 0 'update: limits of a live container'
expect_value memory memory.limit_in_bytes 83886080 memory.max 83886080 '... are changed'
expect_value pids pids.max 42 pids.max 42 '... each of them'
expect_value cpu cpu.cfs_quota_us 20000 cpu.max '20000 50000' '... and those not named stay'
kill_and_delete
check_not 'nothing remains of the groups' sh -c "find /sys/fs/cgroup -name '*$id*' | grep ."

with_resources '{"cpu":{"cpus":"0","mems":"0"}}'
expect_value cpuset cpuset.cpus 0 cpuset.cpus 0 'cpu.cpus: list of CPUs the container will run in'
expect_value cpuset cpuset.mems 0 cpuset.mems 0 'cpu.mems: list of memory nodes'
kill_and_delete
with_resources '{"cpu":{"cpus":"4095"}}'
check 'cpu.cpus: CPUs that there are not MUST generate an error' test "$status" -ne 0
kill_and_delete

defaults
path=/oci-$id
LINUX=",\"cgroupsPath\":\"$path\",\"resources\":{\"memory\":{\"limit\":33554432},\"pids\":{\"limit\":20}}"
config
cp "$TOOLS/hog" "$bundle/rootfs/bin/hog"
ARGS='["/bin/hog","mem","100m"]'
config
run
check 'memory.limit: a process above it is killed' test "$status" -ne 0
ARGS='["/bin/hog","mem","16m"]'
config
run
expect_status 0 'memory.limit: a process below it lives'

for bad in '"memory":{"limit":"64M"}' '"memory":{"limit":-2}' '"memory":{"limit":1.5}' '"pids":{"limit":"5"}' \
    '"cpu":{"quota":-2}' '"cpu":{"period":-1}' '"cpu":{"shares":-5}' '"cpu":{"cpus":"a-b"}' '"memory":{"swappiness":101}' \
    '"hugepageLimits":[{"pageSize":"../../x","limit":1}]' '"unified":{"../memory.max":"1"}' \
    '"memory":{"limit":67108864,"swap":1048576}' '"devices":[{"allow":"yes"}]' '"memory":[]'; do
    defaults
    LINUX=",\"cgroupsPath\":\"/oci-$id\",\"resources\":{$bad}"
    expect_error "resources: an invalid value MUST generate an error: $bad"
done

# ---- the same place --------------------------------------------------------------------------------------

defaults
sleeper
path=/oci-$id/below/two
LINUX=",\"cgroupsPath\":\"$path\""
create_here
pid=$(state_of pid)
check 'cgroupsPath: the cgroups will be created if they do not exist' grep -q ":$path" "/proc/$pid/cgroup"
kill_and_delete
defaults
LINUX=',"cgroupsPath":"/oci/../../x"'
expect_error 'cgroupsPath: a path that leads out MUST generate an error'

# ---- allowed devices -------------------------------------------------------------------------------------

# The kernel's log: opening it for writing writes nothing.
defaults
log='"type":"c","major":1,"minor":11'
LINUX=",\"devices\":[{\"path\":\"/dev/log\",$log,\"fileMode\":438}],\"resources\":{\"devices\":[{\"allow\":false,\"access\":\"rwm\"},{\"allow\":true,$log,\"access\":\"rw\"}]}"
script '(: >/dev/log) 2>/dev/null && echo opened || echo denied'
expect_prints opened 'devices: an entry that allows comes after the one that denies all'
LINUX=",\"devices\":[{\"path\":\"/dev/log\",$log,\"fileMode\":438}],\"resources\":{\"devices\":[{\"allow\":false,\"access\":\"rwm\"},{\"allow\":true,$log,\"access\":\"rw\"},{\"allow\":false,$log,\"access\":\"w\"}]}"
expect_prints denied 'devices: the runtime MUST apply entries in the listed order'

# ---- unified ---------------------------------------------------------------------------------------------

if is_v2; then
    defaults
    sleeper
    path=/oci-$id
    LINUX=",\"cgroupsPath\":\"$path\",\"resources\":{\"unified\":{\"memory.high\":\"50331648\",\"pids.max\":\"33\"}}"
    create_here
    expect_equal "$(cat "/sys/fs/cgroup$path/memory.high")" 50331648 'unified: each key refers to a file in the cgroup unified hierarchy'
    expect_equal "$(cat "/sys/fs/cgroup$path/pids.max")" 33 'unified: the needed cgroup controllers are enabled'
    kill_and_delete
    defaults
    LINUX=',"resources":{"unified":{"nosuch.max":"1"}}'
    expect_error 'unified: a controller that is not present MUST generate an error'
fi

# ---- pause -----------------------------------------------------------------------------------------------

defaults
script 'i=0; while :; do i=$((i + 1)); echo $i >/tmp/count; done'
create_here
start
rt pause "$id"
expect_status 0 'pause'
expect_state status paused 'a paused container says so'
a=$(cat "$bundle/rootfs/tmp/count")
sleep 0.3
expect_equal "$(cat "$bundle/rootfs/tmp/count")" "$a" 'nothing of a paused container runs'
rt resume "$id"
expect_status 0 'resume'
expect_state status running 'a resumed container is running'
rt pause "$id"
rt kill "$id" KILL
rt resume "$id"
wait_until 5 status_is stopped
expect_state status stopped 'a paused container can be killed'
delete_force
