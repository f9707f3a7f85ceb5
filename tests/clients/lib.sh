# The library of tests/clients/*.t: sourced first by every script that starts a real client.
#
#     #!/bin/sh
#     # shellcheck disable=SC2016,SC2034
#     CLIENTS='podman conmon'                     # programs that it takes; one missing is a failure
#     . "${0%/*}/lib.sh"
#     says 'hello' 'a container prints' podman run --rm busybox echo hello
#
# Sourced for the first time it makes a world and runs the script again inside: mount, process,
# network, ipc, host name and control group namespaces of its own, tmpfs where clients keep things,
# a copy of /etc. Nothing on the machine changes and all of it ends with the namespaces. The
# control groups of the machine are seen from a group that was made for the script: whatever a
# client or a runtime leaves behind is beneath it, is told, and is removed at the end.
#
# From outside:  RUNTIME  the OCI runtime, a name or a path ($BUILD/src/ocicli/ration-oci)
#                TOOLS    the directory of the static helpers ($BUILD/tests/tools)
#                VM       1 in a virtual machine, which is emulated: calls are given more time
#                TRACE    1: tell every call of the runtime, with its exit status, at the end
#                HIDE_V2  1: no v2 mount beside the v1 ones (crun takes no hybrid layout: its default)
# A script that needs a file from elsewhere defines `outside DIR` before: called with the network still
# there, it puts the file into DIR, which is kept with the build and is $world/files for the script.
# For scripts:   what tests/lib.sh has, and
#                $runtime  the runtime as a path, $runtime_name its last part, also for --runtime
#                $world    a directory on tmpfs that everyone may read
# shellcheck shell=sh
# shellcheck disable=SC2034 # variables are read by the scripts

set -u
world=/run/world

# ---- the way in --------------------------------------------------------------------------------

world_fail() { # WHY: the script could not begin, which is a failure and not a skip
    printf 'not ok 1 - %s has what it takes\n' "${0##*/}"
    printf '%s\n' "$1" | sed 's/^/# /'
    echo 1..1
    exit 1
}

# Prints "VERSION MOUNTPOINT OPTIONS" of each mounted hierarchy; of several mounts the first.
world_hierarchies() {
    awk '{
        for (i = 7; i <= NF && $i != "-"; i++)
            ;
        n = split($(i + 3), words, ",")
        options = ""
        for (j = 1; j <= n; j++)
            if (words[j] !~ /^(rw|ro|xattr|nsdelegate|release_agent=.*|clone_children|memory_.*)$/ &&
                words[j] !~ /^favordynmods$/)
                options = options (options == "" ? "" : ",") words[j]
        if ($(i + 1) == "cgroup" && !seen[options]++) print 1, $5, options
        if ($(i + 1) == "cgroup2" && !seen["v2"]++) print 2, $5, "-"
    }' /proc/self/mountinfo
}

# The group NAME in every hierarchy, seeded so that programs can live in it.
world_make_groups() { # NAME
    world_hierarchies >"$world_stage/hierarchies"
    w_v1=$(grep -c '^1 ' "$world_stage/hierarchies")
    while read -r w_version w_mount w_options; do
        if [ "$w_version$w_v1" = 20 ]; then
            # What is not given to children of the root is not there for any client.
            read -r w_list <"$w_mount/cgroup.controllers"
            for w_controller in $w_list; do
                grep -qw "$w_controller" "$w_mount/cgroup.subtree_control" && continue
                echo "+$w_controller" >"$w_mount/cgroup.subtree_control" 2>/dev/null &&
                    echo "$w_mount $w_controller" >>"$world_stage/enabled"
            done
        fi
        mkdir "$w_mount/$1" || return 1
        echo "$w_mount/$1" >>"$world_stage/groups"
        case ,$w_options, in
        *,cpuset,*)
            cat "$w_mount/cpuset.cpus" >"$w_mount/$1/cpuset.cpus" &&
                cat "$w_mount/cpuset.mems" >"$w_mount/$1/cpuset.mems" || return 1
            ;;
        esac
    done <"$world_stage/hierarchies"
}

# Everything that was made outside goes, the groups from the bottom up.
world_clean() {
    if [ -f "$world_stage/groups" ]; then
        while read -r w_group; do
            w_tries=50
            until find "$w_group" -depth -type d -exec rmdir {} + 2>/dev/null ||
                [ "$w_tries" -eq 0 ]; do
                w_tries=$((w_tries - 1))
                sleep 0.1
            done
        done <"$world_stage/groups"
    fi
    if [ -f "$world_stage/enabled" ]; then
        while read -r w_mount w_controller; do
            echo "-$w_controller" >"$w_mount/cgroup.subtree_control" 2>/dev/null
        done <"$world_stage/enabled"
    fi
    rm -rf "$world_stage"
}

world_outside() { # SCRIPT
    [ "$(id -u)" -eq 0 ] || world_fail 'it takes root'
    w_here=$(cd "${1%/*}" && pwd -P)
    w_build=$(cd "$w_here/../.." && realpath "${BUILD:-build}")
    : "${RUNTIME:=$w_build/src/ocicli/ration-oci}" "${TOOLS:=$w_build/tests/tools}"
    runtime=$(command -v "$RUNTIME") || world_fail "there is no runtime $RUNTIME"
    runtime=$(realpath "$runtime")
    for w_command in busybox unshare setpriv timeout ${CLIENTS:-}; do
        command -v "$w_command" >/dev/null || world_fail "$w_command is not installed"
    done
    for w_tool in hog ptyrun jget; do
        [ -x "$TOOLS/$w_tool" ] || world_fail "$TOOLS/$w_tool is not built (make build-tests)"
    done
    case ${runtime##*/} in
    crun) : "${HIDE_V2:=1}" ;;
    *) : "${HIDE_V2:=0}" ;;
    esac

    w_files=$w_build/tests/clients-files
    mkdir -p "$w_files" || world_fail "$w_files cannot be made"
    ! command -v outside >/dev/null || outside "$w_files"
    world_stage=$(mktemp -d "${TMPDIR:-/tmp}/clients.XXXXXX") || exit 99
    mkdir "$world_stage/world"
    trap world_clean EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    world_make_groups "${world_stage##*/}" || world_fail 'no control groups can be made here'

    # The namespaces see the groups that the process is in as their roots: it goes there first, and
    # for v2 from there one down, since a group with members can give its children no controllers.
    # shellcheck disable=SC2016 # for the other shell
    env RUNTIME="$runtime" TOOLS="$TOOLS" HIDE_V2="$HIDE_V2" TRACE="${TRACE:-0}" WORLD=making \
        w_files="$w_files" \
        world_stage="$world_stage" world_tests="$w_here/.." SCRIPT="$w_here/${1##*/}" \
        sh -c 'while read -r group; do echo 0 >"$group/cgroup.procs" || exit 99; done <"$0"
            exec unshare -C sh -c '\''
                while read -r group; do
                    [ -f "$group/cgroup.subtree_control" ] || continue
                    mkdir "$group/client" && echo 0 >"$group/client/cgroup.procs" || exit 99
                done <"$0"
                exec unshare -m -n -p -i -u --fork --kill-child --mount-proc --propagation private \
                    sh "$SCRIPT"'\'' "$0"' "$world_stage/groups" </dev/null &
    w_child=$!
    trap 'kill -KILL $w_child; exit 143' TERM HUP
    trap 'kill -KILL $w_child; exit 130' INT
    w_status=0
    wait "$w_child" || w_status=$?
    exit "$w_status"
}

# ---- the world, made by its first process ------------------------------------------------------

world_mount_groups() { # in place of what the machine has, the same seen from our groups
    w_links=$(find /sys/fs/cgroup -maxdepth 1 -type l -printf '%f %l\n')
    umount -R /sys/fs/cgroup || return
    if grep -q '^1 ' "$world_stage/hierarchies"; then
        mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup || return
    fi
    while read -r w_version w_mount w_options; do
        case $w_version$HIDE_V2$w_mount in 21/sys/fs/cgroup/?*) continue ;; esac
        case $w_mount in /sys/fs/cgroup*) ;; *) continue ;; esac
        mkdir -p "$w_mount" || return
        case $w_version,$w_options in
        2,*) mount -t cgroup2 cgroup2 "$w_mount" || return ;;
        1,name=*) mount -t cgroup -o "none,$w_options" cgroup "$w_mount" || return ;;
        1,*) mount -t cgroup -o "$w_options" cgroup "$w_mount" || return ;;
        esac
    done <"$world_stage/hierarchies"
    printf '%s\n' "$w_links" | while read -r w_name w_target; do
        [ -z "$w_name" ] || ln -s "$w_target" "/sys/fs/cgroup/$w_name"
    done
}

# The runtime stays where it is when that is seen in the world; under TRACE a script stands before.
world_take_runtime() {
    runtime_name=${RUNTIME##*/}
    w_runtime=$RUNTIME
    case $RUNTIME in
    /usr/*) ;;
    *) mkdir "$1/bin" && cp "$RUNTIME" "$1/bin/" && w_runtime=$world/bin/$runtime_name || return ;;
    esac
    if [ "$TRACE" = 1 ]; then
        mkdir "$1/trace" && : >"$1/trace.log" && chmod 666 "$1/trace.log" || return
        cat >"$1/trace/$runtime_name" <<END
#!/bin/sh
status=0
$w_runtime "\$@" || status=\$?
echo "rc\$status \$*" >>$world/trace.log
exit \$status
END
        chmod 755 "$1/trace/$runtime_name" && w_runtime=$world/trace/$runtime_name
    fi
    echo "$w_runtime" >"$1/runtime"
}

world_make() {
    w_new=$world_stage/world
    mount -t tmpfs -o mode=755,size=512m world "$w_new" &&
        mkdir -p "$w_new/tools" "$w_new/tests" "$w_new/home" "$w_new/files" &&
        mount --bind "$w_files" "$w_new/files" && mount -o remount,bind,ro "$w_new/files" &&
        cp "$TOOLS/hog" "$TOOLS/ptyrun" "$TOOLS/jget" "$TOOLS/probe" "$w_new/tools/" &&
        cp -r "$world_tests/lib.sh" "$world_tests/clients" "$w_new/tests/" &&
        world_take_runtime "$w_new" &&
        cp -a /etc "$w_new/etc" && mount --bind "$w_new/etc" /etc || return
    chmod -R a+rX "$w_new/tools" "$w_new/tests"

    world_mount_groups || return
    # /tmp comes last of those that the stage may be on; it is reached by its descriptor, so to say.
    mount -t tmpfs -o mode=755 run /run && mkdir "$world" /run/lock &&
        mount --move "$w_new" "$world" || return
    for w_dir in /tmp /var/tmp /var/lib/containers /dev/shm; do
        mkdir -p "$w_dir" && mount -t tmpfs -o mode=1777 tmp "$w_dir" || return
    done
    chmod 755 /var/lib/containers
    mkdir -p /dev/mqueue && mount -t mqueue mqueue /dev/mqueue || return
    # The devices that some clients want for everyone.
    mount -t tmpfs -o mode=755 devnet /dev/net && mknod -m 666 /dev/net/tun c 10 200 || return
    ip link set lo up 2>/dev/null || busybox ip link set lo up || return
    hostname world
}

case ${WORLD:-} in
made) ;;
making)
    world_make || world_fail 'a private world can be made'
    cd /
    exec env -i PATH="$world/bin:$PATH" HOME="$world/home" WORLD=made TMPDIR=/tmp \
        VM="${VM:-0}" TRACE="$TRACE" TOOLS="$world/tools" RATION="$(cat "$world/runtime")" \
        sh "$world/tests/clients/${SCRIPT##*/}"
    ;;
*) world_outside "$0" ;;
esac

# ---- what scripts use --------------------------------------------------------------------------

# shellcheck source=tests/lib.sh
. "$world/tests/lib.sh"
runtime=$RATION
runtime_name=${runtime##*/}
PATH=$world/tools:$PATH
t_last_in=/dev/null

# The same as in tests/lib.sh, for any command.
t_fail_run() { # NAME WHY
    not_ok "$1" "$2"
    diag "command: $t_last"
    diag "exit status: $status"
    sed -n '1,20s/^/# stdout: /p' "$out"
    sed -n '1,20s/^/# stderr: /p' "$err"
}

# By the clock, since clients are slow to ask; where they are emulated five times as long.
wait_until() { # SECONDS COMMAND...
    t_until=$(($(date +%s) + $1 * $(pick 1 5)))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$(date +%s)" -lt "$t_until" ] || return 1
        sleep 0.05
    done
}

# A client's call: sets $status, fills $out and $err. None takes forever.
run() { # COMMAND...
    t_last=$*
    status=0
    timeout -k 5 "${RUN_SECONDS:-$(pick 90 600)}" "$@" >"$out" 2>"$err" <"$t_last_in" || status=$?
}

from() { # FILE COMMAND...: a check below with its stdin from FILE; `from FILE says ...`
    t_last_in=$1
    shift
    "$@"
    t_last_in=/dev/null
}

exits() { # STATUS NAME COMMAND...
    t_wanted=$1 t_name=$2
    shift 2
    run "$@"
    expect_status "$t_wanted" "$t_name"
}

works() { # NAME COMMAND...
    exits 0 "$@"
}

says() { # TEXT NAME COMMAND...: succeeds and prints exactly that, terminals' \r aside
    t_wanted=$1 t_name=$2
    shift 2
    run "$@"
    t_said=$(tr -d '\r' <"$out")
    if [ "$status" -ne 0 ]; then
        t_fail_run "$t_name" "exit status $status, wanted 0"
    elif [ "$t_said" != "$t_wanted" ]; then
        t_fail_run "$t_name" "stdout is not: $t_wanted"
    else
        ok "$t_name"
    fi
}

tells() { # ERE NAME COMMAND...: succeeds, and a line of stdout matches
    t_wanted=$1 t_name=$2
    shift 2
    run "$@"
    if [ "$status" -ne 0 ]; then
        t_fail_run "$t_name" "exit status $status, wanted 0"
    else
        expect_stdout_matches "$t_wanted" "$t_name"
    fi
}

refuses() { # STATUS ERE NAME COMMAND...: ends with it, and a line of stderr matches
    t_wanted=$1 t_ere=$2 t_name=$3
    shift 3
    run "$@"
    if [ "$status" -ne "$t_wanted" ]; then
        t_fail_run "$t_name" "exit status $status, wanted $t_wanted"
    else
        expect_stderr_matches "$t_ere" "$t_name"
    fi
}

# What a peer is known to lack is told as such, and is not asked of it.
peer_lacks() { # RUNTIME REASON CHECK ARGUMENTS...
    if [ "$runtime_name" = "$1" ]; then
        case $3 in
        says | tells | exits) skip "$5" "$2" ;;
        refuses) skip "$6" "$2" ;;
        *) skip "$4" "$2" ;;
        esac
    else
        shift 2
        "$@"
    fi
}

# Prints every group in every hierarchy, without those of which a name in ALLOWED is an ERE.
world_groups() {
    world_hierarchies | while read -r w_version w_mount w_options; do
        find "$w_mount" -mindepth 1 -type d
    done | grep -vE "/client(/|\$)|/libpod_parent\$|/libpod_parent/conmon\$${1:+|$1}"
}

expect_no_groups() { # NAME [ERE of groups that the client leaves by itself]
    t_tries=30
    while t_remains=$(world_groups "${2:-}") && [ "$t_tries" -gt 0 ]; do
        t_tries=$((t_tries - 1))
        sleep 0.1
    done
    if [ -z "$t_remains" ]; then
        ok "$1"
    else
        not_ok "$1" "$t_remains"
    fi
}

# Prints FILE of a group, found by the controller: group_value memory /libpod_parent/libpod-X FILE
group_value() { # CONTROLLER PATH FILE
    t_where=$(t_hierarchy "$1") && cat "${t_where%% *}$2/$3"
}

world_done() {
    w_done=$?
    if [ "$TRACE" = 1 ]; then
        sed -E 's/([0-9a-f]{12})[0-9a-f]{52}/\1/g; s/^/# call: /' "$world/trace.log"
    fi
    (exit "$w_done")
    t_done
}
trap world_done EXIT

# Prints the processes of the world that are not this script's: those of other process groups.
world_processes() {
    w_own=$(sed 's/.*) //' /proc/$$/stat | cut -d' ' -f3)
    for w_proc in /proc/[0-9]*; do
        w_stat=$(cat "$w_proc/stat" 2>/dev/null) || continue
        [ "$(echo "${w_stat##*) }" | cut -d' ' -f3)" != "$w_own" ] || continue
        echo "${w_proc##*/} $(readlink "$w_proc/exe") $(tr '\0' ' ' <"$w_proc/cmdline" 2>/dev/null)"
    done
}

# Prints what the runtime keeps of containers, in its own directories. Its empty ones with a dot, and
# a cache of filters, are of none.
world_records() {
    find /run /tmp -mindepth 1 -path "*/$runtime_name/*" ! -path "$world/*" \
        ! \( -type d -name '.*' \) ! -path '*/.seccomp/*' 2>/dev/null
}

# An ordinary user, tester, with the numbers from 300000 lent to it, and as_user to be it: of the
# world's copy of /etc only.
user_make() {
    sed -i '/^tester:/d' /etc/passwd /etc/group /etc/subuid /etc/subgid 2>/dev/null
    echo "tester:x:23456:23456::$world/user:/bin/sh" >>/etc/passwd
    echo 'tester:x:23456:' >>/etc/group
    echo 'tester:300000:65536' >>/etc/subuid
    echo 'tester:300000:65536' >>/etc/subgid
    mkdir -p "$world/user" /run/user/23456 &&
        chown 23456:23456 "$world/user" /run/user/23456 && chmod 700 /run/user/23456
    cat >"$world/tools/as_user" <<END
#!/bin/sh
cd $world/user || exit
exec setpriv --reuid 23456 --regid 23456 --init-groups --inh-caps=-all env -i PATH="\$PATH" \\
    TERM=xterm HOME=$world/user USER=tester XDG_RUNTIME_DIR=/run/user/23456 TMPDIR=/tmp \\
    \${CONTAINERS_CONF:+CONTAINERS_CONF=\$CONTAINERS_CONF} "\$@"
END
    chmod 755 "$world/tools/as_user"
}
