# What the sweeps of faults over containers share; sourced after lib.sh.
#
# FULL=1: every system call is a place for a fault, for each verb and each error. Otherwise some verbs are
# looked at in steps, and all of them in a virtual machine, which is emulated.
# shellcheck shell=sh
# shellcheck disable=SC2034 # some are for the scripts

require_root
. "${0%/*}/../kernel/fault.sh"
: "${FULL:=0}"
# Longer than this is a hang. A virtual machine is ten times slower.
hang_ms=$(pick 4000 20000)

every() { # N: the distance between two points here; FULL has them all
    if [ "$FULL" = 1 ]; then
        echo 1
    else
        pick "$1" "$(($1 * 20))"
    fi
}

# A bundle with everything by which a container is confined, and whose root lacks a directory that it mounts on.
fault_bundle() { # NAME ARGS: in JSON; $bundle is its directory
    defaults
    bundle=$bundles/$1
    mkdir -p "$bundle/rootfs/proc" "$bundle/rootfs/sys" "$bundle/rootfs/dev" "$bundle/rootfs/tmp"
    cp "$step" "$TOOLS/fingerprint" "$TOOLS/hog" "$bundle/rootfs/"
    ARGS=$2
    NS='"pid","mount","ipc","uts","network","cgroup"'
    PROCESS=',"noNewPrivileges":true,"oomScoreAdj":100,"rlimits":[{"type":"RLIMIT_NOFILE","soft":256,"hard":512}]'
    MORE_MOUNTS=',{"destination":"/sys/fs/cgroup","type":"cgroup","source":"cgroup",
        "options":["rprivate","nosuid","noexec","nodev","relatime","ro"]},
        {"destination":"/made/here","type":"tmpfs","source":"tmpfs","options":["nosuid","size=64k","mode=755"]}'
    LINUX=',"resources":{"devices":[{"allow":false,"access":"rwm"}],"memory":{"limit":52428800},
        "pids":{"limit":32},"cpu":{"quota":50000,"period":100000}},
        "maskedPaths":["/proc/kcore","/proc/keys","/sys/firmware"],"readonlyPaths":["/proc/sys","/proc/bus"],
        "seccomp":{"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86_64"],
        "syscalls":[{"names":["keyctl","add_key"],"action":"SCMP_ACT_ERRNO"}]}'
    TOP=",\"hostname\":\"faulty\"$4"
    HOOKS=$3
    config
}

# Sweeps over containers of the last fault_bundle: TOOL is the runtime, ARGS what comes after --root DIR. "@BUNDLE"
# is the bundle. Several are made at the same time, since most of it is waiting for the kernel; each has a
# root directory and a bundle of its own. sweeps_end waits for all of them.
sweep_jobs=$(pick 4 2)
sweep_first=1 sweep_last=0

sweep_verb() { # NAME STRIDE FAULTSTEP-ARGS -- TOOL ARGS
    [ $((sweep_last - sweep_first + 1)) -lt "$sweep_jobs" ] || sweep_end_one
    sweep_last=$((sweep_last + 1))
    t_job=$work/job.$sweep_last
    mkdir -m 700 "$t_job" "$t_job/root" && cp -a "$bundle" "$t_job/bundle"
    printf '%s\n' "$1" >"$t_job/name"
    (cd "$t_job/bundle/rootfs" && find . | LC_ALL=C sort) >"$t_job/before"
    t_distance=$2
    shift 2
    t_options=
    while [ "$1" != -- ]; do
        t_options="$t_options $1"
        shift
    done
    t_tool=$2
    shift 2
    t_n=$#
    while [ "$t_n" -gt 0 ]; do
        case $1 in
        @BUNDLE) set -- "$@" "$t_job/bundle" ;;
        *) set -- "$@" "$1" ;;
        esac
        shift
        t_n=$((t_n - 1))
    done
    # shellcheck disable=SC2086 # options are several words
    (
        status=0
        "$step" -s "$t_distance" -w "$hang_ms" -c "$t_job/bundle" $t_options -- "$t_tool" --root "$t_job/root" "$@" \
            >"$t_job/out" 2>"$t_job/err" </dev/null || status=$?
        echo "$status" >"$t_job/status"
    ) &
    echo $! >"$t_job/pid"
}

sweep_end_one() {
    t_job=$work/job.$sweep_first
    wait "$(cat "$t_job/pid")"
    status=$(cat "$t_job/status") out=$t_job/out err=$t_job/err
    sweep_judge "$(cat "$t_job/name")"
    (cd "$t_job/bundle/rootfs" && find . | LC_ALL=C sort) >"$t_job/after"
    check "$(cat "$t_job/name"): the root is as it was" diff "$t_job/before" "$t_job/after"
    out=$work/.out err=$work/.err
    rm -rf "$t_job"
    sweep_first=$((sweep_first + 1))
}

sweeps_end() { # NAME
    while [ "$sweep_first" -le "$sweep_last" ]; do
        sweep_end_one
    done
    assert_no_leftovers "$1"
}
