# What the tests of images, containers and networks share; sourced first by every tests/engine/*.t.
#
#     . "${0%/*}/lib.sh"
#     busybox_image                      an image "busybox" in the store, from Debian's busybox-static
#     run_ration run --rm busybox echo hello
#     engine_clean 'nothing is left'     removes every container; then no mount, link, rule, group or file is left
#
# Sourced for the first time it runs the script again in mount and network namespaces of its own, with `lo`
# up: links, addresses and rules of the machine are out of reach, and what a test leaves ends with it.
#
# For scripts:   what tests/lib.sh has, and
#                $RATION_DATA_DIR   images and containers of this script alone, in $work
#                $RATION_STATE_DIR  its run directory
#                require_images     before containers of images change their root
#                engine_user        makes user 1000 one with subordinate ids; as_user runs ration as that
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2154

if [ -z "${ENGINE_APART:-}" ] && [ "$(id -u)" -eq 0 ]; then
    ENGINE_APART=1 exec unshare -mn --propagation private "${TEST_SHELL:-sh}" "$0" "$@"
fi

. "${LIB:-${0%/*}/../lib.sh}"
require_root

# What a container did by mistake to the machine's own files would stay.
for e_name in subuid subgid; do
    [ -e "/etc/$e_name" ] || : >"/etc/$e_name"
done
for e_name in /etc /usr /root /home /opt /srv /boot; do
    [ ! -d "$e_name" ] || { mount --bind "$e_name" "$e_name" && mount -o remount,bind,ro "$e_name"; } ||
        skip_all "$e_name cannot be made read-only in a mount namespace"
done

# /sys shows the links of the namespace that it was mounted in; /proc/net those of ours.
ip link set lo up 2>/dev/null || ifconfig lo 127.0.0.1 up

RATION_DATA_DIR=$work/data
RATION_STATE_DIR=$work/state
export RATION_DATA_DIR RATION_STATE_DIR
# What the machine's owner has set for others must not be in the way.
unset DOCKER_CONFIG REGISTRY_AUTH_FILE
HOME=$work/home
export HOME
mkdir -m 700 "$HOME"

# ---- images ------------------------------------------------------------------------------------------

# For scripts whose containers change their root: where a word were no image but a program of this machine, it
# would be this machine that they change.
require_images() {
    run_ration run --rm true
    [ "$status" -ne 0 ] && return
    not_ok 'a word is an image, and no program of this machine' "run --rm true ran one"
    exit
}

busybox_image() { # [NAME]
    run_ration image import --host-busybox "${1:-busybox}"
    [ "$status" -eq 0 ] || t_fail_run 'an image is made of the busybox of this machine' "exit status $status"
}

# ---- an ordinary user --------------------------------------------------------------------------------

user_home=$work/user

# User 1000 with 65536 subordinate ids, in files that only our mount namespace sees.
engine_user() {
    mkdir "$work/etc" "$user_home"
    grep -v '^[^:]*:[^:]*:1000:' /etc/passwd >"$work/etc/passwd"
    echo "rationtest:x:1000:1000::$user_home:/bin/sh" >>"$work/etc/passwd"
    grep -v '^[^:]*:[^:]*:1000:' /etc/group >"$work/etc/group"
    echo 'rationtest:x:1000:' >>"$work/etc/group"
    echo 'rationtest:200000:65536' | tee "$work/etc/subuid" >"$work/etc/subgid"
    chmod 644 "$work"/etc/*
    for e_name in passwd group subuid subgid; do
        [ -e "/etc/$e_name" ] || : >"/etc/$e_name"
        mount --bind "$work/etc/$e_name" "/etc/$e_name"
    done
    mkdir -m 700 "$user_home/run"
    chown -R 1000:1000 "$user_home"
    # t_left() compares mounts: these are there until the script ends.
    t_mounts >"$work/.mounts.before"
}

as_user() { # ARGS...: run_ration as that user, with a store and a run directory of its own
    t_last=$*
    status=0
    env -i PATH="$PATH" HOME="$user_home" USER=rationtest XDG_RUNTIME_DIR="$user_home/run" \
        RATION_DATA_DIR="$user_home/data" RATION_STATE_DIR="$user_home/run/ration" \
        "$TOOLS/hog" run-as 1000 "$RATION" "$@" >"$out" 2>"$err" </dev/null || status=$?
}

# What the last run printed, on stdout or stderr, and how it ended.
expect_inside() { # NAME STATUS ERE
    if [ "$status" -ne "$2" ]; then
        t_fail_run "$1" "exit status $status, wanted $2"
    elif ! cat "$out" "$err" | grep -qE -- "$3"; then
        t_fail_run "$1" "no line has: $3"
    else
        ok "$1"
    fi
}

# ---- what is left ------------------------------------------------------------------------------------

# Links but for lo, tables of rules: there are none but those of ration in our network namespace.
engine_network() {
    sed -n 's/^ *\([^:]*\):.*/\1/p' /proc/net/dev | grep -vx lo | sed 's/^/link /'
    nft list tables 2>/dev/null | sed 's/^/rules: /'
}

# Files that a container or a network leaves; images, volumes and their locks stay.
engine_files() {
    find "$RATION_DATA_DIR/containers" -mindepth 1 ! -name .names ! -name '.lock' 2>/dev/null | head -n 20
    find "$RATION_STATE_DIR" -mindepth 1 -type f ! -name '.lock' 2>/dev/null | head -n 20
}

engine_left() {
    engine_network
    engine_files
}

# Removes every container, and then nothing of any is left: t_left() looks at groups, mounts, records and processes.
engine_clean() { # [NAME]
    t_name=${1:-'nothing is left of any container'}
    run_ration ps -aq --no-trunc
    if [ "$status" -ne 0 ]; then
        t_fail_run "$t_name" 'ps failed'
        return
    fi
    cp "$out" "$work/.ids"
    while read -r e_id; do
        run_ration rm -f -v "$e_id"
        [ "$status" -eq 0 ] || { t_fail_run "$t_name" "rm -f $e_id failed"; return; }
    done <"$work/.ids"
    e_tries=50
    while e_left=$(engine_left) && [ -n "$e_left" ] && [ "$e_tries" -gt 0 ]; do
        e_tries=$((e_tries - 1))
        sleep 0.1
    done
    if [ -n "$e_left" ]; then
        not_ok "$t_name" "$e_left"
    else
        assert_no_leftovers "$t_name"
    fi
}

# No container outlives a script that stopped half way. t_done() removes $work afterwards.
engine_end() {
    e_status=$?
    trap - EXIT
    "$RATION" ps -aq --no-trunc 2>/dev/null | while read -r e_id; do
        "$RATION" rm -f -v "$e_id" >/dev/null 2>&1
    done
    (exit "$e_status")
    t_done
}
trap engine_end EXIT
