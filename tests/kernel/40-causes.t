#!/bin/sh
# shellcheck disable=SC2016,SC2034 # expanded in the run; read by the library
# Why a run ended: a table of causes, each with ration's exit status and the verdict.
#
#     options | COMMAND | status | cause | whose | limit
#
# Options and COMMAND are words of the shell. The limit is that which ended it, null when none did.
. "${LIB:-${0%/*}/../lib.sh}"
require_root
require_controller cpu memory pids
hog=$TOOLS/hog
probe=$TOOLS/probe

verdict_is() { # STATUS CAUSE WHOSE LIMIT NAME
    t_verdict="$status $(json "$json" verdict.cause) $(json "$json" verdict.whose) $(
        json "$json" verdict.limit)"
    if [ "$t_verdict" = "$1 $2 $3 $4" ]; then
        ok "$5"
    else
        t_fail_run "$5" "got: $t_verdict, wanted: $1 $2 $3 $4"
        t_dump_json "$json"
    fi
}

# A group above with a memory limit.
where=$(t_hierarchy memory)
above=rt-above-$$
mkdir "${where%% *}/$above"
if [ "$(controller_version memory)" = 2 ]; then
    echo '+memory +pids' >"${where%% *}/$above/cgroup.subtree_control"
    echo 20m >"${where%% *}/$above/memory.max"
    echo 0 >"${where%% *}/$above/memory.swap.max"
else
    echo 20m >"${where%% *}/$above/memory.limit_in_bytes"
fi

printf '#!/nonexistent/interpreter\n' >"$work/orphan"
printf 'text\n' >"$work/plain"
printf 'garbage\n' >"$work/garbage"
chmod 755 "$work/orphan" "$work/garbage"
chmod 644 "$work/plain"
mkdir "$work/mnt"
# Files in memory would not be page cache that can be reclaimed.
disk=$work
[ ! -d /scratch ] || disk=/scratch
hold=$(pick 2s 10s)
long=$(pick 30s 60s)

cat >"$work/table" <<'TABLE'
 | $hog exit 0 | 0 | exited | null | null
 | $hog exit 1 | 1 | exited | null | null
 | $hog exit 255 | 255 | exited | null | null
 | sh -c 'exit 137' | 137 | exited | null | null
 | $hog segv | 139 | signalled | null | null
 | $hog abort | 134 | signalled | null | null
 | $probe fault fpe | 136 | signalled | null | null
 | $probe fault ill | 132 | signalled | null | null
 | sh -c 'kill -9 $$' | 137 | signalled | null | null
 | sh -c 'kill -TERM $$' | 143 | signalled | null | null
--memory 20m | $hog mem 10m | 0 | exited | null | null
--memory 20m | $hog mem 60m | 137 | memory | own | memory
--memory 20m | $hog shm 60m | 137 | memory | own | memory
--memory 20m | $hog pipes 450 | 137 | memory | own | memory
--memory 20m --shm-size 100m | $hog file 60m /dev/shm/file | 137 | memory | own | memory
--memory 20m --tmpfs $work/mnt | $hog file 60m $work/mnt/file | 137 | memory | own | memory
--memory 20m | $hog file 60m $disk/rt-cached.$$ | 0 | exited | null | null
--memory 30m | sh -c "$hog mem 20m --hold $hold & $hog mem 20m --hold $hold; wait; exit 9" | 9 | memory | own | memory
--memory 20m --memory-swap 20m | $hog mem 60m | 137 | memory | own | memory
--memory 20m | sh -c "$hog mem 60m; exit 9" | 9 | memory | own | memory
--memory 20m | sh -c "$hog mem 60m; exit 0" | 0 | exited | null | null
--memory 20m --init=false | $hog mem 60m | 137 | memory | own | memory
--memory 20m --pid host | $hog mem 60m | 137 | memory | own | memory
--cgroup-parent /$above | $hog mem 60m | 137 | memory | ancestor | null
--cgroup-parent /$above --memory 50m | $hog mem 60m | 137 | memory | ancestor | null
--cgroup-parent /$above --memory 10m | $hog mem 60m | 137 | memory | own | memory
--timeout 300ms | $hog sleep $long | 124 | wall_time | own | timeout
--timeout 300ms | $hog ignore-term $long | 124 | wall_time | own | timeout
--timeout 300ms --init=false | $hog sleep $long | 124 | wall_time | own | timeout
--timeout 300ms | sh -c "$hog sleep $long; exit 0" | 124 | wall_time | own | timeout
--timeout 300ms --cpu-time 60s | $hog sleep $long | 124 | wall_time | own | timeout
--timeout $long | $hog exit 3 | 3 | exited | null | null
--timeout-soft 300ms | $hog sleep $long | 124 | wall_time | own | timeout-soft
--timeout-soft 300ms --soft-signal USR1 | sh -c 'trap "exit 7" USR1; while :; do sleep 0.1; done' | 7 | exited | null | null
--cpu-time 200 | $hog cpu $long | 124 | cpu_time | own | cpu-time
--cpu-time 200ms | $hog cputime-tree 3 $long | 124 | cpu_time | own | cpu-time
--cpu-time 200 | sh -c "$hog cpu $long; exit 0" | 124 | cpu_time | own | cpu-time
--cpu-time 200 --init=false | $hog cpu $long | 124 | cpu_time | own | cpu-time
--cpu-time 200 --timeout $long | $hog cpu $long | 124 | cpu_time | own | cpu-time
--cpu-time-soft 200 | $hog cpu $long | 124 | cpu_time | own | cpu-time-soft
--cpu-time 60s | $hog cputime 50ms | 0 | exited | null | null
--output-limit 64k | $hog out 1m | 137 | output | own | output-limit
--output-limit 64k | $hog out 1m --stderr | 137 | output | own | output-limit
--output-limit 64k | $hog out 65536 | 0 | exited | null | null
--pids-limit 10 | $hog fork 30 | 3 | pids | own | pids-limit
--pids-limit 10 | $hog threads 30 | 3 | pids | own | pids-limit
--pids-limit 10 | sh -c "$hog fork 30; exit 0" | 0 | exited | null | null
--pids-limit 40 | $hog fork 30 | 0 | exited | null | null
--rlimit-cpu 1:5 | $hog cpu $long | 152 | rlimit | own | rlimit-cpu
--rlimit-cpu 1 | $hog cpu $long | 137 | rlimit | own | rlimit-cpu
--rlimit-fsize 64k | $hog fsize 1m $work/grown | 153 | rlimit | own | rlimit-fsize
--rlimit-stack 256k | $hog stack 4m | 139 | signalled | null | null
--rlimit-as 64m | $hog mem 200m | 3 | exited | null | null
--rlimit-nofile 20 | $hog fds 50 | 3 | exited | null | null
--rlimit-core 0 | $hog abort | 134 | signalled | null | null
 | $hog syscall getppid | 159 | seccomp | null | null
--memory 50m --cpus 1 --pids-limit 20 | $hog syscall uname | 159 | seccomp | null | null
 | /nonexistent/program | 127 | failed_to_start | null | null
 | nonexistent-program | 127 | failed_to_start | null | null
 | $work/plain | 126 | failed_to_start | null | null
 | $work/orphan | 126 | failed_to_start | null | null
 | $work/garbage | 126 | failed_to_start | null | null
 | $work | 126 | failed_to_start | null | null
-w $work/nowhere | $hog exit 0 | 125 | failed_to_start | null | null
--rootfs $work | /nonexistent | 127 | failed_to_start | null | null
--init=false | /nonexistent | 127 | failed_to_start | null | null
--init=false | $hog exit 5 | 5 | exited | null | null
--init=false | $hog segv | 139 | signalled | null | null
TABLE

trim() {
    t_text=${1#"${1%%[! ]*}"}
    printf '%s' "${t_text%"${t_text##*[! ]}"}"
}

while IFS='|' read -r options command wanted cause whose limit <&3; do
    eval "set -- $options -- $command"
    run_json "$@"
    verdict_is "$(trim "$wanted")" "$(trim "$cause")" "$(trim "$whose")" "$(trim "$limit")" \
        "$(trim "$options") | $(trim "$command"): $(trim "$cause")"
done 3<"$work/table"
rmdir "${where%% *}/$above"
rm -f "$disk/rt-cached.$$"
assert_no_leftovers

# Every signal, raised by COMMAND itself; those that end nobody by default are not among them.
for signal in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 24 25 26 27 30; do
    run_json -- "$hog" signal $signal
    case $signal in
    # The kernel sends it for a file size limit only: one that COMMAND had from elsewhere.
    25) verdict_is $((128 + signal)) rlimit null null "raises $signal: rlimit, nobody's" ;;
    *) verdict_is $((128 + signal)) signalled null null "raises $signal: signalled" ;;
    esac
    expect_json "$json" signal $signal
done

# ---- evidence ----------------------------------------------------------------------------------

run_json --memory 20m -- sh -c '"$0" mem 60m; exit 0' "$hog"
expect_json "$json" verdict.cause exited 'a child killed for memory, a parent that does not mind'
expect_json_matches "$json" verdict.text 'killed for lack of memory' 'is said all the same'
expect_json_between "$json" metrics.oom_kills.value 1 100
expect_json_matches "$json" verdict.evidence 'oom' 'with evidence'
run_json --memory 20m -- "$hog" mem 60m
expect_json_matches "$json" verdict.evidence "$(
    [ "$(controller_version memory)" = 2 ] && echo memory.events || echo failcnt)" \
    'the evidence of a memory kill names the kernel'"'"'s file'
count=$("$TOOLS/jget" -n "$json" verdict.evidence)
expect_between "$count" 1 8 'and is a list'
expect_json_matches "$json" verdict.evidence '"after":[1-9].*"before":[0-9]+.*"source":' \
    'of source, before and after'
run_json --pids-limit 10 -- "$hog" fork 30
expect_json_matches "$json" verdict.evidence 'pids' 'the evidence of a refused fork'
run_json -w "$work/nowhere" -- "$hog" exit 0
expect_json "$json" errno 2 'a failed start tells errno'
expect_json_matches "$json" step '[a-z]' 'and the step'

# ---- from outside ------------------------------------------------------------------------------

# killed SIGNAL WHOM STATUS CAUSE NAME OPTIONS...: COMMAND ($pid) or ration gets a signal.
killed() {
    signal=$1 whom=$2 wanted=$3 cause=$4 name=$5
    shift 5
    start_sleeper "$name" "$@" || return
    if [ "$whom" = command ]; then kill "-$signal" "$pid"; else kill "-$signal" "$ration_pid"; fi
    wait_ration
    verdict_is "$wanted" "$cause" null null "$name"
}
killed TERM command 143 signalled 'somebody else ends COMMAND by SIGTERM'
killed KILL command 137 signalled 'somebody else ends COMMAND by SIGKILL'
killed KILL command 137 signalled 'the same with a memory limit' --memory 50m
killed KILL command 137 signalled 'the same with --init=false' --memory 50m --init=false
killed TERM ration 143 stopped 'SIGTERM to ration: stopped'
killed HUP ration 129 stopped 'SIGHUP to ration: stopped'
killed USR1 ration 138 stopped 'SIGUSR1 to ration, passed on, of which COMMAND dies: stopped'
killed TERM ration 143 stopped 'SIGTERM to ration with limits: stopped' --memory 50m --timeout 60s
killed TERM ration 137 stopped 'SIGTERM to ration, COMMAND is process 1 and ignores it: stopped' \
    --init=false --stop-timeout 300ms

start_json --stop-timeout 300ms -- "$hog" ignore-term 60
wait_until 20 grep -q ready "$out"
kill -TERM "$ration_pid"
wait_ration
verdict_is 137 stopped null null 'SIGTERM to ration, COMMAND ignores it: stopped'
start_json -- sh -c 'trap "exit 5" TERM; echo ready; while :; do sleep 0.1; done'
wait_until 20 grep -q ready "$out"
kill -TERM "$ration_pid"
wait_ration
verdict_is 5 exited null null 'SIGTERM to ration, COMMAND exits as it likes: exited'

t_last='SIGINT'
rm -f "$json"
"$probe" default-signals "$RATION" run --report "$json" --format json -- "$hog" sleep "3600.$$" \
    >"$out" 2>"$err" </dev/null &
ration_pid=$!
t_pids="$t_pids $ration_pid"
wait_until 20 find_process hog "3600.$$"
kill -INT "$ration_pid"
wait_ration
verdict_is 130 stopped null null 'SIGINT to ration: stopped'

# ---- huge pages --------------------------------------------------------------------------------

if [ "$VM" = 1 ] && has_controller hugetlb && echo 8 >/proc/sys/vm/nr_hugepages &&
    [ "$(cat /proc/sys/vm/nr_hugepages)" -ge 4 ]; then
    run_json --hugetlb 2MB:4m -- "$hog" hugetlb 4m
    verdict_is 0 exited null null 'huge pages within the limit'
    run_json --hugetlb 2MB:2m -- "$hog" hugetlb 8m
    expect_json_matches "$json" verdict.cause '^(memory|exited)$' 'huge pages beyond the limit'
    expect_equal "$([ "$status" -ne 0 ] && echo failed)" failed 'are not had'
    echo 0 >/proc/sys/vm/nr_hugepages
fi
assert_no_leftovers
