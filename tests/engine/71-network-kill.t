#!/bin/sh
# ration, or the program that makes its links, is killed at some moment: what is left is gone after the next call.
# shellcheck disable=SC2016 # expanded in the run
. "${0%/*}/lib.sh"
require_command nft

: "${KILLS:=40}" "${SEED:=7}"
diag "KILLS=$KILLS SEED=$SEED"

# The moment of each kill, in milliseconds: the same for the same seed.
moments() {
    awk -v n="$KILLS" -v seed="$SEED" 'BEGIN { srand(seed); for (i = 0; i < n; i++) printf "%.3f\n", rand() * 0.35 }'
}
left() {
    engine_network
    find "$RATION_DATA_DIR"/networks/*/leases "$RATION_STATE_DIR" -type f 2>/dev/null
}
stays() { # what is there for two seconds
    s_tries=20
    while s_left=$(left) && [ -n "$s_left" ] && [ "$s_tries" -gt 0 ]; do
        s_tries=$((s_tries - 1))
        sleep 0.1
    done
    printf '%s' "$s_left"
}
helper_of() { # PID: the program that it has started
    tr ' ' '\n' <"/proc/$1/task/$1/children" 2>/dev/null | while read -r h_pid; do
        case $(readlink "/proc/$h_pid/exe") in */ration-net) echo "$h_pid" ;; esac
    done
}

kill_at() { # MOMENT WHOM: ration alone, or the helper alone, or both
    "$RATION" run --network bridge --name "killed$n" -p 0.0.0.0:18080:80 -- sh -c 'sleep 0.2' \
        >/dev/null 2>&1 </dev/null &
    k_pid=$!
    sleep "$1"
    k_helper=$(helper_of $k_pid)
    case $2 in
    ration) kill -9 $k_pid ;;
    helper) [ -z "$k_helper" ] || kill -9 "$k_helper" ;;
    both) kill -9 $k_pid ${k_helper:+"$k_helper"} ;;
    esac 2>/dev/null
    wait $k_pid 2>/dev/null
    # The next call of any verb that runs something.
    "$RATION" run --network bridge --name "after$n" -- true >/dev/null 2>&1
}

n=0
bad=0
for moment in $(moments); do
    n=$((n + 1))
    case $((n % 3)) in 0) whom=ration ;; 1) whom=helper ;; 2) whom=both ;; esac
    kill_at "$moment" "$whom"
    if [ -n "$(left)" ]; then
        remains=$(stays)
        if [ -n "$remains" ]; then
            "$RATION" run --network bridge -- true >/dev/null 2>&1
            remains=$(stays)
        fi
        if [ -n "$remains" ]; then
            bad=$((bad + 1))
            diag "kill $n of $whom at $moment: $remains"
        fi
    fi
done
expect_equal "$bad" 0 "nothing of $KILLS killed networks is left after the next call"
run_ration run --network bridge -- ip -o -4 addr show dev eth0
expect_stdout_matches '10\.88\.0\.2/' 'and every address is free again'

# A link and a lease that no record tells of: the kernel has lost nothing, but the files were.
"$RATION" run --network bridge --name lost -- sleep 1000 >/dev/null 2>&1 &
lost=$!
wait_until 10 test -s "$RATION_DATA_DIR/networks/bridge/leases/lost"
wait_until 10 grep -q '^command' "$RATION_STATE_DIR/lost"
kill -9 $lost
wait $lost 2>/dev/null
rm -f "$RATION_STATE_DIR/lost"
rm -rf "$RATION_STATE_DIR/.names"
wait_until 10 sh -c '! grep -q "rt[0-9a-f]\{12\}" /proc/net/dev'
run_ration run --network bridge -- ip -o -4 addr show dev eth0
expect_stdout_matches '10\.88\.0\.2/' 'a lease without a link is nobody'"'"'s'
expect_equal "$(stays)" '' 'and goes'
