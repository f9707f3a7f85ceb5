#!/bin/sh
# config-linux.md: namespaces, user namespace mappings, time offsets, personality, sysctl, intelRdt.
# shellcheck disable=SC2016,SC2034 # lib.sh reads the parts of a document; scripts are for the container
. "${0%/*}/lib.sh"

proc_name() { # TYPE: its file in /proc/PID/ns
    case $1 in network) echo net ;; mount) echo mnt ;; *) echo "$1" ;; esac
}

types='pid mount ipc uts network cgroup'
[ ! -e /proc/self/ns/time ] || types="$types time"
for type in $types; do
    name=$(proc_name "$type")
    defaults
    NS='"mount","pid","ipc","uts","network","cgroup"'
    case $type in time) NS="$NS,\"time\"" ;; esac
    script "readlink /proc/self/ns/$name"
    config
    run
    if [ "$status" -eq 0 ] && [ "$(cat "$out")" != "$(readlink "/proc/self/ns/$name")" ]; then
        ok "namespaces: without path the runtime MUST create a new container namespace: $type"
    else
        t_fail_run "namespaces: without path the runtime MUST create a new container namespace: $type" ''
    fi
done
for type in ipc uts network cgroup; do
    name=$(proc_name "$type")
    defaults
    NS='"mount","pid"'
    script "readlink /proc/self/ns/$name"
    [ "$type" != network ] || MOUNTS=$(echo "$mounts_default" | grep -v sysfs | sed '$s/,$//')
    expect_prints "$(readlink "/proc/self/ns/$name")" \
        "namespaces: a type that is not specified MUST be inherited: $type"
done

# Join those of a process that has its own.
unshare -imnpu --fork sleep 300 &
holder_parent=$!
t_pids="$t_pids $holder_parent"
holder=
find_holder() { read -r holder _ <"/proc/$holder_parent/task/$holder_parent/children"; [ -n "$holder" ]; }
wait_until 5 find_holder
for type in ipc uts network pid; do
    name=$(proc_name "$type")
    defaults
    NS_JSON="{\"type\":\"mount\"},{\"type\":\"$type\",\"path\":\"/proc/$holder/ns/$name\"}"
    [ "$type" = network ] || MOUNTS=$(echo "$mounts_default" | grep -v sysfs | sed '$s/,$//')
    [ "$type" = pid ] || NS_JSON="$NS_JSON,{\"type\":\"pid\"}"
    case $type in
    pid) script "readlink /proc/self/ns/pid" ;;
    *) script "readlink /proc/self/ns/$name" ;;
    esac
    expect_prints "$(readlink "/proc/$holder/ns/$name")" \
        "namespaces: the runtime MUST place the process in the namespace associated with path: $type"
done
kill -KILL "$holder" 2>/dev/null

defaults
NS_JSON='{"type":"mount"},{"type":"pid"},{"type":"network","path":"/proc/self/ns/uts"}'
expect_error 'namespaces: a path that is not associated with a namespace of that type MUST generate an error'
defaults
NS_JSON='{"type":"mount"},{"type":"pid"},{"type":"network","path":"/etc/passwd"}'
expect_error 'namespaces: a path that is no namespace MUST generate an error'
defaults
NS_JSON='{"type":"mount"},{"type":"pid"},{"type":"network","path":"/no/such/namespace"}'
expect_error 'namespaces: a path that does not exist MUST generate an error'
defaults
NS='"mount","pid","pid"'
expect_error 'namespaces: duplicated namespaces with same type MUST generate an error'
defaults
NS='"mount","pid","bogus"'
expect_error 'namespaces: an unknown type MUST generate an error'
defaults
NS='"mount","pid"'
TOP=',"hostname":"x"'
expect_error 'hostname without a UTS namespace of the container MUST generate an error'

# ---- user namespace --------------------------------------------------------------------------------------

defaults
NS='"pid","mount","ipc","uts","network","user"'
LINUX=',"uidMappings":[{"containerID":0,"hostID":100000,"size":65536}],"gidMappings":[{"containerID":0,"hostID":200000,"size":65536}]'
script 'id -u; cat /proc/self/uid_map /proc/self/gid_map | tr -s " "'
config
chown -R 100000:200000 "$bundle/rootfs"
chmod 755 "$work" "$bundles" "$bundle"
run
expect_status 0 'user: a container in a user namespace of its own'
check 'uidMappings: from the host to the container' grep -q '^ *0 100000 65536$' "$out"
check 'gidMappings: from the host to the container' grep -q '^ *0 200000 65536$' "$out"
defaults
NS='"pid","mount","ipc","uts","network","user"'
expect_error 'user: a new user namespace without mappings MUST generate an error'
defaults
LINUX=',"uidMappings":[{"containerID":0,"hostID":100000,"size":0}],"gidMappings":[{"containerID":0,"hostID":100000,"size":1}]'
NS='"pid","mount","user"'
expect_error 'uidMappings: a mapping of no ids MUST generate an error'

# ---- time, personality, sysctl ------------------------------------------------------------------------------

if [ -e /proc/self/ns/time ]; then
    defaults
    NS='"pid","mount","time"'
    MOUNTS=$(echo "$mounts_default" | grep -v sysfs | sed '$s/,$//')
    LINUX=',"timeOffsets":{"boottime":{"secs":864000,"nanosecs":5},"monotonic":{"secs":172800}}'
    script 'cut -d . -f 1 /proc/uptime'
    config
    run
    check 'timeOffsets: sets the offset for the time namespace' \
        test "$(cat "$out")" -gt $(($(cut -d . -f 1 /proc/uptime) + 860000))
    defaults
    LINUX=',"timeOffsets":{"realtime":{"secs":1}}'
    NS='"pid","mount","time"'
    expect_error 'timeOffsets: an unknown clock MUST generate an error'
fi
defaults
LINUX=',"personality":{"domain":"LINUX32"}'
script 'uname -m'
expect_prints_matching '^i[3-6]86$' 'personality: LINUX32 will set the uname system call to show a 32 bit CPU type'
defaults
LINUX=',"personality":{"domain":"BOGUS"}'
expect_error 'personality: an invalid domain MUST generate an error'
defaults
LINUX=',"sysctl":{"kernel.msgmax":"4321","net.ipv4.ip_forward":"1"}'
script 'cat /proc/sys/kernel/msgmax /proc/sys/net/ipv4/ip_forward'
expect_prints "$(printf '4321\n1')" 'sysctl allows kernel parameters to be modified at runtime for the container'
for bad in kernel.core_pattern kernel.../kernel/core_pattern net/../kernel/core_pattern vm.swappiness; do
    defaults
    LINUX=",\"sysctl\":{\"$bad\":\"1\"}"
    expect_error "sysctl: what is not the container's own MUST generate an error: $bad"
done
defaults
NS='"pid","mount"'
MOUNTS=$(echo "$mounts_default" | grep -v sysfs | sed '$s/,$//')
LINUX=',"sysctl":{"net.ipv4.ip_forward":"1"}'
expect_error "sysctl: net.* without a network namespace MUST generate an error"
if [ ! -d /sys/fs/resctrl/info ]; then
    defaults
    LINUX=',"intelRdt":{"closID":"x"}'
    expect_error 'intelRdt: without a mounted resctrl the runtime MUST generate an error'
fi
