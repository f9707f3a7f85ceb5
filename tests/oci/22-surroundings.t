#!/bin/sh
# config.md and config-linux.md: terminals, labels, affinity, mapped mounts, network devices.
# shellcheck disable=SC2016,SC2034 # lib.sh reads the parts of a document; scripts are for the container
# A host's network of our own to take devices from.
if [ -z "${NETDEV_APART:-}" ] && [ "$(id -u)" -eq 0 ]; then
    NETDEV_APART=1 exec unshare -n "$0" "$@"
fi
. "${0%/*}/lib.sh"

# ---- other platforms' fields -----------------------------------------------------------------------------

defaults
script 'id -u'
USER_JSON='{"uid":0,"gid":0,"username":"ContainerUser"}'
PROCESS=',"commandLine":"x y"'
expect_prints 0 'user.username and commandLine are of other platforms, and MUST be ignored'

# ---- terminal ----------------------------------------------------------------------------------------------

listen() { # SOCKET: prints what comes over the terminal that is sent there
    rm -f "$1"
    "$TOOLS/spawntest" console "$1" >"$work/terminal" 2>&1 &
    listener=$!
    t_pids="$t_pids $listener"
    wait_until 10 test -S "$1"
}
defaults
TERMINAL=true
PROCESS=',"consoleSize":{"height":37,"width":101}'
script 'stty size; readlink /proc/self/fd/0; test -c /dev/console && echo console'
listen "$work/console"
config
rt create --bundle "$bundle" --console-socket "$work/console" "$id"
expect_status 0 'terminal: its master is sent to the console socket'
start
wait_status stopped
# Whoever was sent nothing would wait for ever.
[ "$status" -eq 0 ] || kill "$listener"
wait "$listener" 2>/dev/null
check 'consoleSize: height and width of the terminal' grep -q '^37 101' "$work/terminal"
check 'terminal: stdin, stdout and stderr are of the pseudoterminal' grep -q '^/dev/pts/0' "$work/terminal"
check 'default devices: /dev/console is set up if terminal is enabled' grep -q '^console' "$work/terminal"
delete_force
defaults
TERMINAL=true
PROCESS=',"consoleSize":{"height":-1,"width":101}'
config
rt create --bundle "$bundle" --console-socket "$work/none" "$id"
check 'consoleSize: a negative size MUST generate an error' test "$status" -ne 0
delete_force

# ---- affinity of further processes ---------------------------------------------------------------------------

all=$("$TOOLS/probe" affinity)
defaults
script '/bin/probe affinity >/tmp/first; while :; do sleep 0.1; done'
PROCESS=',"execCPUAffinity":{"initial":"0","final":"0"}'
create_here
start
wait_until 5 test -s "$bundle/rootfs/tmp/first"
expect_equal "$(cat "$bundle/rootfs/tmp/first" 2>/dev/null)" "$all" \
    'execCPUAffinity is not applicable to the container'"'"'s first process'
rt exec "$id" /bin/probe affinity
expect_equal "$(cat "$out")" 0 'execCPUAffinity.final: the CPUs that a further process runs on'
delete_force
for bad in '{"initial":"x"}' '{"final":"0-"}' '{"initial":3}'; do
    defaults
    PROCESS=",\"execCPUAffinity\":$bad"
    expect_error "execCPUAffinity: an invalid list MUST generate an error: $bad"
done

# ---- labels ----------------------------------------------------------------------------------------------------

# A kernel that has it, but not enabled, or without a policy, takes a label and does nothing.
if [ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" != Y ]; then
    defaults
    PROCESS=',"apparmorProfile":"acme_secure_profile"'
    expect_run_fails 'apparmorProfile: where there is no AppArmor a profile is not silently left out'
    check '... and the sentence names it' grep -q 'acme_secure_profile.*AppArmor' "$err"
fi
if ! grep -qs : /proc/self/attr/current || ! grep -q selinuxfs /proc/filesystems; then
    defaults
    PROCESS=',"selinuxLabel":"system_u:system_r:svirt_lxc_net_t:s0:c124,c675"'
    expect_run_fails 'selinuxLabel: where there is no SELinux a label is not silently left out'
    check '... and the sentence names it' grep -q 'svirt_lxc_net_t.*SELinux' "$err"
    defaults
    LINUX=',"mountLabel":"system_u:object_r:svirt_sandbox_file_t:s0:c715,c811"'
    expect_run_fails 'mountLabel: where there is no SELinux a label is not silently left out'
fi

# ---- mapped mounts -----------------------------------------------------------------------------------------------

# On a file system that can be mapped: in a virtual machine the disk, since a tmpfs cannot before Linux 6.3.
disk=
if [ -d /scratch ]; then
    disk=$(mktemp -d /scratch/oci.XXXXXX)
    chmod 755 "$disk"
fi
share=${disk:-$work}/share
mkdir -p "$share/sub" "${share}2"
for there in "$share" "${share}2"; do
    : >"$there/file"
    chown 7:8 "$there/file"
done
maps='"uidMappings":[{"containerID":0,"hostID":1000,"size":100}],"gidMappings":[{"containerID":0,"hostID":2000,"size":100}]'
mapped() { # OPTIONS MORE
    MORE_MOUNTS=",{\"destination\":\"/data\",\"type\":\"none\",\"source\":\"$share\",\"options\":[$1]$2}"
}
defaults
mapped '"bind","idmap"' ",$maps"
script 'stat -c "%u %g" /data/file'
expect_prints '1007 2008' 'idmap: the mapping is applied to the mount'
if mount --bind "${share}2" "$share/sub" 2>/dev/null; then
    defaults
    mapped '"rbind","idmap"' ",$maps"
    script 'stat -c "%u %g" /data/file /data/sub/file'
    expect_prints "$(printf '1007 2008\n7 8')" 'idmap is of the mount alone'
    defaults
    mapped '"rbind","ridmap"' ",$maps"
    script 'stat -c "%u %g" /data/file /data/sub/file'
    expect_prints "$(printf '1007 2008\n1007 2008')" 'ridmap: the mapping is applied recursively'
    umount "$share/sub"
fi
[ -z "$disk" ] || rm -rf "$disk"
share=/proc
defaults
mapped '"bind","idmap"' ",$maps"
expect_error 'idmap: a file system that cannot be mapped MUST generate an error'
check '... and the sentence says which' grep -q 'cannot map the owners of /proc on /data (idmap): its file system' "$err"
defaults
mapped '"bind"' ",\"uidMappings\":[{\"containerID\":0,\"hostID\":1000,\"size\":100}]"
expect_error 'uidMappings of a mount: if specified, gidMappings MUST be specified as well'

# ---- network devices -----------------------------------------------------------------------------------------------

if command -v ip >/dev/null && ip link add rt0 type veth peer name rt1 2>/dev/null; then
    defaults
    LINUX=',"netDevices":{"rt0":{"name":"eth7"}}'
    script 'test -d /sys/class/net/eth7 && echo moved'
    expect_prints moved 'netDevices: the device is moved into the network namespace, under its new name'
    # It goes with its namespace, and the kernel takes its time.
    wait_until 10 sh -c '! ip link show rt1'
    ip link add rt0 type veth peer name rt1 2>/dev/null
    defaults
    LINUX=',"netDevices":{"rt0":{"name":"a/b"}}'
    expect_error 'netDevices: a name that the kernel does not take MUST generate an error'
    check '... and the device is where it was' ip link show rt0
    defaults
    LINUX=',"netDevices":{"nosuch":{}}'
    expect_error 'netDevices: a device that does not exist MUST generate an error'
    defaults
    NS='"pid","mount"'
    MOUNTS=$(echo "$mounts_default" | grep -v sysfs | sed '$s/,$//')
    LINUX=',"netDevices":{"rt0":{}}'
    expect_error 'netDevices: without a network namespace the runtime MUST generate an error'
fi

# ---- umask -----------------------------------------------------------------------------------------------------

defaults
script 'umask'
config
status=0
(umask 077; exec "$RUNTIME" --root "$runtime_root" run --bundle "$bundle" "$id") >"$out" 2>"$err" </dev/null || status=$?
expect_equal "$(cat "$out")" 0022 'umask: without one it does not hang on who calls the runtime'
delete_force

# ---- no mount namespace ----------------------------------------------------------------------------------------

defaults
NS='"pid","ipc"'
script 'echo ran'
MOUNTS=
expect_error 'a document without a mount namespace, whose mounts would be the host'"'"'s, is an error'
