#!/bin/sh
# shellcheck disable=SC2016,SC2034,SC2154 # expanded inside; read by the library
# SIGKILL for ration and for monitors at moments by a seed: what the next call finds is whole, and what was half made or
# half removed is cleared away. KILL_SWEEP: how many moments of each kind (20), KILL_SEED: others.
. "${0%/*}/lib.sh"
moments=${KILL_SWEEP:-$(pick 20 5)}
seed=${KILL_SEED:-4711}
diag "seed $seed"

# random LEAST MOST: the next number in $random
random() {
    seed=$(((seed * 1103515245 + 12345) % 2147483648))
    random=$(($1 + seed / 65536 % ($2 - $1 + 1)))
}

# killed COMMAND...: ration, killed after some milliseconds
killed() {
    random 0 40
    "$RATION" "$@" >/dev/null 2>&1 &
    k_pid=$!
    sleep "0.0$(printf %02d "$random")"
    kill -KILL "$k_pid" 2>/dev/null
    wait "$k_pid" 2>/dev/null
}

# Nothing half made is there once ps has been called, and each container that is listed can be looked at.
is_whole() { # WHAT
    if ! "$RATION" ps -a >"$work/ps" 2>&1; then
        echo "ps failed after $1: $(cat "$work/ps")"
        return
    fi
    for w_id in $("$RATION" ps -aq --no-trunc); do
        "$RATION" inspect "$w_id" >/dev/null 2>"$work/inspect" ||
            echo "inspect failed after $1: $(cat "$work/inspect")"
    done
    find "$RATION_DATA_DIR/containers" -mindepth 1 -maxdepth 1 \( -name '.new-*' -o -name '.gone-*' \) |
        sed "s|^|left after $1: |"
}

sweep() { # NAME COMMAND...
    s_name=$1
    shift
    s_n=0
    : >"$work/broken"
    while [ "$s_n" -lt "$moments" ]; do
        s_n=$((s_n + 1))
        "$@"
        is_whole "$s_name, moment $s_n" >>"$work/broken"
    done
    if [ -s "$work/broken" ]; then
        not_ok "$s_name, killed at $moments moments" "$(head -n 5 "$work/broken")"
    else
        ok "$s_name, killed at $moments moments"
    fi
}

all_gone() {
    for a_id in $("$RATION" ps -aq --no-trunc); do
        "$RATION" rm -f "$a_id" >/dev/null || echo "rm -f $a_id failed"
    done
}

create_killed() { killed create --name "c$s_n" -- true; }
run_killed() { killed run -d --name "r$s_n" -- sleep 3600; }
rm_killed() {
    "$RATION" run -d --name "x$s_n" -- sleep 3600 >/dev/null
    killed rm -f "x$s_n"
}
stop_killed() {
    "$RATION" run -d --name "s$s_n" -- sleep 3600 >/dev/null
    killed stop -t 0 "s$s_n"
}
foreground_killed() { killed run --rm --name "f$s_n" --label a=b --restart no -- sleep 3600; }
monitor_killed() {
    m_id=$("$RATION" run -d --name "m$s_n" -- sleep 3600)
    random 0 20
    sleep "0.0$(printf %02d "$random")"
    for m_file in /proc/[0-9]*/cmdline; do
        case $(tr '\0' ' ' <"$m_file" 2>/dev/null) in
        "ration monitor $m_id "*) m_file=${m_file%/cmdline}; kill -KILL "${m_file##*/}" ;;
        esac
    done
    m_tries=100 # the kernel's own time
    while [ -n "$("$RATION" ps -q --filter "name=m$s_n")" ] && [ "$m_tries" -gt 0 ]; do
        m_tries=$((m_tries - 1))
        sleep 0.05
    done
    "$RATION" ps -a --filter "name=m$s_n" | grep -q 'killed with its monitor' ||
        echo "ps does not say what happened to m$s_n" >>"$work/broken"
}

for kind in create run rm stop foreground monitor; do
    sweep "$kind" "${kind}_killed"
    expect_equal "$(all_gone)" '' "$kind: all that is there can be removed"
done

engine_clean
