#!/bin/sh
# shellcheck disable=SC2016,SC2034 # expanded in the run; read by the library
# What a run hands on: exit status, streams, environment, arguments, signals. And what it does not:
# descriptors, leftovers.
. "${LIB:-${0%/*}/../lib.sh}"
require_root
hog=$TOOLS/hog

# ---- exit status -------------------------------------------------------------------------------

for wanted in 0 1 2 99 125 255; do
    run_ration run -- "$hog" exit $wanted
    expect_status $wanted "COMMAND's own exit status $wanted"
    expect_silent "nothing is said about exit status $wanted"
done
run_ration run "$hog" exit 5
expect_status 5 'options end at the first operand, also without --'
run_ration run -- sh -c 'exit 6'
expect_status 6 'COMMAND is looked up in PATH'

for signal in 1 9 11 15; do
    run_ration run -- "$hog" signal $signal
    expect_status $((128 + signal)) "128 + $signal when signal $signal ends COMMAND"
done

printf '#!/bin/sh\nexit 0\n' >"$work/plain"
printf '#!/nonexistent/interpreter\n' >"$work/orphan"
printf 'not a program\n' >"$work/garbage"
chmod 644 "$work/plain"
chmod 755 "$work/orphan" "$work/garbage"
run_ration run -- /nonexistent/program
expect_refusal 127 '/nonexistent/program' '127 and one sentence for a COMMAND that is not there'
run_ration run -- nonexistent-program
expect_refusal 127 'nonexistent-program' '127 for one that is not in PATH'
run_ration run -- "$work/plain"
expect_refusal 126 "$work/plain" '126 for a file that is not executable'
run_ration run -- "$work"
expect_refusal 126 "$work" '126 for a directory'
run_ration run -- "$work/garbage"
expect_refusal 126 "$work/garbage" '126 for what is no program'
run_ration run -- "$work/orphan"
expect_refusal 126 "$work/orphan" '126 for a script whose interpreter is missing: the script itself is there'
run_ration run --timeout 300ms -- "$hog" sleep 60
expect_status 124 '124 for a timeout'
run_ration run --rootfs "$work/nowhere" -- "$hog" exit 0
expect_refusal 125 'rootfs' '125 for a refusal'
assert_no_leftovers 'nothing is left of failed starts'

# ---- streams -----------------------------------------------------------------------------------

printf 'one\ntwo' >"$work/in"
run_ration_stdin "$work/in" run -- cat
expect_stdout_is "$(printf 'one\ntwo')" 'stdin reaches COMMAND, and what it writes comes out'
run_ration_stdin "$work/in" run -i -- cat
expect_stdout_is "$(printf 'one\ntwo')" 'with -i too'

run_ration run -- sh -c 'echo to-out; echo to-err >&2'
expect_stdout_is to-out 'stdout is stdout'
expect_equal "$(cat "$err")" to-err 'stderr is stderr'

bytes=$(pick 33554432 2097152)
expect_equal "$("$RATION" run -- "$hog" out "$bytes" | wc -c | tr -d ' ')" "$bytes" \
    "a pipe carries $bytes bytes"
head -c 300000 /dev/urandom >"$work/binary"
sum=$(cksum <"$work/binary")
expect_equal "$("$RATION" run -- cat <"$work/binary" | cksum)" "$sum" 'every byte as it was'
expect_equal "$("$RATION" run --output-limit 1m -- cat <"$work/binary" | cksum)" "$sum" \
    'every byte as it was, when output is counted'
expect_equal "$("$RATION" run -- "$hog" out 64m 2>/dev/null | head -c 5)" xxxxx \
    'a reader that goes away early gets what it read'
expect_equal "$("$RATION" run --output-limit 100m -- "$hog" out 64m 2>/dev/null | head -c 5)" xxxxx \
    'a reader that goes away early, when output is counted'

# A reader that never reads: told to end, ration does not wait for it for ever, and says what is lost.
mkfifo "$work/fifo"
# shellcheck disable=SC2217 # it holds the reading end open
sleep 1000 <"$work/fifo" &
reader=$!
"$RATION" run --timeout 200ms --stop-timeout 200ms --output-limit 100m -- "$hog" out 64m \
    >"$work/fifo" 2>"$err" &
ration_pid=$!
sleep 0.5
check 'the rest of the output is kept for a reader that may still come' kill -0 "$ration_pid"
kill "$ration_pid"
wait_ration
expect_equal "$status" 125 'SIGTERM ends the waiting'
expect_stderr_matches "last output" 'and what is lost is told'
kill "$reader"
wait "$reader" 2>/dev/null
assert_no_leftovers

status=0
"$RATION" run -- "$hog" exit 7 <&- || status=$?
expect_equal $status 7 'stdin closed'
status=0
"$RATION" run -- "$hog" exit 7 >&- || status=$?
expect_equal $status 7 'stdout closed'
status=0
"$RATION" run -- "$hog" exit 7 2>&- || status=$?
expect_equal $status 7 'stderr closed'
status=0
"$RATION" run --memory 50m --output-limit 1m -- "$hog" exit 7 <&- >&- 2>&- || status=$?
expect_equal $status 7 'all three closed'
"$RATION" run -- "$TOOLS/probe" fds <&- 2>&- >"$out"
expect_stdout_is '0 1 2' 'what was closed is open to nothing, so that no other file takes its number'

run_ration run -- "$TOOLS/probe" fds 7</etc/passwd 9>"$work/nine"
expect_stdout_is '0 1 2' 'no other descriptor is handed on'
run_ration run --memory 50m --pids-limit 20 --cpus 1 --init=false -- "$TOOLS/probe" fds
expect_stdout_is '0 1 2' 'none of ours either'
assert_no_leftovers

# ---- environment, directory, arguments ---------------------------------------------------------

run_ration run -e A=1 -e 'B=two words' -- env
expect_stdout_matches '^A=1$' '-e sets a variable'
expect_stdout_matches '^B=two words$' '-e takes blanks'
expect_stdout_matches '^PATH=' 'there is a PATH'
printf 'C=from file\n# comment\nD=\n' >"$work/env"
run_ration run --env-file "$work/env" -- env
expect_stdout_matches '^C=from file$' '--env-file sets a variable'
expect_stdout_matches '^D=$' '--env-file sets an empty variable'
run_ration run -w /tmp -- pwd
expect_stdout_is /tmp '-w is where COMMAND starts'
cd "$work" && run_ration run -- pwd
expect_stdout_is "$work" 'without -w it starts where we are'
cd / || exit

run_ration run -- sh -c 'for arg; do printf "<%s>" "$arg"; done' sh 'a b' "x
y" '' '*' "it's" '--memory' '-x'
expect_stdout_is "<a b><x
y><><*><it's><--memory><-x>" 'arguments arrive as they were'

# ---- processes ---------------------------------------------------------------------------------

run_ration run -- sh -c 'echo $$'
expect_stdout_is 2 'COMMAND is process 2, beneath the reaper'
run_ration run --init=false -- sh -c 'echo $$'
expect_stdout_is 1 'with --init=false it is process 1'
run_ration run --init=false -- "$hog" exit 9
expect_status 9 'exit status with --init=false'

run_ration run -- sh -c '"$0" orphans 8; sleep 0.3; cat /proc/[0-9]*/stat | grep -c ") Z "' "$hog"
expect_stdout_is 0 'orphans are reaped while COMMAND runs'

run_ration run -- sh -c 'sleep 1000 & sleep 1001 & exit 3'
expect_status 3 'COMMAND ends the run, whatever it left in the background'
assert_no_leftovers 'background processes have ended with it'
run_ration run --pid host -- sh -c 'sleep 1000 & exit 3'
expect_status 3 'also among the host'"'"'s processes'
assert_no_leftovers 'there too they have ended with it'

run_ration run -- "$TOOLS/probe" signals
expect_stdout_matches '^blocked$' 'COMMAND starts with no signal blocked'

# ---- signals -----------------------------------------------------------------------------------

# COMMAND prints the number of the signal that reaches it, and exits with it.
forwards() { # NUMBER OPTIONS...
    number=$1
    shift
    start_ration run "$@" -- "$hog" report-signal
    wait_until 20 grep -q ready "$out"
    kill "-$number" "$ration_pid"
    wait_ration
    expect_status "$number" "signal $number reaches COMMAND${1:+ with $*}"
}
for number in 1 2 3 10 12 15; do
    forwards $number
done
forwards 15 --init=false
forwards 15 --pid host
assert_no_leftovers

start_ration run --stop-timeout 300ms -- "$hog" ignore-term 60
wait_until 20 grep -q ready "$out"
kill -TERM "$ration_pid"
wait_ration
expect_status 137 'what ignores TERM is killed after --stop-timeout'
assert_no_leftovers

# ---- many, and names ---------------------------------------------------------------------------

runs=$(pick 100 20)
failed=0
for _ in $(seq "$runs"); do
    "$RATION" run --memory 50m -- "$hog" exit 0 >/dev/null 2>&1 || failed=$((failed + 1))
done
expect_equal $failed 0 "$runs runs in a row all succeed"
assert_no_leftovers "nothing is left of $runs runs"

i=0
for i in 1 2 3 4 5 6 7 8; do
    "$RATION" run --memory 50m --pids-limit 30 -- "$hog" exit "$i" >/dev/null 2>"$work/err.$i" &
    eval "pid_$i=\$!"
done
failed=
for i in 1 2 3 4 5 6 7 8; do
    status=0
    eval "wait \$pid_$i" || status=$?
    [ "$status" -eq "$i" ] || failed="$failed $i:$status $(cat "$work/err.$i")"
done
expect_equal "$failed" '' 'eight runs at once all succeed'

if start_sleeper 'a run with a name' --name "rt-name-$$"; then
    run_ration run --name "rt-name-$$" -- "$hog" exit 0
    expect_refusal 125 '--name' 'a second run by a name that is taken is refused'
    check 'the first is not disturbed' kill -0 "$pid"
    end_sleeper
    run_ration run --name "rt-name-$$" -- "$hog" exit 4
    expect_status 4 'the name is free again afterwards'
fi
assert_no_leftovers
