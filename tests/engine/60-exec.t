#!/bin/sh
# shellcheck disable=SC2016,SC2034,SC2154 # expanded inside; read by the library
# A further process in a run that lives: where it is, who it is, what limits it, and how it ends.
. "${0%/*}/lib.sh"
hog=$TOOLS/hog
seconds=$(pick 20 90)

lives() { # NAME: exec gets into it
    "$RATION" exec "$1" "$hog" exit 0 2>/dev/null
}

# start NAME OPTIONS...: a run of that name that sleeps
start() {
    s_name=$1
    shift
    start_ration run --name "$s_name" "$@" -- "$hog" sleep 3600
    s_pid=$ration_pid
    wait_until "$seconds" lives "$s_name" || diag "run $s_name does not begin: $(cat "$err")"
}

# The run ends, and its supervisor with it.
finish() { # NAME PID
    kill -TERM "$2"
    wait "$2" 2>/dev/null
}

of_record() { # NAME KEY: the first word of its value
    sed -n "s/^$2 \([^ ]*\).*/\1/p" "$RATION_STATE_DIR/$1"
}

# ---- where, who, how it ends ---------------------------------------------------------------------

start one --memory 60m --pids-limit 12 --ulimit nofile=77:88 --umask 027 -e OF_RUN=1 -e BOTH=run \
    --cap-drop ALL --hostname inside
run_ration exec one "$hog" self
expect_status 0 'exec runs a program'
run_ration exec one sh -c 'echo $$; tr "\0" " " </proc/1/cmdline; echo; hostname'
expect_stdout_matches '^[0-9]{1,2}$' 'its number is one of the run'"'"'s own'
expect_stdout_matches '^ration: init' 'process 1 is the run'"'"'s'
expect_stdout_matches '^inside$' 'the host name is the run'"'"'s'
for kind in pid net ipc uts mnt cgroup; do
    run_ration exec one readlink "/proc/self/ns/$kind"
    expect_equal "$(cat "$out")" "$(readlink "/proc/$(of_record one command)/ns/$kind")" \
        "it is in the run's $kind namespace"
done

run_ration exec one sh -c 'ulimit -Sn; ulimit -Hn; umask; echo "$OF_RUN $BOTH $HERE"'
expect_stdout_is '77
88
0027
1 run ' 'rlimits, umask and environment are the run'"'"'s'
run_ration exec one grep CapEff /proc/self/status
expect_stdout_matches '0000000000000000$' 'and so are the capabilities'
run_ration exec --privileged one grep CapEff /proc/self/status
expect_stdout_matches '[0-9a-f]{8}[ef]{3}f{5}$' '--privileged gives them all'
run_ration exec --privileged one sh -c 'cat /proc/self/cgroup >/dev/null; ulimit -Sn'
expect_stdout_is 77 'but leaves the limits'

printf 'FROM_FILE=2\nBOTH=file\n' >"$work/vars"
HERE=3 run_ration exec -e HERE --env-file "$work/vars" -e NEW='a b' -w /tmp one \
    sh -c 'pwd; echo "$OF_RUN $BOTH $FROM_FILE $NEW"; env | grep -c ^HERE='
expect_stdout_is '/tmp
1 file 2 a b
1' 'variables and directory are what exec asks for'

finish one "$s_pid"
start two
run_ration exec -u nobody two sh -c 'id -un; id -u; echo $HOME'
expect_stdout_matches '^nobody$' 'a user is found by name'
run_ration exec -u 12345:54321 two sh -c 'id -u; id -g; id -G'
expect_stdout_is '12345
54321
54321' 'a user is taken by number, and has no other groups'
run_ration exec -u nosuchuser two "$hog" self
expect_refusal 2 'nosuchuser' 'a user that there is not'

run_ration exec two sh -c 'exit 7'
expect_status 7 'the exit status comes out'
run_ration exec two sh -c 'kill -9 $$'
expect_status 137 'an end by a signal is told as a shell does'
run_ration exec two /nonexistent
expect_refusal 127 'cannot execute /nonexistent' 'there is no such program'
run_ration exec two /etc/passwd
expect_refusal 126 'cannot execute /etc/passwd' 'a file that is no program'

echo typed >"$work/in"
run_ration_stdin "$work/in" exec two cat
expect_stdout_is '' 'without -i there is no input'
run_ration_stdin "$work/in" exec -i two cat
expect_stdout_is typed 'with -i there is'
run_ration exec two sh -c 'echo to stderr >&2; ls /proc/self/fd'
expect_stderr_matches '^to stderr$' 'stdout and stderr are two'
expect_stdout_is '0
1
2
3' 'no other file is open in it (but that of ls)'

run_ration exec -w /nonexistent two "$hog" self
expect_refusal 125 'nonexistent' 'a directory that there is not'
for words in 'nosuchrun true' 'two'; do
    # shellcheck disable=SC2086 # words
    run_ration exec $words
    check "exec $words is refused" test "$status" -ne 0
done
run_ration exec nosuchrun "$hog" self
expect_refusal 125 "nosuchrun" 'there is no such run'
run_ration exec --memory 5m two "$hog" self
expect_refusal 2 'memory' 'limits are not exec'"'"'s to give'
run_ration exec -d -t two "$hog" self
expect_refusal 2 'terminal' 'a terminal that nobody would hold'

# ---- a terminal --------------------------------------------------------------------------------------

at_keyboard() {
    t_last=$*
    status=0
    said=$("$TOOLS/ptyrun" -t "$seconds" -o "$out" "$@" 2>"$err") || status=$?
}
expect_said() { # TEXT NAME
    if [ "$status" -eq 0 ] && [ "$said" = "$1" ]; then ok "$2"; else t_fail_run "$2" "said '$said', wanted '$1'"; fi
}
exec_t="$RATION exec -it two"
# shellcheck disable=SC2086 # a list of words
{
    at_keyboard -r 37 -c 111 expect '37 111' wait -- $exec_t stty size
    expect_said 'status 0' 'a terminal has the size of ours'
    at_keyboard expect ready resize 40 100 pause 200 send 'stty size; exit 3\n' expect '40 100' wait mode -- \
        $exec_t sh -c 'echo ready; exec sh'
    expect_said 'status 3
cooked' 'a change of size is followed, and the exit status comes out'
    at_keyboard expect ready send '\003' wait mode -- $exec_t sh -c 'echo ready; exec sleep 100'
    expect_said 'status 130
cooked' '^C ends it'
    at_keyboard expect ready await raw kill 15 wait mode -- $exec_t sh -c 'echo ready; exec sleep 100'
    expect_said 'status 143
cooked' 'SIGTERM to ration exec ends it'
}
run_ration exec two sh -c 'ls -d /proc/[0-9]* | wc -l'
expect_between "$(cat "$out")" 4 6 'none of all these is left in the run (1, COMMAND, sh, ls, wc)'

# ---- how it goes ------------------------------------------------------------------------------------------

"$RATION" exec two "$hog" sleep 4321 &
exec_pid=$!
inside() { find_process hog 4321; }
gone() { ! find_process hog 4321; }
check 'a process of exec is in the run' wait_until "$seconds" inside
kill -KILL "$exec_pid"
wait "$exec_pid" 2>/dev/null
check 'it ends when ration exec is killed' wait_until "$seconds" gone

run_ration exec -d two "$hog" sleep 4321
expect_status 0 'exec -d returns when its program runs'
check 'and that lives on' wait_until "$seconds" inside
run_ration exec -d two /nonexistent
expect_refusal 127 'cannot execute' 'exec -d tells of a program that there is not'

"$RATION" exec two "$hog" sleep 4322 2>/dev/null &
exec_pid=$!
wait_until "$seconds" find_process hog 4322
finish two "$s_pid"
wait "$exec_pid"
expect_equal $? 137 'a process of exec ends with the run'
check_not 'and a detached one, too' find_process hog 4321
run_ration exec two "$hog" self
expect_refusal 125 'two' 'nobody gets into a run that has ended'

# Ends while somebody is on his way in: either of both, never anything else, and never a process outside.
tries=$(pick 20 6)
strange=
i=0
while [ "$i" -lt "$tries" ]; do
    start "dying$i" --pids-limit 20
    "$RATION" exec "dying$i" "$hog" sleep 4323 2>"$work/dying" &
    exec_pid=$!
    [ $((i % 2)) -eq 0 ] || sleep "0.00$((i % 10))"
    kill -KILL "$(of_record "dying$i" command)" 2>/dev/null
    wait "$exec_pid"
    case $? in
    137 | 125) ;;
    *) strange="$strange $?: $(cat "$work/dying")" ;;
    esac
    wait "$s_pid" 2>/dev/null
    i=$((i + 1))
done
expect_equal "$strange" '' 'exec while the run dies: it ran and was killed, or was refused'
check_not 'and no process of it is left' find_process hog 4323

# ---- limits hold for it, and its figures are the run's --------------------------------------------------------

if has_controller memory && has_controller pids; then
    start_json --name limited --memory 60m --memory-swap 60m --pids-limit 12 -- "$hog" sleep 3600
    s_pid=$ration_pid
    check 'a run under limits is found' wait_until "$seconds" lives limited
    run_ration exec limited "$hog" mem 150m
    expect_status 137 'the memory limit of the run holds for it'
    check 'and COMMAND lives on' lives limited
    run_ration exec limited "$hog" fork 50
    expect_stdout_matches 'hog: ([1-9]|1[01]) children' 'the limit of processes holds for it'
    run_ration exec limited "$hog" mem 40m
    expect_status 0 'below the limit it lives'
    # Children of processes of exec, that are left behind, are the run's.
    run_ration exec limited "$hog" cputime 300ms
    sed -n 's/^group [0-9] [^ ]* \([^ ]*\) \(.*\)/\1\/\2/p' "$RATION_STATE_DIR/limited" >"$work/groups"
    while read -r dir; do
        check "it is where COMMAND is ($dir)" test -d "$dir/box"
    done <"$work/groups"
    finish limited "$s_pid"
    expect_json_between "$json" metrics.cpu_total_us.value 300000 60000000 'its CPU time is in the result of the run'
    expect_json_between "$json" metrics.memory_peak_bytes.value 40000000 62914560 'and its memory'
else
    skip 'limits hold for further processes' 'no controller for memory and pids'
fi

# ---- other namespaces, other users ---------------------------------------------------------------------------

start mapped --userns private
run_ration exec mapped sh -c 'id -u; cat /proc/self/uid_map'
expect_stdout_matches '^0$' 'in a user namespace it is who COMMAND is'
run_ration exec mapped readlink /proc/self/ns/user
expect_equal "$(cat "$out")" "$(readlink "/proc/$(of_record mapped command)/ns/user")" \
    'and in the same user namespace'
finish mapped "$s_pid"
start hostly --pid host --network host --ipc host --uts host
run_ration exec hostly readlink /proc/self/ns/pid
expect_equal "$(cat "$out")" "$(readlink /proc/self/ns/pid)" 'with --pid host there is nothing to enter'
run_ration exec -d hostly "$hog" sleep 4324
expect_status 0 'a detached one on the host'"'"'s process numbers'
finish hostly "$s_pid"
check_not 'ends with the run all the same' find_process hog 4324
start shifted --time-offset 86400
run_ration exec shifted cut -d. -f1 /proc/uptime
expect_between "$(cat "$out")" 86400 999999999 'the clocks are the run'"'"'s'
finish shifted "$s_pid"

mkdir -p "$work/root/etc" "$work/root/bin"
cp "$hog" "$work/root/bin/hog"
echo 'inner:x:4711:4712::/home/inner:/bin/sh' >"$work/root/etc/passwd"
echo 'inner:x:4712:' >"$work/root/etc/group"
start_ration run --name rooted --rootfs "$work/root" -- /bin/hog sleep 3600
s_pid=$ration_pid
in_root() { "$RATION" exec rooted /bin/hog exit 0 2>/dev/null; }
check 'a run in a root of its own is found' wait_until "$seconds" in_root
run_ration exec -u inner rooted /bin/hog self
expect_stdout_matches '4711' 'a user is looked up in the run'"'"'s own files'
run_ration exec -u nobody rooted /bin/hog self
expect_refusal 2 'nobody' 'and not in the host'"'"'s'
rm "$work/root/etc/passwd"
ln -s /etc/shadow "$work/root/etc/passwd"
run_ration exec -u root rooted /bin/hog self
expect_refusal 2 'root' 'no link of the root leads to a file of the host'
finish rooted "$s_pid"

# ---- what is in the way ----------------------------------------------------------------------------------------

start odd
cp "$RATION_STATE_DIR/odd" "$work/record"
grep -v '^command' "$work/record" >"$work/cut"
pid=$(of_record odd command)
for change in 's/^command [0-9]* /command 1 /' 's/^\(command [0-9]*\) .*/\1 12345/' 's/^process caps .*/process caps x/' \
    's/^command .*/command 99999999999 1/' 's/^process.*//'; do
    sed "$change" "$work/record" >"$work/changed"
    # In place: the record's lock is the supervisor's.
    cat "$work/changed" >"$RATION_STATE_DIR/odd"
    run_ration exec odd "$hog" self
    expect_refusal 125 'odd|record' "a record after $change leads nowhere"
done
cat "$work/record" >"$RATION_STATE_DIR/odd"
check 'and the whole one leads into the run' lives odd
finish odd "$s_pid"

assert_no_leftovers
