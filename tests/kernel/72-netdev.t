#!/bin/sh
# shellcheck disable=SC2016,SC2034 # lib.sh reads the parts of a document; scripts are for the container
# Network devices that a document moves into its container: with their addresses, up, and back when it fails.
: "${RATION_OCI:=${RATION%/cli/*}/ocicli/ration-oci}"
# A host's network of our own to take devices from.
if [ -z "${NETDEV_APART:-}" ] && [ "$(id -u)" -eq 0 ]; then
    export RATION_OCI NETDEV_APART=1
    exec unshare -n "$0" "$@"
fi
RUNTIME=$RATION_OCI
. "${0%/*}/../oci/lib.sh"
require_root
require_command ip

ip link add rt0 type veth peer name rt1 2>/dev/null || skip_all 'this kernel has no veth'
make_device() {
    ip link show rt0 >/dev/null 2>&1 && return
    wait_until 10 no_peer
    ip link add rt0 type veth peer name rt1
    ip addr add 10.9.8.7/24 broadcast 10.9.8.255 dev rt0
    ip addr add fd00::5/64 dev rt0
    ip link set rt0 mtu 1400 up
}
no_peer() { ! ip link show rt1 >/dev/null 2>&1; }
ip link del rt0

moved() { # NETDEVICES NAME: runs with them, and says what became of the device
    make_device
    defaults
    LINUX=",\"netDevices\":{$1}"
    script 'for d in /sys/class/net/*; do n=${d##*/}; [ "$n" = lo ] || echo "$n $(cat $d/mtu) $(($(cat $d/flags) & 1))"; done
grep -c 10.9.8.7 /proc/net/fib_trie; grep -c "^fd000000000000000000000000000005.* $0\$" /proc/net/if_inet6'
    ARGS=$(printf '%s' "$ARGS" | sed "s|]\$|,\"$2\"]|")
    config
    run
}
moved '"rt0":{"name":"eth9"}' eth9
expect_stdout_is 'eth9 1400 1
2
1' 'a device moves under a new name, keeps what it has, and is up'
check 'out here it is gone' test ! -e /proc/sys/net/ipv4/conf/rt0
moved '"rt0":{}' rt0
expect_stdout_is 'rt0 1400 1
2
1' 'or under its own'
moved '"rt0":{"name":"eth%d"}' eth0
expect_stdout_is 'eth0 1400 1
2
1' 'or under the first that is free'

refused_back() { # NETDEVICES ERE NAME
    make_device
    before=$(ip -br addr | sort)
    defaults
    LINUX=",\"netDevices\":{$1}"
    config
    create
    if [ "$status" -eq 0 ] || ! grep -qE -e "$2" "$err"; then
        t_fail_run "$3" "not refused with: $2"
    else
        ok "$3"
    fi
    delete_force
    expect_equal "$(ip -br addr | sort)" "$before" '... and out here everything is as it was'
}
refused_back '"rt0":{"name":"lo"}' 'rt0.* lo already' 'a name that the container has is refused'
refused_back '"none":{}' 'no network device none' 'so is a device that there is not'
refused_back '"lo":{"name":"lo1"}' 'linux.netDevices: ' 'and one that the kernel keeps where it is'
refused_back '"rt0":{"name":"a0"},"nope":{}' 'no network device nope' 'those that were moved before come back'
