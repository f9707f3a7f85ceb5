# What the tests of the OCI runtime specification share; sourced first by every tests/oci/*.t.
#
#     RUNTIME=/usr/sbin/runc tests/oci/10-lifecycle.t      any runtime: the peers try the tests themselves
#
# Each assertion is named after the sentence of the specification (1.2) that it shows. A bundle is made by
# setting parts of its config.json as shell variables and calling `config`:
#
#     defaults                       the parts as they are when nothing is said
#     script 'echo hello'            process.args: a shell with this script
#     NS='"pid","mount"'             namespaces that are made
#     PROCESS=',"cwd":"/tmp"' ...    what comes after the usual members of that object
#     config                         writes $bundle/config.json
#     rt run "$id"                   runs the runtime: $status, $out, $err
# shellcheck shell=sh
# shellcheck disable=SC2016,SC2034

: "${RUNTIME:=${RATION_OCI:?the runtime to test}}"
RATION=$RUNTIME
runtime_name=${RUNTIME##*/}

# crun 1.8 wants a unified hierarchy without controllers, or none: hide it, in a mount namespace of our own.
if [ "$runtime_name" = crun ] && [ -d /sys/fs/cgroup/unified ] && [ -z "${OCI_HIDDEN:-}" ]; then
    OCI_HIDDEN=1 exec unshare -m sh -c 'umount -l /sys/fs/cgroup/unified; exec "$0" "$@"' "$0" "$@"
fi

. "${0%/*}/../lib.sh"

runtime_root=$work/root
bundles=$work/b
mkdir -m 700 "$runtime_root"
mkdir "$bundles"
id_count=0

# ---- the root --------------------------------------------------------------------------------------

busybox=$(command -v busybox) || skip_all 'busybox is not installed'
# To the shell of busybox itself it is a name.
case $busybox in /*) ;; *) busybox=/bin/busybox ;; esac
template=$work/rootfs

make_template() {
    for t_dir in bin dev etc proc root sbin sys tmp usr/bin var/empty; do
        mkdir -p "$template/$t_dir"
    done
    cp "$busybox" "$template/bin/busybox"
    for t_applet in cat chmod chown cp cut dd df echo env false grep head hostname id kill ln ls mkdir mknod mount nice \
        nproc od printf ps pwd readlink rm sed seq sh sleep sort stat stty tail taskset test touch tr true tty \
        umount uname unshare wc; do
        ln -s busybox "$template/bin/$t_applet"
    done
    cp "$TOOLS/probe" "$template/bin/probe" 2>/dev/null
    echo 'root:x:0:0:root:/root:/bin/sh' >"$template/etc/passwd"
    echo 'root:x:0:' >"$template/etc/group"
    chmod 1777 "$template/tmp"
}
make_template

# ---- documents -------------------------------------------------------------------------------------

json_text() { # TEXT: as a JSON string
    printf '"'
    printf '%s' "$1" | sed 's/\\/\\\\/g; s/"/\\"/g' | awk '{ if (NR > 1) printf "\\n"; printf "%s", $0 }'
    printf '"'
}

script() { # SCRIPT: the process is a shell with it
    ARGS="[\"/bin/sh\",\"-c\",$(json_text "$1")]"
}

mounts_default='{"destination":"/proc","type":"proc","source":"proc"},
{"destination":"/dev","type":"tmpfs","source":"tmpfs","options":["nosuid","strictatime","mode=755","size=65536k"]},
{"destination":"/dev/pts","type":"devpts","source":"devpts","options":["nosuid","noexec","newinstance","ptmxmode=0666","mode=0620"]},
{"destination":"/dev/shm","type":"tmpfs","source":"shm","options":["nosuid","noexec","nodev","mode=1777","size=65536k"]},
{"destination":"/sys","type":"sysfs","source":"sysfs","options":["nosuid","noexec","nodev","ro"]}'
caps_default='"CAP_CHOWN","CAP_DAC_OVERRIDE","CAP_FOWNER","CAP_KILL","CAP_SETGID","CAP_SETUID","CAP_SYS_CHROOT"'

defaults() {
    id_count=$((id_count + 1))
    id=t$$-$id_count
    bundle=$bundles/$id
    VERSION='"1.0.2"'
    TERMINAL=false
    USER_JSON='{"uid":0,"gid":0}'
    ARGS='["/bin/true"]'
    ENV='["PATH=/usr/bin:/bin","TERM=xterm"]'
    CWD='"/"'
    CAPS="{\"bounding\":[$caps_default],\"effective\":[$caps_default],\"permitted\":[$caps_default]}"
    PROCESS=
    ROOT='{"path":"rootfs"}'
    MOUNTS=$mounts_default
    MORE_MOUNTS=
    NS='"pid","mount","ipc","uts","network"'
    NS_JSON=
    LINUX=
    HOOKS=
    TOP=
}

# Namespaces by their types, unless NS_JSON has them whole.
namespaces_json() {
    if [ -n "$NS_JSON" ]; then
        echo "$NS_JSON"
    else
        echo "$NS" | sed 's/"\([a-z]*\)"/{"type":"\1"}/g'
    fi
}

config() { # writes $bundle/config.json, and the root beside it
    mkdir -p "$bundle"
    [ -d "$bundle/rootfs" ] || cp -a "$template" "$bundle/rootfs"
    {
        # Not echo: some shells' reads backslashes.
        printf '{"ociVersion":%s,"process":{"terminal":%s,"user":%s,"args":%s,\n' "$VERSION" "$TERMINAL" \
            "$USER_JSON" "$ARGS"
        printf '"env":%s,"cwd":%s,"capabilities":%s%s},"root":%s,\n' "$ENV" "$CWD" "$CAPS" "$PROCESS" "$ROOT"
        printf '"mounts":[%s%s],\n' "$MOUNTS" "$MORE_MOUNTS"
        [ -z "$HOOKS" ] || printf '"hooks":%s,\n' "$HOOKS"
        printf '"linux":{"namespaces":[%s]%s}%s}\n' "$(namespaces_json)" "$LINUX" "$TOP"
    } >"$bundle/config.json"
}

# ---- the runtime -----------------------------------------------------------------------------------

rt() { # ARGS...: sets $status, fills $out and $err
    t_last="$*"
    status=0
    "$RUNTIME" --root "$runtime_root" "$@" >"$out" 2>"$err" </dev/null || status=$?
}

create() { rt create --bundle "$bundle" "$id"; }
start() { rt start "$id"; }

run() { # runs the bundle to its end
    rt run --bundle "$bundle" "$id"
    "$RUNTIME" --root "$runtime_root" delete --force "$id" >/dev/null 2>&1
}

# The bundle runs and prints exactly this; or its output matches.
expect_prints() { # TEXT NAME
    config
    run
    if [ "$status" -eq 0 ] && [ "$(cat "$out")" = "$1" ]; then
        ok "$2"
    else
        t_fail_run "$2" "wanted: $1"
    fi
}

expect_prints_matching() { # ERE NAME
    config
    run
    if [ "$status" -eq 0 ] && grep -Eq "$1" "$out"; then
        ok "$2"
    else
        t_fail_run "$2" "wanted a line like: $1"
    fi
}

# It does not come to be, says so, and is not there afterwards.
expect_error() { # NAME
    config
    expect_create_fails "$1"
}

expect_create_fails() { # NAME
    create
    if [ "$status" -eq 0 ]; then
        t_fail_run "$1" 'create did not fail'
    elif "$RUNTIME" --root "$runtime_root" state "$id" >/dev/null 2>&1; then
        t_fail_run "$1" 'a container exists all the same'
    else
        ok "$1"
    fi
    delete_force
}

# The same where a runtime may find out only when the process is executed.
expect_run_fails() { # NAME
    config
    rt run --bundle "$bundle" "$id"
    if [ "$status" -ne 0 ]; then ok "$1"; else t_fail_run "$1" 'run did not fail'; fi
    delete_force
}

delete_force() { "$RUNTIME" --root "$runtime_root" delete --force "$id" >/dev/null 2>&1; }

state_of() { # FIELD: of the container's state document
    "$RUNTIME" --root "$runtime_root" state "$id" 2>/dev/null | "$TOOLS/jget" - "$1"
}

status_is() { [ "$(state_of status)" = "$1" ]; }

wait_status() { wait_until 10 status_is "$1"; }

expect_state() { # FIELD VALUE NAME
    expect_equal "$(state_of "$1")" "$2" "$3"
}

# A container that sleeps; its output goes to $bundle/out.
create_here() {
    config
    status=0
    "$RUNTIME" --root "$runtime_root" create --bundle "$bundle" "$id" >"$bundle/out" 2>"$bundle/err" </dev/null ||
        status=$?
    cp "$bundle/err" "$err"
    cp "$bundle/out" "$out"
    t_last="create $id"
}

sleeper() {
    script 'trap "exit 0" TERM; while :; do sleep 0.1; done'
}

kill_and_delete() {
    "$RUNTIME" --root "$runtime_root" kill "$id" KILL >/dev/null 2>&1
    wait_status stopped
    "$RUNTIME" --root "$runtime_root" delete --force "$id" >/dev/null 2>&1
}

# Groups called after this container, in any hierarchy.
groups_of() { find /sys/fs/cgroup -type d -name "*$1*" 2>/dev/null; }

# A peer may leave groups; what is called after our containers goes with us.
oci_done() {
    t_ended=$?
    find /sys/fs/cgroup -depth -type d -path "*t$$-[0-9]*" 2>/dev/null |
        while read -r t_group; do rmdir "$t_group" 2>/dev/null; done
    (exit "$t_ended")
    t_done
}
trap oci_done EXIT
