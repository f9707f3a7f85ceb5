# The test library: sourced first by every tests/kernel/*.t and tests/transcript/*.t.
#
#     #!/bin/sh
#     . "${LIB:-${0%/*}/../lib.sh}"
#     run_ration run --memory 50m -- "$TOOLS/hog" mem 40m
#     expect_status 0 'a program below its limit lives'
#
# A script is POSIX sh (dash on a host, busybox ash in a virtual machine that has only busybox) and
# emits TAP on stdout; the plan comes last, from the exit trap. Every assertion has a name that says
# what is true when it passes. Text for people goes to stderr, or to stdout after "# ".
#
# From outside:  RATION  the program            TOOLS  the directory of the static helpers
#                LAYOUT  v1, v2, hybrid (found out when unset)
#                VM      1 in a virtual machine, which is emulated and ten times slower
# For scripts:   $work   a directory of its own, on the way out removed
#                $status $out $err  of the last run_ration: exit status, files with stdout and stderr
#                $json   the result of the last run_json and start_json, as JSON
# shellcheck shell=sh
# shellcheck disable=SC2034,SC2012 # variables are read by the scripts; ls names only numbers

set -u

: "${RATION:?the ration program to test}"
: "${TOOLS:?the directory of the helper programs}"

t_count=0
t_failed=0
t_last=
t_pids=
work=$(mktemp -d "${TMPDIR:-/tmp}/rt.XXXXXX") || exit 99
chmod 755 "$work"
out=$work/.out
err=$work/.err
json=$work/.json
status=0
: "${VM:=0}"

# pick HERE VM: a size of work for this machine, and one for where it is emulated.
pick() {
    if [ "$VM" = 1 ]; then echo "$2"; else echo "$1"; fi
}

# ---- TAP ---------------------------------------------------------------------------------------

ok() { # NAME
    t_count=$((t_count + 1))
    printf 'ok %d - %s\n' "$t_count" "$1"
}

not_ok() { # NAME [WHY...]
    t_count=$((t_count + 1))
    t_failed=$((t_failed + 1))
    printf 'not ok %d - %s\n' "$t_count" "$1"
    shift
    [ $# -eq 0 ] || diag "$*"
}

skip() { # NAME REASON
    t_count=$((t_count + 1))
    printf 'ok %d - %s # SKIP %s\n' "$t_count" "$1" "$2"
}

diag() { # TEXT: what a reader of a failure wants to see
    printf '%s\n' "$1" | sed 's/^/# /'
}

# A failure of the last run_ration, with what it printed.
t_fail_run() { # NAME WHY
    not_ok "$1" "$2"
    diag "command: ration $t_last"
    diag "exit status: $status"
    sed -n '1,30s/^/# stdout: /p' "$out"
    sed -n '1,30s/^/# stderr: /p' "$err"
}

check() { # NAME COMMAND...: passes when COMMAND does
    t_name=$1
    shift
    if t_said=$("$@" 2>&1); then
        ok "$t_name"
    else
        not_ok "$t_name" "failed: $*"
        [ -z "$t_said" ] || diag "$t_said"
    fi
}

check_not() { # NAME COMMAND...: passes when COMMAND fails
    t_name=$1
    shift
    if t_said=$("$@" 2>&1); then
        not_ok "$t_name" "did not fail: $*"
        [ -z "$t_said" ] || diag "$t_said"
    else
        ok "$t_name"
    fi
}

expect_equal() { # GOT WANTED NAME
    if [ "$1" = "$2" ]; then
        ok "$3"
    else
        not_ok "$3" "got '$1', wanted '$2'"
    fi
}

expect_between() { # GOT MIN MAX NAME, whole numbers
    if [ "$1" -ge "$2" ] 2>/dev/null && [ "$1" -le "$3" ]; then
        ok "$4"
    else
        not_ok "$4" "got '$1', wanted $2 to $3"
    fi
}

skip_all() { # REASON: the script has nothing to say here
    t_count=$((t_count + 1))
    printf 'ok %d - %s # SKIP %s\n' "$t_count" "${0##*/}" "$1"
    exit 0
}

t_done() {
    t_status=$?
    trap - EXIT
    for t_pid in $t_pids; do
        kill -TERM "$t_pid" 2>/dev/null
    done
    rm -rf "$work"
    if [ "$t_count" -eq 0 ]; then
        not_ok "${0##*/} makes an assertion" 'it made none'
    elif [ "$t_status" -ne 0 ]; then
        not_ok "${0##*/} runs to its end" "it ended with status $t_status"
    fi
    printf '1..%d\n' "$t_count"
    [ "$t_failed" -eq 0 ] || exit 1
    exit 0
}
trap t_done EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# ---- running ration ----------------------------------------------------------------------------

run_ration() { # ARGS...: sets $status, fills $out and $err; stdin is /dev/null
    t_last=$*
    status=0
    "$RATION" "$@" >"$out" 2>"$err" </dev/null || status=$?
}

# `ration run` with its result in $json: sets $status, fills $out and $err.
run_json() { # ARGS...
    rm -f "$json"
    run_ration run --report "$json" --format json "$@"
}

run_ration_stdin() { # FILE ARGS...
    t_stdin=$1
    shift
    t_last=$*
    status=0
    "$RATION" "$@" >"$out" 2>"$err" <"$t_stdin" || status=$?
}

# The same as uid and gid 65534 without groups, when root; else as we are.
run_ration_as_nobody() { # ARGS...
    t_last=$*
    status=0
    if [ "$(id -u)" -ne 0 ]; then
        "$RATION" "$@" >"$out" 2>"$err" </dev/null || status=$?
    else
        "$TOOLS/hog" run-as 65534 "$RATION" "$@" >"$out" 2>"$err" </dev/null || status=$?
    fi
}

# Starts ration in the background: $ration_pid. Ended with the script at the latest.
start_ration() { # ARGS...
    t_last=$*
    status=0
    # What the last one said must not be taken for this one's, which has not begun yet.
    : >"$out"
    : >"$err"
    "$RATION" "$@" >"$out" 2>"$err" </dev/null &
    ration_pid=$!
    t_pids="$t_pids $ration_pid"
}

start_json() { # ARGS...: `ration run` in the background, with its result in $json
    rm -f "$json"
    start_ration run --report "$json" --format json "$@"
}

# Starts a run that sleeps, with its result in $json, and waits until it does: $pid is COMMAND's
# number. Without a sleeper the assertion NAME fails.
start_sleeper() { # NAME ARGS...
    t_name=$1
    shift
    t_sleepers=$((t_sleepers + 1))
    start_json "$@" -- "$TOOLS/hog" sleep "3600.$$$t_sleepers"
    pid=
    wait_until 20 t_find_sleeper || {
        kill "$ration_pid" 2>/dev/null
        wait_ration
        t_fail_run "$t_name" 'COMMAND did not start'
        return 1
    }
}

t_sleepers=0
t_find_sleeper() {
    pid=$(find_process hog "3600.$$$t_sleepers")
}

end_sleeper() { # ends COMMAND of start_sleeper, and waits for ration: sets $status
    kill -KILL "$pid"
    wait_ration
}

wait_ration() { # waits for start_ration's: sets $status
    status=0
    wait "$ration_pid" || status=$?
    t_kept=
    for t_pid in $t_pids; do
        [ "$t_pid" = "$ration_pid" ] || t_kept="$t_kept $t_pid"
    done
    t_pids=$t_kept
}

# Waits up to SECONDS for COMMAND to succeed. For what has no event to wait for.
wait_until() { # SECONDS COMMAND...
    t_tries=$(($1 * 20))
    shift
    while ! "$@" >/dev/null 2>&1; do
        t_tries=$((t_tries - 1))
        [ "$t_tries" -gt 0 ] || return 1
        sleep 0.05
    done
}

expect_status() { # WANTED [NAME]
    t_name=${2:-"exit status $1: ration $t_last"}
    if [ "$status" -eq "$1" ]; then
        ok "$t_name"
    else
        t_fail_run "$t_name" "exit status $status, wanted $1"
    fi
}

t_expect_matches() { # FILE WHAT ERE NAME
    if grep -qE -e "$3" "$1"; then
        ok "$4"
    else
        t_fail_run "$4" "$2 does not match: $3"
    fi
}

expect_stdout_matches() { # ERE [NAME]
    t_expect_matches "$out" stdout "$1" "${2:-"stdout matches $1: ration $t_last"}"
}

expect_stderr_matches() { # ERE [NAME]
    t_expect_matches "$err" stderr "$1" "${2:-"stderr matches $1: ration $t_last"}"
}

expect_stdout_lacks() { # ERE [NAME]
    if grep -qE -e "$1" "$out"; then
        t_fail_run "${2:-"stdout lacks $1: ration $t_last"}" "stdout matches: $1"
    else
        ok "${2:-"stdout lacks $1: ration $t_last"}"
    fi
}

expect_stderr_lacks() { # ERE [NAME]
    if grep -qE -e "$1" "$err"; then
        t_fail_run "${2:-"stderr lacks $1: ration $t_last"}" "stderr matches: $1"
    else
        ok "${2:-"stderr lacks $1: ration $t_last"}"
    fi
}

expect_stdout_is() { # TEXT [NAME]: without the last newline
    t_name=${2:-"stdout is $1: ration $t_last"}
    if [ "$(cat "$out")" = "$1" ]; then
        ok "$t_name"
    else
        t_fail_run "$t_name" "stdout is not: $1"
    fi
}

expect_silent() { # [NAME]: nothing on stderr
    t_name=${1:-"stderr is empty: ration $t_last"}
    if [ -s "$err" ]; then
        t_fail_run "$t_name" 'something is on stderr'
    else
        ok "$t_name"
    fi
}

# A refusal: the status (125, or 2 for usage), one line on stderr, and the line names the option.
expect_refusal() { # STATUS ERE [NAME]
    t_name=${3:-"refused with $1 and one sentence that has $2: ration $t_last"}
    t_lines=$(wc -l <"$err")
    if [ "$status" -ne "$1" ]; then
        t_fail_run "$t_name" "exit status $status, wanted $1"
    elif [ "$t_lines" -ne 1 ]; then
        t_fail_run "$t_name" "$((t_lines)) lines on stderr, wanted 1"
    elif ! grep -qE -e "$2" "$err"; then
        t_fail_run "$t_name" "stderr does not match: $2"
    else
        ok "$t_name"
    fi
}

# A refusal by `ration run` that leaves nothing behind, not even for a moment: the next call would
# reclaim it, and hide it.
expect_refused() { # STATUS ERE ARGS...
    t_wanted=$1
    t_ere=$2
    shift 2
    run_ration run "$@"
    expect_refusal_of "$t_wanted" "$t_ere"
}

expect_refusal_of() { # STATUS ERE [NAME]: of the last run_ration
    t_remains=$(t_stays 5)
    t_name=${3:-"refused with $1 and one sentence that has $2, nothing left: ration $t_last"}
    if [ -n "$t_remains" ]; then
        t_fail_run "$t_name" "$t_remains"
    else
        expect_refusal "$1" "$2" "$t_name"
    fi
}

# ---- JSON --------------------------------------------------------------------------------------

json() { # FILE PATH: prints the value; fails when there is none
    "$TOOLS/jget" "$1" "$2"
}

expect_json() { # FILE PATH VALUE [NAME]
    t_name=${4:-"$2 is $3"}
    t_value=$(json "$1" "$2" 2>&1) || t_value="(nothing) $t_value"
    if [ "$t_value" = "$3" ]; then
        ok "$t_name"
    else
        t_fail_run "$t_name" "$2 is '$t_value', wanted '$3'"
        t_dump_json "$1"
    fi
}

expect_json_matches() { # FILE PATH ERE [NAME]
    t_name=${4:-"$2 matches $3"}
    t_value=$(json "$1" "$2" 2>&1) || t_value="(nothing) $t_value"
    if printf '%s\n' "$t_value" | grep -qE -e "$3"; then
        ok "$t_name"
    else
        t_fail_run "$t_name" "$2 is '$t_value', wanted a match of $3"
        t_dump_json "$1"
    fi
}

expect_json_between() { # FILE PATH MIN MAX [NAME], whole numbers
    t_name=${5:-"$2 is $3 to $4"}
    t_value=$(json "$1" "$2" 2>&1) || t_value="(nothing) $t_value"
    if [ "$t_value" -ge "$3" ] 2>/dev/null && [ "$t_value" -le "$4" ]; then
        ok "$t_name"
    else
        t_fail_run "$t_name" "$2 is '$t_value', wanted $3 to $4"
        t_dump_json "$1"
    fi
}

expect_no_json() { # FILE PATH [NAME]
    t_name=${3:-"$2 is not there"}
    if t_value=$(json "$1" "$2" 2>/dev/null); then
        t_fail_run "$t_name" "$2 is '$t_value'"
    else
        ok "$t_name"
    fi
}

t_dump_json() { # FILE: the parts of a result that explain most, else its beginning
    for t_part in verdict limits error; do
        t_value=$(json "$1" "$t_part" 2>/dev/null) || continue
        diag "json: $t_part: $t_value"
    done
    if [ ! -f "$1" ]; then
        diag "json: there is no file $1"
    elif ! json "$1" verdict >/dev/null 2>&1; then
        head -c 2000 "$1" | sed 's/^/# json: /'
        echo
    fi
}

# ---- layout and groups -------------------------------------------------------------------------

layout_here() {
    if ! grep -q ' - cgroup ' /proc/self/mountinfo; then
        grep -q ' - cgroup2 ' /proc/self/mountinfo && echo v2 || echo none
    elif grep -q ' - cgroup2 ' /proc/self/mountinfo; then
        echo hybrid
    else
        echo v1
    fi
}
: "${LAYOUT:=$(layout_here)}"

require_layout() { # LAYOUT...: the script is for these
    for t_layout in "$@"; do
        [ "$t_layout" != "$LAYOUT" ] || return 0
    done
    skip_all "for $*, this is $LAYOUT"
}

require_root() {
    [ "$(id -u)" -eq 0 ] || skip_all 'takes root'
}

require_command() { # COMMAND...
    for t_command in "$@"; do
        command -v "$t_command" >/dev/null || skip_all "takes $t_command"
    done
}

# Prints "MOUNTPOINT ROOT VERSION" of the hierarchy that has CONTROLLER; fails when none has.
t_hierarchy() { # CONTROLLER
    awk -v want="$1" '
        {
            for (i = 7; i <= NF && $i != "-"; i++)
                ;
            if ($(i + 1) == "cgroup" && ("," $(i + 3) ",") ~ ("," want ",")) {
                print $5, $4, 1
                found = 1
                exit
            }
            if ($(i + 1) == "cgroup2" && !unified) {
                unified = $5
                root = $4
            }
        }
        END {
            if (found || !unified) exit !found
            getline list < (unified "/cgroup.controllers")
            if ((" " list " ") !~ (" " want " ") && want != "unified") exit 1
            print unified, root, 2
        }' /proc/self/mountinfo
}

has_controller() { # CONTROLLER
    t_hierarchy "$1" >/dev/null
}

controller_version() { # CONTROLLER: prints 1, 2 or nothing
    t_hierarchy "$1" | cut -d' ' -f3
}

require_controller() { # CONTROLLER...
    for t_controller in "$@"; do
        has_controller "$t_controller" || skip_all "no hierarchy has $t_controller"
    done
}

# Prints the directory of the group that process PID is in, in CONTROLLER's hierarchy.
group_dir() { # CONTROLLER PID
    t_where=$(t_hierarchy "$1") || return 1
    t_version=${t_where##* }
    t_root=${t_where#* }
    t_root=${t_root% *}
    t_path=$(awk -F : -v want="$1" -v version="$t_version" '
        version == 2 ? $1 == 0 && $2 == "" : ("," $2 ",") ~ ("," want ",") {
            sub(/^[^:]*:[^:]*:/, "")
            print
            exit
        }' "/proc/$2/cgroup") || return 1
    [ -n "$t_path" ] || return 1
    [ "$t_root" = / ] || t_path=${t_path#"$t_root"}
    printf '%s%s\n' "${t_where%% *}" "$t_path"
}

# The group that carries the limits is the parent of the one that COMMAND runs in.
limit_dir() { # CONTROLLER PID
    t_dir=$(group_dir "$1" "$2") && printf '%s\n' "${t_dir%/*}"
}

# Prints FILE of the group that carries the limits of PID.
group_file() { # CONTROLLER PID FILE
    t_dir=$(limit_dir "$1" "$2") && cat "$t_dir/$3"
}

# Prints the first process of a running ration that runs the program NAME, else fails.
find_process() { # NAME [ARG]: /proc/PID/exe ends in /NAME, and ARG is among its arguments
    for t_found in $(ls -l /proc/[0-9]*/exe 2>/dev/null |
        sed -n "s|.* /proc/\\([0-9]*\\)/exe -> .*/$1\$|\\1|p"); do
        if [ $# -gt 1 ]; then
            tr '\0' '\n' <"/proc/$t_found/cmdline" 2>/dev/null | grep -qxF -e "$2" || continue
        fi
        printf '%s\n' "$t_found"
        return 0
    done
    return 1
}

# ---- no trace left -----------------------------------------------------------------------------

# Is the group at PATH a part of a run of somebody else's? Its record says so, or its processes do.
t_of_another() { # PATH
    t_run=${1#*/ration-}
    t_supervisor=$(sed -n 's/^supervisor //p' "/run/ration/${t_run%%/*}" 2>/dev/null)
    if [ -n "$t_supervisor" ]; then
        t_exe=$(readlink "/proc/$t_supervisor/exe" 2>/dev/null) && [ "$t_exe" != "$RATION" ]
        return
    fi
    t_members=$(find "$1" -name cgroup.procs -exec cat {} + 2>/dev/null)
    [ -n "$t_members" ] || return 1
    for t_member in $t_members; do
        t_parent=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$t_member/status" 2>/dev/null)
        for t_one in "$t_member" "${t_parent:-none}"; do
            case $(readlink "/proc/$t_one/exe" 2>/dev/null) in
            "$RATION" | "$t_tools"/*) return 1 ;;
            esac
        done
    done
}

t_groups() { # prints every group of ours, in every hierarchy
    awk '{
        for (i = 7; i <= NF && $i != "-"; i++)
            ;
        if ($(i + 1) == "cgroup" || $(i + 1) == "cgroup2") print $5
    }' /proc/self/mountinfo | sort -u | while read -r t_mount; do
        find "$t_mount" -type d -name 'ration*' 2>/dev/null
    done | sort -u | while read -r t_group; do
        t_of_another "$t_group" || printf '%s\n' "$t_group"
    done
}

t_mounts() { # prints every mount of ours
    awk '$4 ~ /ration/ || $5 ~ /ration/ { print $5 }' /proc/self/mountinfo | sort
}

t_processes() { # prints every process that runs the ration or a helper of this test
    ls -l /proc/[0-9]*/exe 2>/dev/null | sed -n 's|.* /proc/\([0-9]*\)/exe -> |\1 |p' |
        while read -r t_pid t_exe; do
            case $t_exe in
            "$RATION" | "$t_tools"/*)
                printf '%s %s\n' "$t_pid" \
                    "$(tr '\0' ' ' <"/proc/$t_pid/cmdline" 2>/dev/null | cut -c1-200)"
                ;;
            esac
        done
}

t_state() { # prints every entry of the run directories
    for t_dir in /run/ration ${XDG_RUNTIME_DIR:+"$XDG_RUNTIME_DIR/ration"}; do
        [ -d "$t_dir" ] && find "$t_dir" -mindepth 1 2>/dev/null
    done | sort | while read -r t_file; do
        t_of_another "/nowhere/ration-${t_file##*/}" || printf '%s\n' "$t_file"
    done
}

t_tools=$(cd "$TOOLS" && pwd -P) || exit 99
RATION=$(cd "${RATION%/*}" && pwd -P)/${RATION##*/}
t_before() { # COMMAND: its lines; never none, an empty list of patterns means all to some greps
    "$1"
    echo '(none)'
}
t_before t_groups >"$work/.groups.before"
t_before t_mounts >"$work/.mounts.before"
t_before t_state >"$work/.state.before"

t_left() { # prints what is there and was not when the script began
    t_groups | grep -vxFf "$work/.groups.before" | sed 's/^/group /'
    t_mounts | grep -vxFf "$work/.mounts.before" | sed 's/^/mount /'
    t_state | grep -vxFf "$work/.state.before" | sed 's/^/state /'
    t_processes | sed 's/^/process /'
}

# What is left and stays, looked at N times a tenth of a second apart. Others may be at work on this
# machine: their groups come and go, so that never is there nothing, but none is seen every time.
t_stays() { # N
    t_left >"$work/.left"
    t_tries=$1
    while [ -s "$work/.left" ] && [ "$t_tries" -gt 0 ]; do
        t_tries=$((t_tries - 1))
        sleep 0.1
        mv "$work/.left" "$work/.left.before"
        # A process is ours for certain: one that is new counts as much as one that stayed.
        t_left >"$work/.left.now"
        grep '^process ' "$work/.left.now" >"$work/.left"
        grep -v '^process ' "$work/.left.now" | grep -xFf "$work/.left.before" >>"$work/.left"
    done
    cat "$work/.left"
}

# Nothing of ours is left: no group in any hierarchy, no mount, no process, no record. What was
# there before the script began does not count. Kernels finish some of it late (a killed process is
# a zombie for a moment after its group looks empty): three seconds are given for it.
assert_no_leftovers() { # [NAME]
    t_name=${1:-"nothing is left: ration $t_last"}
    t_remains=$(t_stays 30)
    if [ -z "$t_remains" ]; then
        ok "$t_name"
    else
        not_ok "$t_name" "$t_remains"
    fi
}
