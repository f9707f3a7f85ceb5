#!/bin/sh
# shellcheck disable=SC2016,SC2034,SC2154 # expanded inside; read by the library
# The monitor: it outlives whoever started it, keeps logs bounded, waits for nobody who is attached, is small, and
# when it is killed its container ends and everybody is told.
. "${0%/*}/lib.sh"
seconds=$(pick 20 90)

monitor_of() { # NAME
    m_id=$("$RATION" ps -aq --no-trunc --filter "name=$1")
    for m_file in /proc/[0-9]*/cmdline; do
        case $(tr '\0' ' ' <"$m_file" 2>/dev/null) in
        "ration monitor $m_id "*) m_file=${m_file%/cmdline}; echo "${m_file##*/}"; return ;;
        esac
    done
}
is_up() { [ -n "$("$RATION" ps -q --filter "name=$1")" ]; }
is_down() { [ -z "$("$RATION" ps -q --filter "name=$1")" ]; }

# ---- by itself ------------------------------------------------------------------------------------------------

setsid sh -c '"$1" run -d --name far -- sh -c "sleep 0.5; echo later; sleep 3600" >/dev/null; kill -HUP 0' sh "$RATION" 2>/dev/null &
wait $!
check 'it survives the shell that started it' wait_until "$seconds" is_up far
monitor=$(monitor_of far)
expect_equal "$(cut -d' ' -f4 "/proc/$monitor/stat")" 1 'it is nobody'"'"'s child'
expect_equal "$(cut -d' ' -f7 "/proc/$monitor/stat")" 0 'and has no terminal'
expect_equal "$(readlink "/proc/$monitor/fd/0") $(readlink "/proc/$monitor/fd/2")" '/dev/null /dev/null' \
    'nor holds files of whoever started it'
expect_equal "$(readlink "/proc/$monitor/cwd")" / 'nor a directory'
log=$RATION_DATA_DIR/containers/$("$RATION" ps -aq --no-trunc)/log
check 'it logs what comes later' wait_until "$seconds" grep -q later "$log"

# Two of them, so that what programs share is not counted as private.
"$RATION" run -d --name near -- sleep 3600 >/dev/null
sleep 0.3
private_kib() { # PID...
    for p_pid in "$@"; do
        sed -n 's/^Private_Dirty: *\([0-9]*\) kB/\1/p' "/proc/$p_pid/smaps_rollup"
    done | { p_sum=0; while read -r p_kib; do p_sum=$((p_sum + p_kib)); done; echo "$p_sum"; }
}
if [ -r "/proc/$monitor/smaps_rollup" ]; then
    near=$(monitor_of near)
    reaper=$(for p in /proc/[0-9]*; do
        [ "$(cut -d' ' -f4 "$p/stat" 2>/dev/null)" != "$near" ] || echo "${p##*/}"; done | head -n 1)
    expect_between "$(private_kib "$near" "$reaper")" 8 140 'monitor and reaper are small, in KiB of memory of their own'
fi

# ---- killed -----------------------------------------------------------------------------------------------------

kill -KILL "$monitor"
check 'killed, it takes its container with it' wait_until "$seconds" is_down far
run_ration ps -a --filter name=far
expect_stdout_matches 'Exited \(\?\) killed with its monitor' 'and ps says what happened'
run_ration wait far
expect_stdout_is 137 'wait has an end, too'
run_ration start far
expect_status 0 'it can be started again'
kill -TERM "$(monitor_of far)"
check 'asked to end, a monitor ends its container' wait_until "$seconds" is_down far
run_ration ps -a --filter name=far
expect_stdout_matches 'Exited \(143\)' 'properly'
run_ration rm -f far near

# ---- output ------------------------------------------------------------------------------------------------------

run_ration run -d --name loud --log-opt max-size=16k --log-opt max-file=3 -- \
    sh -c 'i=0; while [ $i -lt 2000 ]; do i=$((i + 1)); echo "line $i of many that fill the log"; done; printf end'
run_ration wait loud
directory=$RATION_DATA_DIR/containers/$("$RATION" ps -aq --no-trunc --filter name=loud)
expect_equal "$(cd "$directory" && echo log*)" 'log log.1 log.2' 'as many files as were asked for'
for file in "$directory"/log*; do
    expect_between "$(wc -c <"$file")" 1 16384 "${file##*/} keeps its bound"
done
check 'the last line is there without a newline' grep -q '"log":"end","stream"' "$directory/log"
expect_equal "$(cat "$directory"/log* | grep -vc '^{"log":".*","stream":"stdout","time":"[0-9T:.-]*Z"}$')" 0 \
    'every entry is whole'

# Somebody is attached and does not read: the container goes on.
mkfifo "$work/pipe"
run_ration run -d --name deaf -- sh -c 'sleep 0.5; i=0; while [ $i -lt 3000 ]; do i=$((i + 1)); echo "$i ............................................................................"; done; exit 6'
sleep 60 <>"$work/pipe" &
reader=$!
"$RATION" attach --no-stdin deaf >"$work/pipe" 2>/dev/null &
attached=$!
run_ration wait deaf
expect_stdout_is 6 'who is attached and does not read holds nobody up for long'
kill -KILL "$reader" "$attached" 2>/dev/null
wait "$reader" "$attached" 2>/dev/null

engine_clean
